package transfer

import (
	"bufio"
	"io"
)

// crlfReader makes every bare LF a CRLF.
type crlfReader struct {
	io.Closer
	r    *bufio.Reader
	last byte
	lf   bool // an LF is due: its CR was given
}

func newCRLFReader(r io.ReadCloser) io.ReadCloser {
	return &crlfReader{Closer: r, r: bufio.NewReaderSize(r, 32<<10)}
}

func (c *crlfReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if c.lf {
			p[n], c.last, c.lf = '\n', '\n', false
			n++
			continue
		}
		b, err := c.r.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if b == '\n' && c.last != '\r' {
			p[n], c.lf = '\r', true
		} else {
			p[n] = b
		}
		c.last = p[n]
		n++
	}
	return n, nil
}

// lfWriter makes every CRLF an LF.
type lfWriter struct {
	w  *bufio.Writer
	cr bool // a CR is held back
}

func (l *lfWriter) Write(p []byte) (int, error) {
	for _, b := range p {
		if l.cr && b != '\n' {
			l.w.WriteByte('\r')
		}
		if l.cr = b == '\r'; !l.cr {
			l.w.WriteByte(b)
		}
	}
	return len(p), nil
}

// end writes what was held back; the underlying writer is not flushed.
func (l *lfWriter) end() {
	if l.cr {
		l.w.WriteByte('\r')
		l.cr = false
	}
}
