package message

import (
	"bytes"
	"html"
)

// appendPlain appends the text of an HTML document, which may be cut off
// anywhere: tags are dropped, those that break lines make a line end, and the
// contents of style, script and the like are left out.
func appendPlain(dst, doc []byte) []byte {
	for len(doc) > 0 {
		i := bytes.IndexByte(doc, '<')
		if i < 0 {
			i = len(doc)
		}
		dst = appendUnescaped(dst, doc[:i])
		if doc = doc[i:]; len(doc) == 0 {
			break
		}
		if bytes.HasPrefix(doc, []byte("<!--")) {
			doc = after(doc[4:], "-->")
			continue
		}
		name, closing := tagName(doc)
		if name == nil && !isMarkup(doc) {
			dst = append(dst, '<')
			doc = doc[1:]
			continue
		}
		doc = afterTag(doc)
		if !closing && isHidden(name) {
			doc = afterClosing(doc, name)
		}
		if !isInline(name) {
			dst = append(dst, '\n')
		}
	}
	return dst
}

// appendUnescaped appends text with its character references resolved.
func appendUnescaped(dst, text []byte) []byte {
	if bytes.IndexByte(text, '&') < 0 {
		from := len(dst)
		dst = append(dst, text...)
		spaces(dst[from:])
		return dst
	}
	from := len(dst)
	dst = append(dst, html.UnescapeString(string(text))...)
	spaces(dst[from:])
	return dst
}

// spaces makes line ends spaces, for a line in HTML is only a way of writing.
func spaces(b []byte) {
	for i, c := range b {
		if c == '\n' || c == '\r' {
			b[i] = ' '
		}
	}
}

// tagName gives the name of the tag that doc begins with.
func tagName(doc []byte) (name []byte, closing bool) {
	doc = doc[1:]
	if len(doc) > 0 && doc[0] == '/' {
		doc, closing = doc[1:], true
	}
	n := 0
	for n < len(doc) && (isAlpha(doc[n]) || n > 0 && isDigit(doc[n])) {
		n++
	}
	if n == 0 {
		return nil, closing
	}
	return doc[:n], closing
}

// isMarkup says whether "<" begins a declaration or the like.
func isMarkup(doc []byte) bool {
	return len(doc) > 1 && (doc[1] == '!' || doc[1] == '?' || doc[1] == '/')
}

// afterTag gives what follows the tag, whose attributes may hold ">" in quotes.
func afterTag(doc []byte) []byte {
	quote := byte(0)
	for i, c := range doc {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && i > 0 && doc[i-1] == '=':
			quote = c
		case c == '>':
			return doc[i+1:]
		}
	}
	return nil
}

// afterClosing gives what follows the closing tag of an element.
func afterClosing(doc, name []byte) []byte {
	for {
		i := bytes.Index(doc, []byte("</"))
		if i < 0 {
			return nil
		}
		doc = doc[i:]
		if n, _ := tagName(doc); bytes.EqualFold(n, name) {
			return afterTag(doc)
		}
		doc = doc[2:]
	}
}

func after(doc []byte, end string) []byte {
	if i := bytes.Index(doc, []byte(end)); i >= 0 {
		return doc[i+len(end):]
	}
	return nil
}

// isHidden says whether an element's content is not shown.
func isHidden(name []byte) bool { return isOneOf(name, "style", "script", "title", "template") }

// isInline says whether text goes on in the same line and word.
func isInline(name []byte) bool {
	return isOneOf(name, "a", "abbr", "b", "bdi", "bdo", "big", "code", "em", "font", "i", "ins",
		"kbd", "mark", "o", "s", "small", "span", "strong", "sub", "sup", "tt", "u", "wbr")
}

func isOneOf(name []byte, names ...string) bool {
	for _, n := range names {
		if equalFold(name, n) {
			return true
		}
	}
	return false
}
