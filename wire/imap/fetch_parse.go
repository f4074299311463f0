package imap

// fetchForms are the data items that a client may ask for, by name in upper
// case, with what may or must follow the name.
var fetchForms = map[string]struct {
	kind    FetchKind
	section sectionForm
	peek    bool
	text    SectionText // of the RFC822 forms
}{
	"ENVELOPE":      {kind: FetchEnvelope},
	"FLAGS":         {kind: FetchFlags},
	"INTERNALDATE":  {kind: FetchInternalDate},
	"RFC822.SIZE":   {kind: FetchSize},
	"BODYSTRUCTURE": {kind: FetchBodyStructure},
	"UID":           {kind: FetchUID},
	"BODY":          {kind: FetchSection, section: sectionOptional},
	"BODY.PEEK":     {kind: FetchSection, section: sectionFull, peek: true},
	"RFC822":        {kind: FetchRFC822},
	"RFC822.HEADER": {kind: FetchRFC822Header, peek: true, text: SectionHeader},
	"RFC822.TEXT":   {kind: FetchRFC822Text, text: SectionBody},
	"BINARY":        {kind: FetchBinary, section: sectionParts},
	"BINARY.PEEK":   {kind: FetchBinary, section: sectionParts, peek: true},
	"BINARY.SIZE":   {kind: FetchBinarySize, section: sectionPartsOnly},
	"MODSEQ":        {kind: FetchModSeq},
	"EMAILID":       {kind: FetchEmailID},
	"THREADID":      {kind: FetchThreadID},
	"SAVEDATE":      {kind: FetchSaveDate},
	"PREVIEW":       {kind: FetchPreview},
}

// sectionForm says which brackets follow a name.
type sectionForm uint8

const (
	sectionNone      sectionForm = iota
	sectionOptional              // section [partial], or nothing
	sectionFull                  // section [partial]
	sectionParts                 // section-binary [partial]
	sectionPartsOnly             // section-binary
)

// fetchMacros are written alone, never in a list (RFC 9051 §6.4.5).
var fetchMacros = map[string][]FetchKind{
	"ALL":  {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope},
	"FAST": {FetchFlags, FetchInternalDate, FetchSize},
	"FULL": {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope, FetchBody},
}

// fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att /
// "(" fetch-att *(SP fetch-att) ")") [SP "(" fetch-modifier … ")"]
func parseFetch(c *cursor) (Command, error) {
	f := &Fetch{UID: c.uid}
	c.sp()
	f.Set = c.seqSet()
	c.sp()
	if c.ok() && c.peek() == '(' {
		c.list(func() { f.Items = append(f.Items, parseFetchItem(c, c.fetchName())) })
	} else {
		name := c.fetchName()
		macro, _ := lookup(fetchMacros, name)
		for _, kind := range macro {
			f.Items = append(f.Items, FetchItem{Kind: kind})
		}
		if f.Items == nil {
			f.Items = []FetchItem{parseFetchItem(c, name)}
		}
	}
	if c.ok() && !c.atEnd() {
		c.sp()
		parseFetchModifiers(c, f)
	}
	return f, c.err
}

// fetchName takes the name of an item, which ends before a "[".
func (c *cursor) fetchName() []byte {
	if c.err != nil {
		return nil
	}
	end := c.pos
	for end < len(c.buf) && c.buf[end] != '[' && classes[c.buf[end]]&classAtom != 0 {
		end++
	}
	name := c.buf[c.pos:end]
	if len(name) == 0 {
		c.fail("expected a FETCH item")
	}
	c.pos = end
	return name
}

func parseFetchItem(c *cursor, name []byte) (item FetchItem) {
	form, known := lookup(fetchForms, name)
	if !known {
		c.fail("unknown FETCH item before this")
		return item
	}
	item.Kind, item.Peek = form.kind, form.peek
	item.Section.Text = form.text
	switch form.section {
	case sectionOptional:
		if c.peek() != '[' {
			item.Kind = FetchBody
			return item
		}
		parseSection(c, &item.Section)
		parsePartial(c, &item)
	case sectionFull:
		parseSection(c, &item.Section)
		parsePartial(c, &item)
	case sectionParts:
		parseSectionBinary(c, &item.Section)
		parsePartial(c, &item)
	case sectionPartsOnly:
		parseSectionBinary(c, &item.Section)
	}
	if item.Kind == FetchPreview && c.peek() == ' ' && c.peekAt(1) == '(' {
		parsePreviewModifiers(c, &item)
	}
	return item
}

// "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"] (RFC 8970 §6). After a
// PREVIEW that stands alone, "(" may also begin the modifiers of FETCH.
func parsePreviewModifiers(c *cursor, item *FetchItem) {
	start := c.pos
	c.sp()
	c.expect('(')
	if !equalUpper(c.atom(), "LAZY") || c.err != nil {
		c.pos, c.err = start, nil
		return
	}
	item.Lazy = true
	c.expect(')')
}

