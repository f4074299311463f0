package message

// base64Decoder decodes base64 (RFC 2045 §6.8) that comes in pieces. Bytes
// outside the alphabet are ignored, as §6.8 asks; so is padding, except that it
// ends a quantum: what follows, which some writers produce by joining encoded
// pieces, is decoded on.
type base64Decoder struct {
	bits uint32
	n    uint // number of characters in bits
}

// decode appends what src decodes to.
func (d *base64Decoder) decode(dst, src []byte) []byte {
	for len(src) > 0 {
		if d.n == 0 {
			dst, src = decodeQuads(dst, src)
			if len(src) == 0 {
				break
			}
		}
		c := src[0]
		src = src[1:]
		if v := unbase64[c]; v < 64 {
			d.bits = d.bits<<6 | uint32(v)
			if d.n++; d.n == 4 {
				dst = append(dst, byte(d.bits>>16), byte(d.bits>>8), byte(d.bits))
				d.n = 0
			}
		} else if c == '=' {
			dst = d.flush(dst)
		}
	}
	return dst
}

// flush ends a quantum: two characters are one byte, three are two.
// finish ends the last quantum.
func (d *base64Decoder) finish(dst []byte) []byte { return d.flush(dst) }

func (d *base64Decoder) flush(dst []byte) []byte {
	switch d.n {
	case 2:
		dst = append(dst, byte(d.bits>>4))
	case 3:
		dst = append(dst, byte(d.bits>>10), byte(d.bits>>2))
	}
	d.n = 0
	return dst
}

// decodeQuads decodes groups of four characters of the alphabet while there
// are any.
func decodeQuads(dst, src []byte) (d, rest []byte) {
	for len(src) >= 4 {
		a, b, c, e := unbase64[src[0]], unbase64[src[1]], unbase64[src[2]], unbase64[src[3]]
		if (a|b|c|e)&0x80 != 0 {
			break
		}
		v := uint32(a)<<18 | uint32(b)<<12 | uint32(c)<<6 | uint32(e)
		dst = append(dst, byte(v>>16), byte(v>>8), byte(v))
		src = src[4:]
	}
	return dst, src
}
