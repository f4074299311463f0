package bench

import (
	"errors"
	"io"
	"net"

	"citron/wire/deflate"
)

// errNotOffered: the target has no COMPRESS=DEFLATE.
var errNotOffered = errors.New("does not announce COMPRESS=DEFLATE")

// compress has the connection compressed in both directions (RFC 4978).
func (c *imapConn) compress() error {
	if !c.can("COMPRESS=DEFLATE") {
		return errNotOffered
	}
	if err := c.do("COMPRESS DEFLATE"); err != nil {
		return err
	}
	p := &packedConn{Conn: c.Conn, from: c.r}
	c.use(p)
	c.packed = p
	return nil
}

// arrived is how many bytes the server has sent, as they travelled.
func (c *imapConn) arrived() int64 {
	if c.packed == nil {
		return c.received
	}
	return c.packed.in.Size().Packed
}

// packedConn is the client's side of a compressed connection.
type packedConn struct {
	net.Conn
	from io.Reader
	raw  [32 << 10]byte
	left []byte // of raw, not yet decompressed
	in   deflate.Decoder
	out  deflate.Encoder
}

func (p *packedConn) Read(b []byte) (int, error) {
	for {
		written, taken, err := p.in.Decode(b, p.left)
		p.left = p.left[taken:]
		if written > 0 || err != nil || len(b) == 0 {
			return written, err
		}
		n, err := p.from.Read(p.raw[:])
		if p.left = p.raw[:n]; n == 0 && err != nil {
			return 0, err
		}
	}
}

func (p *packedConn) Write(b []byte) (int, error) {
	if _, err := p.Conn.Write(p.out.Append(nil, b)); err != nil {
		return 0, err
	}
	return len(b), nil
}
