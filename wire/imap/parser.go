package imap

// Parser turns frames into commands. Its zero value is ready; it holds nothing
// but the session's mode.
type Parser struct {
	// UTF8 is set once the session has enabled IMAP4rev2 or UTF8=ACCEPT:
	// mailbox names are then UTF-8, before that modified UTF-7.
	UTF8 bool
}

// Parse gives the tag and the command of a frame. The error, if any, is an
// *Error; the tag is given with it when it could be read.
func (p Parser) Parse(f Frame) (tag string, cmd Command, err error) {
	c := &cursor{buf: f.Bytes, frame: &f, utf8: p.UTF8}
	tag, verb, parse := parseVerb(c)
	if c.ok() {
		cmd, _ = parse(c)
	}
	if c.ok() && !c.atEnd() {
		c.fail("more than the command takes")
	}
	if c.err != nil {
		e := c.err.(*Error)
		e.Tag, e.Verb = tag, upper(verb)
		return tag, nil, e
	}
	return tag, cmd, nil
}

// Tag gives the tag of a frame that may not be parseable otherwise, "" if it
// has none.
func (f Frame) Tag() string {
	c := &cursor{buf: f.Bytes}
	tag := parseTag(c)
	if c.peek() != ' ' {
		return ""
	}
	return tag
}

// Verb gives the verb of a frame in upper case, "" if it has none that is known.
func (f Frame) Verb() string {
	c := &cursor{buf: f.Bytes}
	if _, verb, _ := parseVerb(c); c.err == nil {
		return upper(verb)
	}
	return ""
}

// command = tag SP verb …; verb is without UID, as sent.
func parseVerb(c *cursor) (tag string, verb []byte, parse parseFunc) {
	tag = parseTag(c)
	if c.ok() && c.peek() != ' ' {
		c.failKind(BadLine, c.pos, "a tag and a command, please")
		return "", nil, nil
	}
	c.sp()
	at, table := c.pos, verbs
	verb = c.atom()
	if equalUpper(verb, "UID") {
		c.uid = true
		c.sp()
		at, table = c.pos, uidVerbs
		verb = c.atom()
	}
	parse, known := lookup(table, verb)
	if c.ok() && !known {
		c.failKind(UnknownCommand, at, "unknown command")
	}
	return tag, verb, parse
}

// tag = 1*<any ASTRING-CHAR except "+">
func parseTag(c *cursor) string {
	tag := c.span(classTag, "a tag")
	if c.err != nil {
		c.err.(*Error).Kind = BadLine
	}
	return string(tag)
}