// section = "[" [section-msgtext / (section-part ["." section-text])] "]"
func parseSection(c *cursor, s *Section) {
	c.expect('[')
	if c.take(']') {
		return
	}
	for c.ok() && isDigit(c.peek()) {
		s.Part = append(s.Part, c.nzNumber())
		c.checkParts(s)
		if c.take(']') {
			return
		}
		c.expect('.')
	}
	parseSectionText(c, s)
	c.expect(']')
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// maxParts is the deepest part number accepted; MIME nested deeper is not
// parsed as such by any server.
const maxParts = 100

func (c *cursor) checkParts(s *Section) {
	if len(s.Part) > maxParts {
		c.failKind(TooLarge, c.pos, "part number too deep")
	}
}

// section-binary = "[" [section-part] "]"
func parseSectionBinary(c *cursor, s *Section) {
	c.expect('[')
	if c.take(']') {
		return
	}
	for c.ok() {
		s.Part = append(s.Part, c.nzNumber())
		c.checkParts(s)
		if c.take(']') {
			return
		}
		c.expect('.')
	}
}

// section-msgtext / "MIME"
func parseSectionText(c *cursor, s *Section) {
	at := c.pos
	switch name := c.atom(); {
	case equalUpper(name, "HEADER"):
		s.Text = SectionHeader
	case equalUpper(name, "TEXT"):
		s.Text = SectionBody
	case equalUpper(name, "MIME"):
		s.Text = SectionMIME
		if len(s.Part) == 0 {
			c.failAt(at, "MIME needs a part number")
		}
	case equalUpper(name, "HEADER.FIELDS"):
		s.Text = SectionHeaderFields
		parseHeaderList(c, s)
	case equalUpper(name, "HEADER.FIELDS.NOT"):
		s.Text = SectionHeaderFieldsNot
		parseHeaderList(c, s)
	default:
		c.failAt(at, "unknown section")
	}
}

// header-list = "(" header-fld-name *(SP header-fld-name) ")"
func parseHeaderList(c *cursor, s *Section) {
	c.sp()
	c.list(func() { s.Fields = append(s.Fields, c.astring()) })
}

// partial = "<" number64 "." nz-number64 ">"
func parsePartial(c *cursor, item *FetchItem) {
	if !c.take('<') {
		return
	}
	p := &Partial{Offset: c.number64()}
	c.expect('.')
	p.Length = c.nzNumber64()
	c.expect('>')
	item.Partial = p
}

// fetchModifiers are the fetch-modifier of RFC 4466 §2.4, by name.
var fetchModifiers = map[string]func(*cursor, *Fetch){
	"CHANGEDSINCE": func(c *cursor, f *Fetch) {
		c.sp()
		f.ChangedSince = c.modSeq(1)
	},
	"VANISHED": func(_ *cursor, f *Fetch) { f.Vanished = true },
	"PARTIAL": func(c *cursor, f *Fetch) {
		at := c.pos
		c.sp()
		w := c.partialRange()
		if f.Window != nil || !f.UID {
			c.failAt(at, "PARTIAL is allowed once, and in UID FETCH")
		}
		f.Window = &w
	},
}

func parseFetchModifiers(c *cursor, f *Fetch) {
	at := c.pos
	c.list(func() {
		at := c.pos
		if parse := fetchModifiers[c.upperAtom()]; parse != nil {
			parse(c, f)
		} else {
			c.failAt(at, "unknown FETCH modifier")
		}
	})
	if f.Vanished && (!f.UID || f.ChangedSince == 0) {
		c.failAt(at, "VANISHED needs UID FETCH and CHANGEDSINCE")
	}
}

// appendFetchItem appends an item as a client asks for it.
func appendFetchItem(dst []byte, i *FetchItem) []byte {
	dst = append(dst, i.Kind.String()...)
	switch i.Kind {
	case FetchSection, FetchBinary, FetchBinarySize:
		if i.Peek {
			dst = append(dst, ".PEEK"...)
		}
		dst = AppendSection(dst, &i.Section)
	case FetchPreview:
		if i.Lazy {
			dst = append(dst, " (LAZY)"...)
		}
	}
	if i.Partial != nil {
		dst = append(dst, '<')
		dst = AppendUint(dst, uint64(i.Partial.Offset))
		dst = append(dst, '.')
		dst = AppendUint(dst, uint64(i.Partial.Length))
		dst = append(dst, '>')
	}
	return dst
}

// AppendSection appends s with its brackets.
func AppendSection(dst []byte, s *Section) []byte {
	dst = append(dst, '[')
	for i, n := range s.Part {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = AppendUint(dst, uint64(n))
	}
	if s.Text == SectionAll {
		return append(dst, ']')
	}
	if len(s.Part) > 0 {
		dst = append(dst, '.')
	}
	dst = append(dst, sectionTextNames[s.Text]...)
	if s.Text == SectionHeaderFields || s.Text == SectionHeaderFieldsNot {
		dst = append(dst, " ("...)
		for i, f := range s.Fields {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = AppendAString(dst, f, false)
		}
		dst = append(dst, ')')
	}
	return append(dst, ']')
}
