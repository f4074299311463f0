package smtp

import "bytes"

// DotDecoder undoes DATA's dot-stuffing (RFC 5321 §4.5.2). The zero DotDecoder
// stands at the start of a message.
type DotDecoder struct{ state dotState }

type dotState uint8

const (
	lineStart dotState = iota
	midLine
	afterCR
	afterDot   // CRLF "."
	afterDotCR // CRLF "." CR
)

var (
	crlfDot = []byte("\r\n.")
	cr      = []byte("\r")
)

// Next takes octets off the front of in: n were taken, and piece (a part of in,
// perhaps empty) is what they mean. done says that they ended the message; what
// follows is the next command. It is to be called until done or in is used up.
func (d *DotDecoder) Next(in []byte) (piece []byte, n int, done bool) {
	for n < len(in) {
		c := in[n]
		switch d.state {
		case lineStart:
			d.state = midLine
			if c == '.' {
				d.state = afterDot
				n++
			}
		case midLine:
			piece, taken := d.text(in[n:])
			return piece, n + taken, false
		case afterCR:
			d.state = midLine
			if c == '\n' {
				d.state = lineStart
				return in[n : n+1], n + 1, false
			}
		case afterDot:
			d.state = midLine
			if c == '\r' {
				d.state = afterDotCR
				n++
			}
		case afterDotCR:
			if c == '\n' {
				d.state = lineStart
				return nil, n + 1, true
			}
			d.state = midLine
			return cr, n, false
		}
	}
	return nil, n, false
}

// text takes everything up to the next dot that begins a line.
func (d *DotDecoder) text(in []byte) (piece []byte, n int) {
	if i := bytes.Index(in, crlfDot); i >= 0 {
		d.state = afterDot
		return in[:i+2], i + 3
	}
	switch {
	case bytes.HasSuffix(in, crlfDot[:2]):
		d.state = lineStart
	case in[len(in)-1] == '\r':
		d.state = afterCR
	}
	return in, len(in)
}

// DotEncoder stuffs a message for DATA. The zero DotEncoder stands at the start
// of one.
type DotEncoder struct{ state dotState }

// Append appends the next octets of the message.
func (e *DotEncoder) Append(dst, p []byte) []byte {
	for len(p) > 0 {
		if e.state == lineStart && p[0] == '.' {
			dst = append(dst, '.')
		}
		if e.state == afterCR && p[0] == '\n' {
			dst, p, e.state = append(dst, '\n'), p[1:], lineStart
			continue
		}
		e.state = midLine
		if i := bytes.Index(p, crlfDot); i >= 0 {
			dst, p, e.state = append(dst, p[:i+2]...), p[i+2:], lineStart
			continue
		}
		switch {
		case bytes.HasSuffix(p, crlfDot[:2]):
			e.state = lineStart
		case p[len(p)-1] == '\r':
			e.state = afterCR
		}
		return append(dst, p...)
	}
	return dst
}

// End appends the end of the message, after a CRLF if its last line had none.
func (e *DotEncoder) End(dst []byte) []byte {
	if e.state != lineStart {
		dst = append(dst, '\r', '\n')
	}
	e.state = lineStart
	return append(dst, '.', '\r', '\n')
}
