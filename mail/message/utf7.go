package message

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// utf7 is UTF-7 (RFC 2152), for reading only: old Exchange servers wrote it.
type utf7 struct{}

func (utf7) NewDecoder() *encoding.Decoder { return &encoding.Decoder{Transformer: &utf7Decoder{}} }

// NewEncoder writes no UTF-7: it passes UTF-8 through.
func (utf7) NewEncoder() *encoding.Encoder { return &encoding.Encoder{Transformer: transform.Nop} }

// utf7Decoder keeps the bits of a base64 run that do not make a unit yet.
type utf7Decoder struct {
	shifted bool
	first   bool // nothing was read since the plus sign
	bits    uint32
	n       uint   // number of bits
	high    uint16 // a surrogate that waits for its pair
}

func (d *utf7Decoder) Reset() { *d = utf7Decoder{} }

func (d *utf7Decoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if len(dst)-nDst < 2*utf8.UTFMax {
			return nDst, nSrc, transform.ErrShortDst
		}
		c := src[nSrc]
		nSrc++
		switch v := unbase64[c]; {
		case !d.shifted && c == '+':
			d.shifted, d.first, d.bits, d.n = true, true, 0, 0
		case !d.shifted:
			nDst += utf8.EncodeRune(dst[nDst:], rune(c))
		case v < 64:
			d.first = false
			d.bits, d.n = d.bits<<6|uint32(v), d.n+6
			if d.n >= 16 {
				d.n -= 16
				nDst += d.unit(dst[nDst:], uint16(d.bits>>d.n))
			}
		default:
			if c == '-' && d.first {
				dst[nDst] = '+'
				nDst++
			} else if c != '-' {
				nDst += utf8.EncodeRune(dst[nDst:], rune(c))
			}
			d.shifted, d.high = false, 0
		}
	}
	return nDst, nSrc, nil
}

// unit writes what a UTF-16 unit completes.
func (d *utf7Decoder) unit(dst []byte, u uint16) int {
	r := rune(u)
	high := d.high
	d.high = 0
	switch {
	case high != 0:
		r = utf16.DecodeRune(rune(high), r)
	case utf16.IsSurrogate(r) && u < 0xDC00:
		d.high = u
		return 0
	case utf16.IsSurrogate(r):
		r = utf8.RuneError
	}
	return utf8.EncodeRune(dst, r)
}

// unbase64 gives the value of a base64 character; 255 for any other byte.
var unbase64 = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range alphabet {
		t[alphabet[i]] = byte(i)
	}
	return t
}()
