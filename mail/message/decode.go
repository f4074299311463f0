package message

import (
	"bytes"
	"errors"
	"io"
)

// ErrUnknownEncoding: the Content-Transfer-Encoding is not one of RFC 2045's,
// so that the body cannot be decoded (RFC 3516 §4.3, UNKNOWN-CTE).
var ErrUnknownEncoding = errors.New("unknown content transfer encoding")

// decoder removes a transfer encoding from bytes that come in pieces. It never
// fails: what is not well encoded is decoded as far as it goes.
type decoder interface {
	// decode appends what src decodes to.
	decode(dst, src []byte) []byte
	// finish appends what was held back; the decoder is then as new.
	finish(dst []byte) []byte
}

// decoderFor gives a decoder; nil for UnknownEncoding.
func decoderFor(e Encoding) decoder {
	switch e {
	case Base64:
		return &base64Decoder{}
	case QuotedPrintable:
		return &qpDecoder{}
	case UnknownEncoding:
		return nil
	}
	return identity{}
}

// identity is 7bit, 8bit and binary.
type identity struct{}

func (identity) decode(dst, src []byte) []byte { return append(dst, src...) }
func (identity) finish(dst []byte) []byte      { return dst }

// chain feeds one decoder's output to the next.
type chain struct {
	first, second decoder
	buf           []byte
}

func (c *chain) decode(dst, src []byte) []byte {
	c.buf = c.first.decode(c.buf[:0], src)
	return c.second.decode(dst, c.buf)
}

func (c *chain) finish(dst []byte) []byte {
	c.buf = c.first.finish(c.buf[:0])
	return c.second.finish(c.second.decode(dst, c.buf))
}

// crlfDecoder makes every line end CRLF (RFC 3516 §6). A CR alone stays.
type crlfDecoder struct{ cr bool }

func (d *crlfDecoder) decode(dst, src []byte) []byte {
	for len(src) > 0 {
		i := bytes.IndexByte(src, '\n')
		if i < 0 {
			d.cr = src[len(src)-1] == '\r'
			return append(dst, src...)
		}
		if i > 0 {
			d.cr = src[i-1] == '\r'
		}
		dst = append(dst, src[:i]...)
		if !d.cr {
			dst = append(dst, '\r')
		}
		dst, src, d.cr = append(dst, '\n'), src[i+1:], false
	}
	return dst
}

func (d *crlfDecoder) finish(dst []byte) []byte {
	d.cr = false
	return dst
}

// readSize is the number of encoded bytes that a decoding reader reads at once.
const readSize = 32 << 10

// Decode gives a part's body without its transfer encoding, as FETCH BINARY
// sends it: the line ends of text are CRLF (RFC 3516 §6). body is the encoded
// body. ErrUnknownEncoding if it cannot be decoded.
func Decode(body io.Reader, e Encoding, text bool) (io.Reader, error) {
	d := decoderFor(e)
	if d == nil {
		return nil, ErrUnknownEncoding
	}
	if text {
		d = &chain{first: d, second: &crlfDecoder{}}
	}
	return &decodingReader{src: body, d: d}, nil
}

// AppendDecoded appends a whole body as Decode gives it; for one that is in
// memory.
func AppendDecoded(dst, body []byte, e Encoding, text bool) ([]byte, error) {
	d := decoderFor(e)
	if d == nil {
		return dst, ErrUnknownEncoding
	}
	if text && !e.Identity() {
		d = &chain{first: d, second: &crlfDecoder{}}
	} else if text {
		d = &crlfDecoder{}
	}
	return d.finish(d.decode(dst, body)), nil
}

type decodingReader struct {
	src io.Reader
	d   decoder
	in  []byte
	out []byte // decoded
	at  int    // how much of out was given
	err error
}

func (r *decodingReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.at == len(r.out) {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.out[r.at:])
	r.at += n
	return n, nil
}

// fill decodes the next piece.
func (r *decodingReader) fill() {
	if r.in == nil {
		r.in = make([]byte, readSize)
	}
	n, err := r.src.Read(r.in)
	r.out, r.at = r.d.decode(r.out[:0], r.in[:n]), 0
	if r.err = err; err == io.EOF {
		r.out = r.d.finish(r.out)
	}
}
