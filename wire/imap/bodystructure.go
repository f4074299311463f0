package imap

import "strings"

// BodyStructure is a BODYSTRUCTURE or BODY (RFC 9051 §7.5.2).
type BodyStructure struct {
	Type, Subtype string // "MULTIPART" for one with Parts
	Params        []BodyParam

	// Of a multipart.
	Parts []BodyStructure

	// Of a part that is not a multipart.
	ID, Description NString
	Encoding        string
	Size            int64 // octets
	Lines           int64 // of TEXT, and of a MESSAGE with Message
	// Envelope and Message are those of MESSAGE/RFC822 and
	// MESSAGE/GLOBAL.
	Envelope *Envelope
	Message  *BodyStructure

	// Extended says that extension data was there; of a multipart that
	// includes Params.
	Extended          bool
	MD5               NString // not of a multipart
	Disposition       string  // "" for NIL
	DispositionParams []BodyParam
	Language          []string // nil for NIL
	Location          NString
}

// BodyParam is a parameter of a Content-Type or Content-Disposition.
type BodyParam struct{ Name, Value string }

// maxBodyDepth bounds the nesting that a client accepts.
const maxBodyDepth = 100

// body = "(" (body-type-1part / body-type-mpart) ")"
func parseBody(c *cursor, depth int) *BodyStructure {
	b := &BodyStructure{}
	if depth > maxBodyDepth {
		c.failKind(TooLarge, c.pos, "body structure nested too deep")
		return b
	}
	c.expect('(')
	if c.peek() == '(' {
		parseMultipart(c, b, depth)
	} else {
		parseSinglePart(c, b, depth)
	}
	for c.ok() && c.peek() == ' ' { // body-extension
		c.sp()
		c.skipValue()
	}
	c.expect(')')
	return b
}

// body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
func parseMultipart(c *cursor, b *BodyStructure, depth int) {
	b.Type = "MULTIPART"
	for c.ok() && c.peek() == '(' {
		b.Parts = append(b.Parts, *parseBody(c, depth+1))
		if c.peekAt(1) == '(' {
			c.take(' ')
		}
	}
	c.sp()
	b.Subtype = c.str()
	if c.ok() && c.peek() == ' ' {
		c.sp()
		b.Extended = true
		b.Params = parseBodyParams(c)
		parseBodyExtension(c, b)
	}
}

func parseSinglePart(c *cursor, b *BodyStructure, depth int) {
	b.Type = c.str()
	c.sp()
	b.Subtype = c.str()
	c.sp()
	b.Params = parseBodyParams(c)
	c.sp()
	b.ID = c.nstr()
	c.sp()
	b.Description = c.nstr()
	c.sp()
	b.Encoding = c.nstr().Value
	c.sp()
	b.Size = c.number64()
	switch {
	case b.hasMessage():
		c.sp()
		b.Envelope = parseEnvelope(c)
		c.sp()
		b.Message = parseBody(c, depth+1)
		fallthrough
	case strings.EqualFold(b.Type, "TEXT"):
		c.sp()
		b.Lines = c.number64()
	}
	if c.ok() && c.peek() == ' ' {
		c.sp()
		b.Extended = true
		b.MD5 = c.nstr()
		parseBodyExtension(c, b)
	}
}

func (b *BodyStructure) hasMessage() bool {
	return strings.EqualFold(b.Type, "MESSAGE") &&
		(strings.EqualFold(b.Subtype, "RFC822") || strings.EqualFold(b.Subtype, "GLOBAL"))
}

// "(" string SP string *(SP string SP string) ")" / nil
func parseBodyParams(c *cursor) (params []BodyParam) {
	if c.nil() {
		return nil
	}
	c.listOrEmpty(func() {
		p := BodyParam{Name: c.str()}
		c.sp()
		p.Value = c.nstr().Value
		params = append(params, p)
	})
	return params
}

// [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc …]]]
func parseBodyExtension(c *cursor, b *BodyStructure) {
	if !c.ok() || c.peek() != ' ' {
		return
	}
	c.sp()
	if !c.nil() {
		c.expect('(')
		b.Disposition = c.str()
		c.sp()
		b.DispositionParams = parseBodyParams(c)
		c.expect(')')
	}
	if !c.ok() || c.peek() != ' ' {
		return
	}
	c.sp()
	if c.peek() == '(' {
		c.list(func() { b.Language = append(b.Language, c.str()) })
	} else if s := c.nstr(); s.Valid {
		b.Language = []string{s.Value}
	}
	if !c.ok() || c.peek() != ' ' {
		return
	}
	c.sp()
	b.Location = c.nstr()
}

