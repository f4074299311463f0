package client

import "bytes"

// crlf makes every line end of a text CRLF: a bare CR or LF is one, too. The
// zero crlf stands at the start of a text.
type crlf struct{ cr bool } // a CR was read and not yet written

// append appends the next octets of the text.
func (e *crlf) append(dst, p []byte) []byte {
	for len(p) > 0 {
		if e.cr {
			e.cr = false
			dst = append(dst, '\r', '\n')
			if p[0] == '\n' {
				p = p[1:]
				continue
			}
		}
		end := bytes.IndexByte(p, '\n')
		line := p
		if end >= 0 {
			line = p[:end]
		}
		if at := bytes.IndexByte(line, '\r'); at >= 0 {
			dst, p, e.cr = append(dst, line[:at]...), p[at+1:], true
			continue
		}
		dst = append(dst, line...)
		if end < 0 {
			return dst
		}
		dst, p = append(dst, '\r', '\n'), p[end+1:]
	}
	return dst
}

// end appends what is still to come of the last line.
func (e *crlf) end(dst []byte) []byte {
	if e.cr {
		e.cr = false
		dst = append(dst, '\r', '\n')
	}
	return dst
}
