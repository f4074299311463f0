package imap

import (
	"bytes"
	"math"
	"strings"
)

// METADATA (RFC 5464).

// MetadataEntry is an entry and its value; nil is NIL, no value.
type MetadataEntry struct {
	Name  string // as sent; RFC 5464 §3.2: compared without regard to case
	Value []byte // any octets
}

// MetadataDepth says how far below an entry GETMETADATA looks (RFC 5464 §4.2.2).
type MetadataDepth uint8

const (
	DepthZero MetadataDepth = iota // the entry itself
	DepthOne                       // and those directly below it
	DepthInfinity
)

// depthNames is indexed by MetadataDepth.
var depthNames = [...]string{"0", "1", "infinity"}

// GetMetadata is GETMETADATA (RFC 5464 §4.2).
type GetMetadata struct {
	Mailbox string // "": the server
	// MaxSize is the largest value wanted, in octets; -1: any (§4.2.1).
	MaxSize int64
	Depth   MetadataDepth
	Entries []string // as sent
}

// SetMetadata is SETMETADATA (RFC 5464 §4.3).
type SetMetadata struct {
	Mailbox string // "": the server
	Entries []MetadataEntry
}

func (*GetMetadata) Name() string { return "GETMETADATA" }
func (*SetMetadata) Name() string { return "SETMETADATA" }

// maxEntryName bounds the name of an entry, in octets.
const maxEntryName = 1000

// getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries,
// or, as in the examples of RFC 5464 §4.2.1 and §4.2.2 and in clients, with the
// options after the mailbox.
func parseGetMetadata(c *cursor) (Command, error) {
	g := &GetMetadata{MaxSize: -1}
	c.sp()
	if c.ok() && c.peek() == '(' {
		parseMetadataOptions(c, g)
		c.sp()
	}
	g.Mailbox = c.anyMailbox()
	c.sp()
	if c.peek() == '(' && strings.IndexByte(`/"{`, c.peekAt(1)) < 0 {
		parseMetadataOptions(c, g)
		c.sp()
	}
	if c.peek() == '(' {
		c.list(func() { g.Entries = append(g.Entries, c.entryName(1)) })
		return g, c.err
	}
	g.Entries = []string{c.entryName(1)}
	for c.peek() == ' ' && len(g.Entries) < maxListItems { // RFC 5464 §4.4.1 has examples of a list without parentheses
		c.sp()
		g.Entries = append(g.Entries, c.entryName(1))
	}
	return g, c.err
}

// getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
func parseMetadataOptions(c *cursor, g *GetMetadata) {
	c.list(func() {
		at := c.pos
		name := c.upperAtom()
		c.sp()
		switch name {
		case "MAXSIZE":
			g.MaxSize = int64(c.digits(math.MaxUint32))
		case "DEPTH":
			g.Depth = c.metadataDepth()
		default:
			c.failAt(at, "unknown GETMETADATA option")
		}
	})
}

func (c *cursor) metadataDepth() MetadataDepth {
	at := c.pos
	value := c.atom()
	for depth, name := range depthNames {
		if strings.EqualFold(string(value), name) {
			return MetadataDepth(depth)
		}
	}
	c.failAt(at, "expected 0, 1 or infinity")
	return DepthZero
}

// entryName is the name of an entry (RFC 5464 §3.2) of at least so many
// components. What controls the RFC lets through, 0x1A to 0x1F and 0x7F, are
// taken for the slip of the pen that they are, and refused, too.
func (c *cursor) entryName(components int) string {
	at := c.pos
	name := c.astring()
	if c.err != nil {
		return ""
	}
	for i := 0; i < len(name); i++ {
		if b := name[i]; b < ' ' || b >= 0x7f || b == '*' || b == '%' {
			c.failAt(at, "not allowed in the name of an entry")
			return ""
		}
	}
	parts := strings.Split(name, "/")
	switch {
	case len(name) > maxEntryName:
		c.failKind(TooLarge, at, "the name of an entry is too long")
	case len(parts) < 2 || parts[0] != "" || !strings.EqualFold(parts[1], "private") && !strings.EqualFold(parts[1], "shared"):
		c.failAt(at, "an entry begins with /private or /shared")
	case strings.Contains(name, "//") || strings.HasSuffix(name, "/"):
		c.failAt(at, "an entry has no empty component")
	case len(parts)-1 < components, components > 1 && len(parts) < 5 && strings.EqualFold(parts[2], "vendor"):
		c.failAt(at, "the name of an entry has too few components")
	}
	return name
}

// setmetadata = "SETMETADATA" SP mailbox SP entry-values
func parseSetMetadata(c *cursor) (Command, error) {
	s := &SetMetadata{}
	c.sp()
	s.Mailbox = c.anyMailbox()
	c.sp()
	c.list(func() {
		e := MetadataEntry{Name: c.entryName(2)}
		c.sp()
		e.Value = c.metadataValue()
		s.Entries = append(s.Entries, e)
	})
	return s, c.err
}

// value = nstring / literal8
func (c *cursor) metadataValue() []byte {
	switch {
	case c.nil():
		return nil
	case c.peek() != '~':
		return append([]byte{}, c.strBytes()...)
	}
	at := c.pos
	lit := c.literal()
	if c.ok() && (lit.Sink >= 0 || c.partial()) {
		c.failAt(at, "literal is not there yet")
	}
	return append([]byte{}, lit.Data...)
}

func (g *GetMetadata) appendArgs(e *encoder) {
	if g.MaxSize >= 0 || g.Depth != DepthZero {
		e.raw(" (")
		if g.MaxSize >= 0 {
			e.raw("MAXSIZE ")
			e.uint(uint64(g.MaxSize))
			if g.Depth != DepthZero {
				e.sp()
			}
		}
		if g.Depth != DepthZero {
			e.raw("DEPTH " + depthNames[g.Depth])
		}
		e.raw(")")
	}
	e.sp()
	e.mailbox(g.Mailbox)
	e.raw(" (")
	e.entryNames(g.Entries)
	e.raw(")")
}

func (e *encoder) entryNames(names []string) {
	for i, name := range names {
		if i > 0 {
			e.sp()
		}
		e.astring(name)
	}
}

func (s *SetMetadata) appendArgs(e *encoder) {
	e.sp()
	e.mailbox(s.Mailbox)
	e.raw(" (")
	for i, m := range s.Entries {
		if i > 0 {
			e.sp()
		}
		e.astring(m.Name)
		e.sp()
		switch {
		case m.Value == nil:
			e.raw("NIL")
		case bytes.IndexByte(m.Value, 0) >= 0:
			e.literal(Literal{Size: int64(len(m.Value)), Binary: true, Sink: -1, Data: m.Value})
		case quotable(m.Value, true) == quoteNever:
			e.literal(Literal{Size: int64(len(m.Value)), Sink: -1, Data: m.Value})
		default:
			e.dst = AppendString(e.dst, m.Value, true)
		}
	}
	e.raw(")")
}