// ParseBodyStructure parses a BODY or BODYSTRUCTURE in wire form.
func ParseBodyStructure(text []byte, utf8Mode bool) (*BodyStructure, error) {
	c := &cursor{buf: text, utf8: utf8Mode, client: true}
	b := parseBody(c, 0)
	if c.ok() && !c.atEnd() {
		c.fail("more than a body structure")
	}
	return b, c.err
}

// Part gives the structure of a part by its number, b itself for none; nil if it
// is not there (RFC 9051 §6.4.5.1).
func (b *BodyStructure) Part(path []uint32) *BodyStructure {
	root := true
	for _, n := range path {
		if !root && b.Message != nil {
			b, root = b.Message, true
		}
		switch {
		case b.Parts != nil && n >= 1 && uint64(n) <= uint64(len(b.Parts)):
			b = &b.Parts[n-1]
		case b.Parts != nil || !root || n != 1:
			return nil
		}
		root = false
	}
	return b
}

// AppendBodyStructure appends b in wire form, with extension data if extended
// (BODYSTRUCTURE, not BODY).
func AppendBodyStructure(dst []byte, b *BodyStructure, extended, utf8Mode bool) []byte {
	dst = append(dst, '(')
	if b.Parts != nil {
		for i := range b.Parts {
			dst = AppendBodyStructure(dst, &b.Parts[i], extended, utf8Mode)
		}
		dst = append(dst, ' ')
		dst = AppendString(dst, b.Subtype, utf8Mode)
		if extended {
			dst = append(dst, ' ')
			dst = appendBodyParams(dst, b.Params, utf8Mode)
		}
	} else {
		dst = appendSinglePart(dst, b, extended, utf8Mode)
		if extended {
			dst = append(dst, ' ')
			dst = appendNStr(dst, b.MD5, utf8Mode)
		}
	}
	if extended {
		dst = appendBodyExtension(dst, b, utf8Mode)
	}
	return append(dst, ')')
}

func appendSinglePart(dst []byte, b *BodyStructure, extended, utf8Mode bool) []byte {
	dst = AppendString(dst, b.Type, utf8Mode)
	dst = append(dst, ' ')
	dst = AppendString(dst, b.Subtype, utf8Mode)
	dst = append(dst, ' ')
	dst = appendBodyParams(dst, b.Params, utf8Mode)
	dst = append(dst, ' ')
	dst = appendNStr(dst, b.ID, utf8Mode)
	dst = append(dst, ' ')
	dst = appendNStr(dst, b.Description, utf8Mode)
	dst = append(dst, ' ')
	dst = AppendString(dst, b.Encoding, utf8Mode)
	dst = appendSPUint(dst, uint64(b.Size))
	if b.hasMessage() && b.Envelope != nil && b.Message != nil {
		dst = append(dst, ' ')
		dst = AppendEnvelope(dst, b.Envelope, utf8Mode)
		dst = append(dst, ' ')
		dst = AppendBodyStructure(dst, b.Message, extended, utf8Mode)
		return appendSPUint(dst, uint64(b.Lines))
	}
	if strings.EqualFold(b.Type, "TEXT") {
		dst = appendSPUint(dst, uint64(b.Lines))
	}
	return dst
}

func appendBodyParams(dst []byte, params []BodyParam, utf8Mode bool) []byte {
	if len(params) == 0 {
		return AppendNIL(dst)
	}
	dst = append(dst, '(')
	for i, p := range params {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = AppendString(dst, p.Name, utf8Mode)
		dst = append(dst, ' ')
		dst = AppendString(dst, p.Value, utf8Mode)
	}
	return append(dst, ')')
}

// appendBodyExtension appends disposition, language and location.
func appendBodyExtension(dst []byte, b *BodyStructure, utf8Mode bool) []byte {
	if b.Disposition == "" {
		dst = append(dst, " NIL"...)
	} else {
		dst = append(dst, " ("...)
		dst = AppendString(dst, b.Disposition, utf8Mode)
		dst = append(dst, ' ')
		dst = appendBodyParams(dst, b.DispositionParams, utf8Mode)
		dst = append(dst, ')')
	}
	switch len(b.Language) {
	case 0:
		dst = append(dst, " NIL"...)
	case 1:
		dst = AppendString(append(dst, ' '), b.Language[0], utf8Mode)
	default:
		dst = append(dst, " ("...)
		for i, lang := range b.Language {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = AppendString(dst, lang, utf8Mode)
		}
		dst = append(dst, ')')
	}
	dst = append(dst, ' ')
	return appendNStr(dst, b.Location, utf8Mode)
}
