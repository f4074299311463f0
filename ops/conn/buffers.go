package conn

import "sync"

// A running session borrows its buffers; a parked one has none. Input buffers
// come in two sizes, because what is not yet logged in gets less.
const (
	smallIn = 4 << 10
	largeIn = 32 << 10
	// firstOut is the capacity of a fresh output buffer, keepOut the largest
	// that goes back to the pool.
	firstOut = 8 << 10
	keepOut  = 2 * HighWater
)

var (
	smallPool = sync.Pool{New: func() any { return new([smallIn]byte) }}
	largePool = sync.Pool{New: func() any { return new([largeIn]byte) }}
	outPool   = sync.Pool{New: func() any { b := make([]byte, 0, firstOut); return &b }}
)

// inbuf holds input that the session has not yet consumed: b[r:w].
type inbuf struct {
	b    []byte
	r, w int32
	// pooled: b is from one of the pools; else it is as large as its content.
	pooled bool
}

// bytes returns what is held. Its capacity ends with it.
func (i *inbuf) bytes() []byte { return i.b[i.r:i.w:i.w] }

func (i *inbuf) consume(n int) {
	i.r += int32(n)
	if i.r == i.w {
		i.r, i.w = 0, 0
	}
}

// space returns room for reading, at the end of a buffer of the given size;
// none if the buffer is full of what the session left.
func (i *inbuf) space(size int) []byte {
	switch {
	case !i.pooled:
		i.grow(size)
	case i.r > 0 && len(i.b)-int(i.w) < len(i.b)/2:
		i.w = int32(copy(i.b, i.b[i.r:i.w]))
		i.r = 0
	}
	return i.b[i.w:]
}

// grow moves the content into a pooled buffer.
func (i *inbuf) grow(size int) {
	var b []byte
	if size > smallIn || int(i.w-i.r) >= smallIn {
		b = largePool.Get().(*[largeIn]byte)[:]
	} else {
		b = smallPool.Get().(*[smallIn]byte)[:]
	}
	i.w = int32(copy(b, i.b[i.r:i.w]))
	i.r, i.b, i.pooled = 0, b, true
}

// filled says that n bytes were read into space.
func (i *inbuf) filled(n int) { i.w += int32(n) }

// park gives the buffer back and keeps a copy of what it held, if anything.
func (i *inbuf) park() {
	if !i.pooled {
		return
	}
	var rest []byte
	if i.w > i.r {
		rest = append(rest, i.b[i.r:i.w]...)
	}
	i.drop()
	i.b, i.w = rest, int32(len(rest))
}

// drop forgets the content and gives the buffer back.
func (i *inbuf) drop() {
	if i.pooled {
		if len(i.b) == smallIn {
			smallPool.Put((*[smallIn]byte)(i.b))
		} else {
			largePool.Put((*[largeIn]byte)(i.b))
		}
	}
	*i = inbuf{}
}

// getOut borrows an empty output buffer.
func getOut() []byte { return (*outPool.Get().(*[]byte))[:0] }

// putOut gives one back, of whatever size it has become.
func putOut(b []byte) {
	if cap(b) >= firstOut && cap(b) <= keepOut {
		outPool.Put(&b)
	}
}
