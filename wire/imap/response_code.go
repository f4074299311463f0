package imap

import "bytes"

// codeParsers are the response codes with arguments; all others are atoms or
// CodeOther.
var codeParsers = map[string]func(*cursor) Code{
	"CAPABILITY":       func(c *cursor) Code { return CodeCapability(parseNames(c)) },
	"BADCHARSET":       parseBadCharset,
	"BADEVENT":         parseBadEvent,
	"PERMANENTFLAGS":   parsePermanentFlags,
	"UIDNEXT":          func(c *cursor) Code { c.sp(); return CodeUIDNext(c.nzNumber()) },
	"UIDVALIDITY":      func(c *cursor) Code { c.sp(); return CodeUIDValidity(c.nzNumber()) },
	"UNSEEN":           func(c *cursor) Code { c.sp(); return CodeUnseen(c.nzNumber()) },
	"HIGHESTMODSEQ":    func(c *cursor) Code { c.sp(); return CodeHighestModSeq(c.modSeq(1)) },
	"APPENDUID":        parseAppendUID,
	"COPYUID":          parseCopyUID,
	"MODIFIED":         func(c *cursor) Code { c.sp(); return CodeModified(c.numSet()) },
	"METADATA":         parseCodeMetadata,
	"MAILBOXID":        parseMailboxID,
	"INPROGRESS":       parseInProgress,
	"NOUPDATE":         parseNoUpdate,
	"URLMECH":          parseURLMech,
	"BADURL":           parseBadURL,
	"UNDEFINED-FILTER": parseUndefinedFilter,
}

// parseCode takes "[" resp-text-code "]". A code whose arguments are not as
// they should be is a CodeOther.
func parseCode(c *cursor) Code {
	start := c.pos
	c.expect('[')
	name := c.upperAtom()
	if c.err != nil {
		return otherCode(c, start)
	}
	if parse := codeParsers[name]; parse != nil {
		code := parse(c)
		c.take(' ')
		if c.ok() && c.take(']') {
			return code
		}
		return otherCode(c, start)
	}
	if c.take(']') {
		return CodeAtom(name)
	}
	return otherCode(c, start)
}

// otherCode takes everything from start, a "[", to the next "]"; without one
// there is no code.
func otherCode(c *cursor, start int) Code {
	c.pos, c.err = start, nil
	end := bytes.IndexByte(c.buf[start:], ']')
	if end < 0 {
		return nil
	}
	name, arg, _ := bytes.Cut(c.buf[start+1:start+end], []byte{' '})
	c.pos = start + end + 1
	if len(name) == 0 {
		return nil
	}
	return CodeOther{Name: upper(name), Arg: string(arg)}
}

func parseBadCharset(c *cursor) Code {
	code := CodeBadCharset{}
	if c.peek() == ']' {
		return code
	}
	c.sp()
	c.listOrEmpty(func() { code = append(code, c.codeString()) })
	return code
}

func parsePermanentFlags(c *cursor) Code {
	c.sp()
	code := CodePermanentFlags{Flags: c.flagList()}
	unknown := code.Flags.Unknown[:0]
	for _, f := range code.Flags.Unknown {
		if f == `\*` {
			code.AnyKeyword = true
		} else {
			unknown = append(unknown, f)
		}
	}
	if code.Flags.Unknown = unknown; len(unknown) == 0 {
		code.Flags.Unknown = nil
	}
	return code
}

func parseAppendUID(c *cursor) Code {
	c.sp()
	code := CodeAppendUID{UIDValidity: c.nzNumber()}
	c.sp()
	code.UIDs = c.numSet()
	return code
}

func parseCopyUID(c *cursor) Code {
	c.sp()
	code := CodeCopyUID{UIDValidity: c.nzNumber()}
	c.sp()
	code.From = c.numSet()
	c.sp()
	code.To = c.numSet()
	return code
}

func parseMailboxID(c *cursor) Code {
	c.sp()
	c.expect('(')
	code := CodeMailboxID(c.objectID())
	c.expect(')')
	return code
}

// "INPROGRESS" [SP "(" inprogress-tag SP inprogress-state ")"]
func parseInProgress(c *cursor) Code {
	code := CodeInProgress{Done: -1}
	if c.peek() == ']' {
		return code
	}
	c.sp()
	c.expect('(')
	if !c.nil() {
		code.Tag = c.codeString()
	}
	c.sp()
	if !c.nil() {
		code.Done = int64(c.number())
	}
	c.sp()
	if !c.nil() {
		code.Goal = c.nzNumber()
	}
	c.expect(')')
	return code
}

// codeString is an atom or quoted string of a status line, where no literal can
// be: 7-bit.
func (c *cursor) codeString() string {
	if c.peek() != '"' {
		return string(c.atom())
	}
	at := c.pos
	s := c.quoted()
	if c.ok() && (len(s) == 0 || quotable(s, false) == quoteNever) {
		c.failAt(at, "not allowed in a response code")
	}
	return string(s)
}
