package imap

import (
	"bytes"
	"io"
	"strings"
)

// URLMechanism is one of CodeURLMech; Data is base64, "" for none.
type URLMechanism struct{ Name, Data string }

// CodeURLMech is URLMECH (RFC 4467 §8). INTERNAL, which is always first on the
// wire, is not in it.
type CodeURLMech []URLMechanism

// CodeBadURL is BADURL with the URL as the client sent it (RFC 4469 §4.1).
type CodeBadURL string

func (CodeURLMech) CodeName() string { return "URLMECH" }
func (CodeBadURL) CodeName() string  { return "BADURL" }

// "URLMECH" SP "INTERNAL" *(SP mechanism ["=" base64])
func (c CodeURLMech) appendArg(dst []byte) []byte {
	dst = append(append(dst, ' '), InternalMechanism...)
	for _, m := range c {
		dst = append(append(dst, ' '), m.Name...)
		if m.Data != "" {
			dst = append(append(dst, '='), m.Data...)
		}
	}
	return dst
}

// url-resp-text = 1*(any TEXT-CHAR except "]"); what cannot stand there, and in
// no URL either, is percent-encoded.
func (c CodeBadURL) appendArg(dst []byte) []byte {
	return appendPercent(append(dst, ' '), string(c), func(b byte) bool {
		return b >= ' ' && b < 0x7f && b != ']'
	})
}

func parseURLMech(c *cursor) Code {
	code := CodeURLMech{}
	c.sp()
	c.keyword(InternalMechanism)
	for c.ok() && c.peek() == ' ' {
		c.sp()
		name, data, _ := strings.Cut(string(c.atom()), "=")
		code = append(code, URLMechanism{strings.ToUpper(name), data})
		if c.ok() && !isMechanism(name, "-.") {
			c.fail("expected the name of a mechanism")
		}
	}
	return code
}

func parseBadURL(c *cursor) Code {
	c.sp()
	end := bytes.IndexByte(c.buf[c.pos:], ']')
	if c.err != nil || end <= 0 {
		c.fail("expected a URL")
		return nil
	}
	url := string(c.buf[c.pos : c.pos+end])
	c.pos += end
	return CodeBadURL(url)
}

// GenURLAuth writes GENURLAUTH (RFC 4467 §8).
func (w *Writer) GenURLAuth(urls []string) {
	w.raw("* GENURLAUTH")
	for _, u := range urls {
		w.raw(" ")
		w.Buf = AppendString(w.Buf, u, w.UTF8)
	}
	w.CRLF()
}

// A URLFETCH response is URLFetchStart, then URLFetchURL for each URL followed
// by its value, then CRLF. The value of the form of RFC 4467 is URLFetchNIL or
// URLFetchHead and the octets; that of RFC 5524 is URLFetchNIL or one or more
// items.

// URLFetchStart begins URLFETCH.
func (w *Writer) URLFetchStart() { w.raw("* URLFETCH") }

// URLFetchURL names the URL, as the client sent it, that is answered next.
func (w *Writer) URLFetchURL(url string) {
	w.raw(" ")
	w.Buf = AppendString(w.Buf, url, w.UTF8)
}

// URLFetchNIL says that a URL gives nothing.
func (w *Writer) URLFetchNIL() { w.raw(" NIL") }

// URLFetchHead announces size octets, which the session sends next.
func (w *Writer) URLFetchHead(size int64) {
	w.raw(" ")
	w.Buf = AppendLiteralHead(w.Buf, size)
}

// URLFetchItem begins an item of RFC 5524 §3.2; ")" ends it (URLFetchItemEnd).
func (w *Writer) URLFetchItem(item URLItems) {
	w.raw(" (")
	for i, name := range urlItems {
		if item == 1<<i {
			w.raw(name)
		}
	}
}

// URLFetchItemEnd ends an item.
func (w *Writer) URLFetchItemEnd() { w.raw(")") }

// URLFetchHead8 announces size octets with NULs among them.
func (w *Writer) URLFetchHead8(size int64) {
	w.raw(" ")
	w.Buf = AppendLiteral8Head(w.Buf, size)
}

