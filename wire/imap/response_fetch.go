package imap

import (
	"bytes"
	"time"
)

// fetchParsers take the value of each data item, by name in upper case.
var fetchParsers = map[string]func(*cursor, *FetchResponse){
	"UID": func(c *cursor, r *FetchResponse) { r.UID = c.nzNumber() },
	"FLAGS": func(c *cursor, r *FetchResponse) {
		l := c.flagList()
		r.Flags = &l
	},
	"INTERNALDATE": func(c *cursor, r *FetchResponse) { r.InternalDate = c.dateTime() },
	"RFC822.SIZE":  func(c *cursor, r *FetchResponse) { r.Size = NNumber{c.number64(), true} },
	"MODSEQ": func(c *cursor, r *FetchResponse) {
		c.expect('(')
		r.ModSeq = c.modSeq(1)
		c.expect(')')
	},
	"EMAILID":       func(c *cursor, r *FetchResponse) { r.EmailID = c.parenObjectID().Value },
	"THREADID":      func(c *cursor, r *FetchResponse) { r.ThreadID = c.parenObjectID() },
	"SAVEDATE":      parseSaveDate,
	"PREVIEW":       func(c *cursor, r *FetchResponse) { r.Preview = new(NString); *r.Preview = c.nstr() },
	"ENVELOPE":      func(c *cursor, r *FetchResponse) { r.Envelope = parseEnvelope(c) },
	"BODYSTRUCTURE": func(c *cursor, r *FetchResponse) { r.BodyStructure = parseBody(c, 0) },
}

// "(" (msg-att-dynamic / msg-att-static) *(SP …) ")"
func parseFetchResponse(c *cursor, seq uint32) *FetchResponse {
	r := &FetchResponse{Seq: seq}
	c.listOrEmpty(func() {
		name := c.fetchName()
		form, _ := lookup(fetchForms, name)
		switch {
		case c.peek() == '[' || form.kind >= FetchRFC822 && form.kind <= FetchRFC822Text:
			parseFetchSection(c, r, form.kind, form.text)
			return
		case form.kind == FetchSection: // BODY without a section
			c.sp()
			r.Body = parseBody(c, 0)
			return
		}
		c.sp()
		if parse, known := lookup(fetchParsers, name); known {
			parse(c, r)
		} else {
			c.skipValue()
		}
	})
	return r
}

// parseFetchSection takes section, origin and value of an item that has them.
func parseFetchSection(c *cursor, r *FetchResponse, kind FetchKind, text SectionText) {
	d := FetchSectionData{Kind: kind, Origin: -1}
	d.Section.Text = text
	if c.peek() == '[' {
		parseSection(c, &d.Section)
	}
	if c.take('<') {
		d.Origin = c.number64()
		c.expect('>')
	}
	c.sp()
	switch {
	case d.Kind < FetchSection || d.Kind > FetchBinarySize: // not known
		c.skipValue()
		return
	case d.Kind == FetchBinarySize:
		d.Literal = Literal{Size: c.number64(), Sink: -1}
	case c.nil():
		d.Null, d.Literal.Sink = true, -1
	case c.peek() == '"':
		data := bytes.Clone(c.quoted())
		d.Literal = Literal{Size: int64(len(data)), Sink: -1, Data: data}
	default:
		d.Literal = c.messageLiteral()
	}
	r.Sections = append(r.Sections, d)
}

func parseSaveDate(c *cursor, r *FetchResponse) {
	r.SaveDate = new(time.Time)
	if !c.nil() {
		*r.SaveDate = c.dateTime()
	}
}

// "(" objectid ")" / nil
func (c *cursor) parenObjectID() NString {
	if c.nil() {
		return NString{}
	}
	c.expect('(')
	id := c.objectID()
	c.expect(')')
	return NString{id, c.ok()}
}

// nstr is nstring as a value.
func (c *cursor) nstr() NString {
	s, ok := c.nstring()
	return NString{s, ok}
}
