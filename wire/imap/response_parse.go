package imap

import "bytes"

// ParseResponse parses a frame of the client side: one whole response. An
// error is an *Error. Where servers in use break the grammar harmlessly
// (spaces too many, 8-bit names), it does not mind.
func ParseResponse(f Frame, utf8Mode bool) (Response, error) {
	r, err := parseWhole(&f, f.Bytes, utf8Mode)
	if trimmed := bytes.TrimRight(f.Bytes, " "); err != nil && len(trimmed) < len(f.Bytes) {
		if r, err := parseWhole(&f, trimmed, utf8Mode); err == nil {
			return r, nil
		}
	}
	return r, err
}

func parseWhole(f *Frame, text []byte, utf8Mode bool) (Response, error) {
	c := &cursor{buf: text, frame: f, utf8: utf8Mode, client: true}
	r := parseResponse(c)
	if c.ok() && !c.atEnd() {
		c.fail("more than the response should have")
	}
	if c.err != nil {
		return nil, c.err
	}
	return r, nil
}

func parseResponse(c *cursor) Response {
	if c.take('+') {
		c.take(' ')
		return &ContinueResponse{Text: string(c.rest())}
	}
	if !c.take('*') {
		tag := parseTag(c)
		return parseStatusResponse(c, tag, "")
	}
	c.sp()
	number := uint32(0)
	numbered := isDigit(c.peek())
	if numbered {
		number = c.number()
		c.sp()
	}
	name := c.upperAtom()
	if c.err != nil {
		return nil
	}
	if numbered {
		return parseNumbered(c, number, name)
	}
	if parse := untagged[name]; parse != nil {
		return parse(c)
	}
	if _, status := statusKinds[name]; status {
		return parseStatusResponse(c, "*", name)
	}
	c.take(' ')
	return &OtherResponse{Name: name, Rest: string(c.rest())}
}

// untagged are the responses that begin with their name.
var untagged = map[string]func(*cursor) Response{
	"ACL":        parseACLResponse,
	"CAPABILITY": func(c *cursor) Response { return &CapabilityResponse{parseNames(c)} },
	"COMPARATOR": parseComparatorResponse,
	"ENABLED":    func(c *cursor) Response { return &EnabledResponse{parseNames(c)} },
	"ESEARCH":    parseESearch,
	"FLAGS":      parseFlagsResponse,
	"GENURLAUTH": parseGenURLAuthResponse,
	"ID":         parseIDResponse,
	"LIST":       func(c *cursor) Response { return parseListResponse(c, false) },
	"LISTRIGHTS": parseListRightsResponse,
	"LSUB":       func(c *cursor) Response { return parseListResponse(c, true) },
	"MYRIGHTS":   parseMyRightsResponse,
	"METADATA":   parseMetadataResponse,
	"NAMESPACE":  parseNamespaceResponse,
	"QUOTA":      parseQuotaResponse,
	"QUOTAROOT":  parseQuotaRootResponse,
	"SEARCH":     parseSearchResponse,
	"SORT":       parseSortResponse,
	"STATUS":     parseStatusData,
	"THREAD":     parseThreadResponse,
	"URLFETCH":   parseURLFetchResponse,
	"VANISHED":   parseVanished,
}

func parseNumbered(c *cursor, number uint32, name string) Response {
	if number == 0 && (name == "EXPUNGE" || name == "FETCH" || name == "UIDFETCH") {
		c.fail("message numbers and UIDs begin at 1")
	}
	switch name {
	case "EXISTS":
		return &ExistsResponse{number}
	case "RECENT":
		return &RecentResponse{number}
	case "EXPUNGE":
		return &ExpungeResponse{number}
	case "FETCH":
		c.sp()
		return parseFetchResponse(c, number)
	case "UIDFETCH":
		c.sp()
		r := parseFetchResponse(c, 0)
		r.UID = number
		return r
	}
	c.take(' ')
	return &OtherResponse{Number: number, Name: name, Rest: string(c.rest())}
}

// resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text; name is "" if it was
// not read yet.
func parseStatusResponse(c *cursor, tag, name string) Response {
	if name == "" {
		c.sp()
		at := c.pos
		name = c.upperAtom()
		if _, known := statusKinds[name]; !known {
			c.failAt(at, "expected OK, NO or BAD")
		}
	}
	r := &StatusResponse{Tag: tag, Kind: statusKinds[name]}
	c.take(' ')
	if c.peek() == '[' {
		r.Code = parseCode(c)
		c.take(' ')
	}
	r.Text = string(c.rest())
	return r
}

// *(SP capability)
func parseNames(c *cursor) []string {
	names := []string{}
	for !c.atEnd() && c.peek() == ' ' {
		c.sp()
		names = append(names, string(c.atom()))
	}
	return names
}

func parseFlagsResponse(c *cursor) Response {
	c.sp()
	return &FlagsResponse{c.flagList()}
}

func parseIDResponse(c *cursor) Response {
	c.sp()
	return &IDResponse{parseIDParams(c)}
}

// "VANISHED" [SP "(EARLIER)"] SP known-uids
func parseVanished(c *cursor) Response {
	r := &VanishedResponse{}
	c.sp()
	if c.take('(') {
		c.keyword("EARLIER")
		c.expect(')')
		c.sp()
		r.Earlier = true
	}
	r.UIDs = c.numSet()
	return r
}

// "SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]
func parseSearchResponse(c *cursor) Response {
	r := &SearchResponse{}
	r.Return = ReturnAll
	for !c.atEnd() {
		c.sp()
		if c.take('(') {
			r.ModSeq = c.modSeqItem()
			break
		}
		n := c.nzNumber()
		r.All = append(r.All, Range{n, n})
	}
	r.All = normalise(r.All)
	return r
}

// "ESEARCH" [SP "(" "TAG" SP tag-string ")"] [SP "UID"]
// *(SP search-return-data)
func parseESearch(c *cursor) Response {
	r := &SearchResponse{Extended: true}
	for first := true; !c.atEnd(); first = false {
		c.sp()
		if first && c.peek() == '(' {
			c.list(func() { parseCorrelator(c, &r.SearchData) })
			continue
		}
		name := c.upperAtom()
		if name == "UID" {
			r.UID = true
			continue
		}
		c.sp()
		parseSearchData(c, &r.SearchData, name)
	}
	return r
}

// one-correlator (RFC 7377 §4)
func parseCorrelator(c *cursor, d *SearchData) {
	at := c.pos
	name := c.upperAtom()
	c.sp()
	switch name {
	case "TAG":
		d.Tag = c.astring()
	case "MAILBOX":
		d.Mailbox = c.anyMailbox()
	case "UIDVALIDITY":
		d.UIDValidity = c.nzNumber()
	default:
		c.failAt(at, "unknown correlator")
	}
}

func parseSearchData(c *cursor, d *SearchData, name string) {
	d.Return |= searchReturns[name] & ReturnItems
	switch name {
	case "MIN":
		d.Min = c.nzNumber()
	case "MAX":
		d.Max = c.nzNumber()
	case "COUNT":
		d.Count = c.number()
	case "ALL":
		d.All, d.Sorted = c.orderedSet()
	case "MODSEQ":
		d.ModSeq = c.modSeq(1)
	case "RELEVANCY":
		d.Relevancy = c.scoreList()
	case "PARTIAL":
		c.partialData(d)
	case "ADDTO", "REMOVEFROM":
		c.contextChanges(d, name == "REMOVEFROM")
	default:
		c.skipValue()
	}
}

// skipValue passes over one value of any kind, nested lists included.
func (c *cursor) skipValue() {
	for depth := 0; ; {
		switch b := c.peek(); {
		case b == '(':
			c.pos++
			depth++
			c.take(' ')
			if c.peek() != ')' {
				continue
			}
		case b == '"' || b == '{' || b == '~' && c.peekAt(1) == '{':
			c.literalOrQuoted()
		case b == '\\':
			c.flag()
		default:
			c.span(classList, "a value")
		}
		for depth > 0 && c.take(')') {
			depth--
		}
		if depth == 0 || c.atEnd() {
			if depth > 0 {
				c.fail("a list without end")
			}
			return
		}
		c.take(' ')
	}
}

func (c *cursor) literalOrQuoted() {
	if c.peek() == '"' {
		c.quoted()
		return
	}
	c.literal()
}
