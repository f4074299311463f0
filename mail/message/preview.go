package message

import (
	"bytes"
	"unicode/utf8"
)

// maxPreview is the length of a preview in characters (RFC 8970 §3.3).
const maxPreview = 200

// appendPreview appends the preview: the first 200 characters of the text that
// comes first, or of the other one if that says nothing. A text/plain comes
// before the text/html of which it is the alternative.
func (m *Message) appendPreview(dst []byte) []byte {
	first, second := &m.plain, &m.html
	if m.htmlFirst() {
		first, second = second, first
	}
	for _, e := range [...]*excerpt{first, second} {
		if e.part < 0 {
			continue
		}
		from := len(dst)
		if dst = m.appendExcerpt(dst, e); len(dst) > from {
			return dst
		}
	}
	return dst
}

// htmlFirst says that the html text comes before the plain one and is not its
// alternative.
func (m *Message) htmlFirst() bool {
	if m.html.part < 0 || m.plain.part < m.html.part {
		return false
	}
	p := m.nodes[m.html.part].Parent
	if p < 0 || p != m.nodes[m.plain.part].Parent {
		return true
	}
	_, sub := m.nodes[p].mediaType(m.arena)
	return !equalFold(sub, "alternative")
}

// appendExcerpt appends the preview of one text. What was kept may go beyond
// the part by a line end, which does no harm, and end within a character.
func (m *Message) appendExcerpt(dst []byte, e *excerpt) []byte {
	n := &m.nodes[e.part]
	body := e.body[:min(int64(len(e.body)), n.Size())]
	cut := int64(len(body)) < n.Size()
	if !n.Encoding.Identity() {
		d := decoderFor(n.Encoding)
		if d == nil {
			return dst
		}
		m.work.text = d.finish(d.decode(m.work.text[:0], body))
		body = m.work.text
	}
	html := e == &m.html
	if !html {
		// A character is at most four bytes, and space may be folded
		// away: this is enough but for texts that begin with a desert.
		cut = cut || len(body) > 8*maxPreview
		body = body[:min(len(body), 8*maxPreview)]
	}
	if cut {
		body = trimIncomplete(body)
	}
	text := body
	m.work.value = n.appendCharset(m.work.value[:0], m.arena)
	if charset := m.work.value; !isUTF8(charset) {
		text = charsetToUTF8(nil, string(charset), body)
	} else {
		text = toUTF8(body)
	}
	if html {
		text = appendPlain(nil, text)
	}
	return appendSummaryText(dst, text)
}

// appendCharset appends the charset parameter of the part, if there is one.
func (n *node) appendCharset(dst, arena []byte) []byte {
	if n.forced != asDeclared {
		return dst
	}
	mt, _ := parseMediaType(n.fields[contentType].in(arena))
	return appendParam(dst, mt.params, "charset")
}

// trimIncomplete drops an UTF-8 character that was cut at the end.
func trimIncomplete(b []byte) []byte {
	for i := 1; i <= utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= 0xC0 && !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// appendSummaryText appends up to maxPreview characters of a text. Lines that
// quote another message are left out, unless there are no others, and so are
// those that are only drawing; the text ends at a signature.
func appendSummaryText(dst, text []byte) []byte {
	from := len(dst)
	if dst = appendLines(dst, text, true); len(dst) == from {
		dst = appendLines(dst, text, false)
	}
	return dst
}

func appendLines(dst, text []byte, own bool) []byte {
	w := previewWriter{dst: dst, from: len(dst)}
	for len(text) > 0 && w.count < maxPreview {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		if own && w.count > 0 && string(bytes.TrimRight(line, "\r")) == "-- " {
			break
		}
		if own && (len(line) > 0 && line[0] == '>' || isDrawing(line)) {
			continue
		}
		w.line(line)
	}
	return w.dst
}

// isDrawing says whether a line has neither letter nor digit.
func isDrawing(line []byte) bool {
	for _, c := range line {
		if isAlpha(c) || isDigit(c) || c >= 0x80 {
			return false
		}
	}
	return true
}

// previewWriter writes text with every run of white space as one space.
type previewWriter struct {
	dst   []byte
	from  int
	count int // characters written
	space bool
}

func (w *previewWriter) line(line []byte) {
	for len(line) > 0 && w.count < maxPreview {
		r, n := rune(line[0]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(line)
		}
		line = line[n:]
		switch {
		case ' ' < r && r < 0x7F:
		case isPreviewSpace(r):
			w.space = true
			continue
		case isInvisible(r):
			continue
		}
		if w.space && w.count > 0 {
			if w.count+1 == maxPreview {
				w.count++
				break
			}
			w.dst = append(w.dst, ' ')
			w.count++
		}
		w.space = false
		w.dst = utf8.AppendRune(w.dst, r)
		w.count++
	}
	w.space = true
}

func isPreviewSpace(r rune) bool {
	return r <= ' ' || r == 0xA0 || 0x2000 <= r && r <= 0x200A || r == 0x2028 || r == 0x2029 || r == 0x3000
}

// isInvisible finds the characters with which advertisers pad a preview.
func isInvisible(r rune) bool {
	switch r {
	case 0x7F, 0xAD, 0x34F, 0x200B, 0x200C, 0x200E, 0x200F, 0x2060, 0xFEFF, utf8.RuneError:
		return true
	}
	return 0x80 <= r && r < 0xA0
}
