package search

import (
	"bytes"
	"io"
	"slices"

	"citron/mail/message"
)

// scanSize is the number of bytes of decoded text looked at together, apart
// from what is kept of the text before. maxHeader is how much is read of the
// header of a part.
const (
	scanSize  = 32 << 10
	maxHeader = 256 << 10
)

// scanner looks for several strings in a message's parts, in bounded memory.
type scanner struct {
	buf     []byte
	header  []byte
	body    []byte // a small part as stored,
	work    []byte // without its encoding,
	plain   []byte // and as text
	longest int    // of the strings, in bytes
}

// message looks for texts and sets found. It stops when all are found.
func (sc *scanner) message(s *subject, texts []seeking, found []bool) error {
	ix, err := s.Index()
	if err != nil {
		return err
	}
	tree, err := ix.Tree()
	if err != nil {
		return err
	}
	body, err := s.Body()
	if err != nil {
		return err
	}
	sc.longest = 0
	for _, t := range texts {
		sc.longest = max(sc.longest, len(t.needle))
	}
	for i := range tree {
		if err := sc.part(&tree[i], body, texts, found); err != nil {
			return err
		}
		if all(found) {
			return nil
		}
	}
	return nil
}

func all(found []bool) bool {
	for _, f := range found {
		if !f {
			return false
		}
	}
	return true
}

// part looks into the header of a part and, if it is text, into its body.
func (sc *scanner) part(p *message.Part, body io.ReaderAt, texts []seeking, found []bool) error {
	header, err := sc.readHeader(p, body)
	if err != nil {
		return err
	}
	for i, t := range texts {
		if t.headers && !found[i] {
			found[i] = inHeader(header, t.needle)
		}
	}
	if p.Kind != message.Leaf || p.Flags&message.IsText == 0 {
		return nil
	}
	contentType, _ := message.FirstField(header, "Content-Type")
	charset := message.CharsetOf(contentType)
	encoding := p.Encoding
	if encoding == message.UnknownEncoding {
		encoding = message.EightBit // as it stands
	}
	if p.Size() <= scanSize {
		return sc.small(p, body, encoding, charset, texts, found)
	}
	text, err := message.TextReader(io.NewSectionReader(body, p.Body, p.Size()), encoding, charset)
	if err != nil {
		return err
	}
	return sc.text(text, texts, found)
}

// small looks into a part that is read at once.
func (sc *scanner) small(p *message.Part, body io.ReaderAt, e message.Encoding, charset string, texts []seeking, found []bool) error {
	n := int(p.Size())
	sc.body = slices.Grow(sc.body[:0], n)[:n]
	if got, err := body.ReadAt(sc.body, p.Body); got < n {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	var err error
	if sc.plain, sc.work, err = message.AppendText(sc.plain[:0], sc.work, sc.body, e, charset); err != nil {
		return err
	}
	casemap(sc.plain)
	for i, t := range texts {
		found[i] = found[i] || bytes.Contains(sc.plain, t.needle)
	}
	return nil
}

// readHeader reads the header of a part into sc.header.
func (sc *scanner) readHeader(p *message.Part, body io.ReaderAt) ([]byte, error) {
	n := int(min(p.Body-p.Header, maxHeader))
	if cap(sc.header) < n {
		sc.header = make([]byte, n)
	}
	sc.header = sc.header[:n]
	_, err := io.ReadFull(io.NewSectionReader(body, p.Header, int64(n)), sc.header)
	return sc.header, err
}

// text looks for the strings not found yet in decoded text. Of what it has
// looked at it keeps so much that a string across the seam is found.
func (sc *scanner) text(r io.Reader, texts []seeking, found []bool) error {
	if len(sc.buf) < scanSize+sc.longest {
		sc.buf = make([]byte, scanSize+sc.longest)
	}
	kept := 0
	for {
		n, err := io.ReadFull(r, sc.buf[kept:kept+scanSize])
		casemap(sc.buf[kept : kept+n])
		window := sc.buf[:kept+n]
		for i, t := range texts {
			if !found[i] {
				found[i] = bytes.Contains(window, t.needle)
			}
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF || err == nil && all(found):
			return nil
		case err != nil:
			return err
		}
		kept = copy(sc.buf, window[len(window)-min(sc.longest-1, len(window)):])
	}
}