// GenURLAuthResponse is GENURLAUTH.
type GenURLAuthResponse struct{ URLs []string }

// URLFetchResponse is URLFETCH.
type URLFetchResponse struct{ URLs []URLData }

// URLData is what a URL gave. What was not sent is nil; for a URL that gives
// nothing all is.
type URLData struct {
	URL string
	// Octets are those of the form of RFC 4467, or of Item.
	Octets []byte
	// Item is 0 for the form of RFC 4467, else URLBinary or URLBody if
	// there was one of them; its Octets are nil for NIL.
	Item              URLItems
	BodyPartStructure *BodyStructure
	// Streamed: the octets were those of a URLLiteral.
	Streamed bool
}

// URLLiteral is a value of URLFETCH about to be read (ResponseReader.StreamURLs).
type URLLiteral struct {
	URL  string
	Item URLItems // as in URLData
	// Binary: it is a literal8, and may hold NULs.
	Binary bool
	Size   int64 // octets
	// Octets can be read until the next call of Next, which skips what is
	// left.
	Octets io.Reader
}

func (*GenURLAuthResponse) response() {}
func (*URLFetchResponse) response()   {}
func (*URLLiteral) response()         {}

func parseGenURLAuthResponse(c *cursor) Response {
	r := &GenURLAuthResponse{}
	for c.ok() && c.peek() == ' ' {
		c.sp()
		r.URLs = append(r.URLs, c.astring())
	}
	return r
}

// "URLFETCH" 1*(SP url-full (SP nstring / 1*(SP "(" url-metadata-el ")")))
func parseURLFetchResponse(c *cursor) Response {
	r := &URLFetchResponse{}
	for c.ok() && c.peek() == ' ' {
		c.sp()
		d := URLData{URL: c.astring()}
		c.sp()
		switch {
		case c.peek() != '(':
			c.urlOctets(&d)
		default:
			parseURLData(c, &d)
		}
		r.URLs = append(r.URLs, d)
	}
	return r
}

// 1*(SP "(" url-metadata-el ")"), after the first SP
func parseURLData(c *cursor, d *URLData) {
	for c.take('(') {
		switch at := c.pos; c.upperAtom() {
		case "BODYPARTSTRUCTURE":
			c.sp()
			d.BodyPartStructure = parseBody(c, 0)
		case "BINARY":
			c.urlItem(d, URLBinary)
		case "BODY":
			c.urlItem(d, URLBody)
		default:
			c.failAt(at, "unknown item of URLFETCH")
		}
		c.expect(')')
		if c.peek() == ' ' && c.peekAt(1) == '(' {
			c.sp()
		}
	}
}

// SP ( nstring / literal8 ), once for a URL (RFC 5524 §3.1).
func (c *cursor) urlItem(d *URLData, item URLItems) {
	if d.Item != 0 {
		c.fail("a URL has one value")
	}
	d.Item = item
	c.sp()
	c.urlOctets(d)
}

// nstring / literal8
func (c *cursor) urlOctets(d *URLData) {
	switch {
	case c.nil():
	case c.peek() == '"':
		d.Octets = clone(c.quoted())
	default:
		lit := c.literal()
		if d.Streamed = lit.Sink >= 0 || c.partial(); !d.Streamed {
			d.Octets = clone(lit.Data)
		}
	}
}

// urlLiteral says which value of URLFETCH the frame ends in.
func urlLiteral(f Frame, utf8Mode bool) (*URLLiteral, bool) {
	c := &cursor{buf: f.Bytes, frame: &f, utf8: utf8Mode, client: true}
	r, ok := parseResponse(c).(*URLFetchResponse)
	if !ok || len(r.URLs) == 0 || !c.reached || c.inString {
		return nil, false
	}
	d := &r.URLs[len(r.URLs)-1]
	if !d.Streamed { // it is in the structure
		return nil, false
	}
	return &URLLiteral{URL: d.URL, Item: d.Item}, true
}

// clone never gives nil.
func clone(b []byte) []byte { return append([]byte{}, b...) }
