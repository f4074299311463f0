package segment

import "sync"

// buffers lends the memory in which bodies gather, in a few sizes four times
// apart: a body that outgrows its buffer is copied to the next, which costs a
// third of its length at most, and a small one never holds a large buffer.
type buffers struct {
	sizes []int
	pools []sync.Pool
}

// smallestBuffer holds most messages without an attachment.
const smallestBuffer = 8 << 10

// newBuffers lends buffers of up to max bytes.
func newBuffers(max int) *buffers {
	b := &buffers{}
	for n := smallestBuffer; n < max; n *= 4 {
		b.sizes = append(b.sizes, n)
	}
	b.sizes = append(b.sizes, max)
	b.pools = make([]sync.Pool, len(b.sizes))
	return b
}

// get lends a buffer of at least n bytes, or of the largest size.
func (b *buffers) get(n int) *[]byte {
	i := b.class(n)
	if p, ok := b.pools[i].Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, b.sizes[i])
	return &p
}

// put takes a buffer back.
func (b *buffers) put(p *[]byte) {
	b.pools[b.class(len(*p))].Put(p)
}

func (b *buffers) class(n int) int {
	for i, size := range b.sizes {
		if n <= size {
			return i
		}
	}
	return len(b.sizes) - 1
}
