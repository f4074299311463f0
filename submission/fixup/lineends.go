package fixup

import "bytes"

var crlf = []byte("\r\n")

// maxCRs is how many CRs in a row a header may have.
const maxCRs = 100

// header gathers lines of the header from p, and gives what is beyond its end.
// CRLF, a bare LF and a bare CR all end a line; so do several CRs before one LF,
// which text is seen with that was converted twice: were they several line ends,
// the header would end there and show the rest of itself as the body.
func (f *Filter) header(p []byte) (rest []byte, err error) {
	for len(p) > 0 {
		if f.crs > 0 && p[0] != '\r' {
			if p[0] == '\n' {
				p, f.crs = p[1:], 1
			}
			if done, err := f.endLines(); done {
				return p, err
			}
			continue
		}
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			i = len(p)
		}
		if len(f.head)+i > f.o.MaxHeader {
			return nil, replyHeaderTooLarge
		}
		f.head = append(f.head, p[:i]...)
		if p = p[i:]; len(p) == 0 {
			break
		}
		if p[0] == '\n' {
			p, f.crs = p[1:], 1
			if done, err := f.endLines(); done {
				return p, err
			}
			continue
		}
		if p, f.crs = p[1:], f.crs+1; f.crs > maxCRs {
			return nil, replyJunk
		}
	}
	return nil, nil
}

// endLines makes line ends of the CRs that were held back, until one of them
// ends the header.
func (f *Filter) endLines() (done bool, err error) {
	for f.crs > 0 {
		f.crs--
		if len(f.head) >= f.o.MaxHeader {
			return true, replyHeaderTooLarge
		}
		f.head = append(f.head, crlf...)
		if len(f.head) == 2 || bytes.HasSuffix(f.head, []byte("\r\n\r\n")) {
			return true, f.endHeader()
		}
	}
	return false, nil
}

// closeHeader ends a header after which nothing came, with the blank line that
// it lacks.
func (f *Filter) closeHeader() error {
	if done, err := f.endLines(); done {
		return err
	}
	if len(f.head) > 0 && !bytes.HasSuffix(f.head, crlf) {
		f.crs++
	}
	f.crs++
	f.noBlank = true
	_, err := f.endLines()
	return err
}

// body passes on octets of the body. Runs that are in order go as they are.
func (f *Filter) body(p []byte) error {
	if f.o.Binary {
		if err := f.flush(); err != nil {
			return err
		}
		return f.emit(p)
	}
	for len(p) > 0 {
		if f.crs > 0 && p[0] == '\n' {
			p = p[1:]
		}
		if err := f.flush(); err != nil {
			return err
		}
		n := orderly(p)
		if err := f.emit(p[:n]); err != nil {
			return err
		}
		if p = p[n:]; len(p) > 0 { // a bare LF, or a CR that may be
			f.crs = 1
			if p[0] == '\n' {
				err := f.flush()
				if err != nil {
					return err
				}
			}
			p = p[1:]
		}
	}
	return nil
}

// flush makes line ends of the CRs that were held back.
func (f *Filter) flush() error {
	for ; f.crs > 0; f.crs-- {
		if err := f.emit(crlf); err != nil {
			return err
		}
	}
	return nil
}

// orderly is how much of p, from its beginning, has no CR or LF but in CRLF.
func orderly(p []byte) int {
	for n := 0; ; {
		i := bytes.IndexByte(p[n:], '\n')
		line := p[n:]
		if i >= 0 {
			line = line[:i]
		}
		switch cr := bytes.IndexByte(line, '\r'); {
		case cr >= 0 && (i < 0 || cr < i-1):
			return n + cr
		case i < 0:
			return len(p)
		case cr < 0:
			return n + i
		}
		n += i + 1
	}
}
