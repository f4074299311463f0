// Package content finds out what a message is made of as it passes, which
// decides what a next hop must be able to do.
package content

import (
	"bytes"

	"citron/mail/message"
	"citron/submission"
)

// Meter finds out about one message: first its Header, then its Body. It is not
// safe for concurrent use; what it keeps is bounded (message.Limits).
type Meter struct {
	content submission.Content
	parser  *message.Parser
	line    int  // octets of the current line
	cr      bool // the last one was a CR
}

// NewMeter makes a meter.
func NewMeter() *Meter { return &Meter{parser: message.NewParser(message.Limits{})} }

// Header takes the whole header, blank line included.
func (c *Meter) Header(p []byte) {
	_, _ = c.parser.Write(p) // never fails
	c.octets(p)
}

// Body takes the next octets of the body.
func (c *Meter) Body(p []byte) {
	_, _ = c.parser.Write(p)
	c.content.EightBit = c.content.EightBit || !isASCII(p)
	c.octets(p)
}

func (c *Meter) octets(p []byte) {
	if !c.content.Binary {
		c.content.Binary = bytes.IndexByte(p, 0) >= 0 || c.unlined(p)
	}
}

// unlined says whether there is something among the next octets that no line
// may have: a CR or LF alone, or more than message.MaxLine octets.
func (c *Meter) unlined(p []byte) bool {
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		p = rest
		if len(line) > 0 {
			if i := bytes.IndexByte(line, '\r'); c.cr || i >= 0 && i < len(line)-1 {
				return true
			}
			c.cr = line[len(line)-1] == '\r'
			c.line += len(line)
		}
		if text := c.line; text > message.MaxLine+1 || text > message.MaxLine && !c.cr || ended && !c.cr {
			return true
		}
		if ended {
			c.line, c.cr = 0, false
		}
	}
	return false
}

// Finish says what was found: EightBit, Binary and UTF8Header.
func (c *Meter) Finish() submission.Content {
	found := c.content
	found.Binary = found.Binary || c.cr
	m := c.parser.Finish()
	tree := m.Tree()
	for i := range tree {
		if tree[i].Flags&message.Header8Bit != 0 && ownHeader(m, tree, i) {
			found.UTF8Header = true
		}
	}
	return found
}

// ownHeader says whether the header of part i is one that RFC 6532 speaks of.
// That of a message within message/rfc822 may not have 8 bits (RFC 6532 §3.7),
// and old mail that does is content like any other.
func ownHeader(m *message.Message, t message.Tree, i int) bool {
	for p := t[i].Parent; p >= 0; p = t[p].Parent {
		if t[p].Kind != message.Embedded {
			continue
		}
		if _, sub := m.MediaType(int(p)); sub != "global" {
			return false
		}
	}
	return true
}

func isASCII(p []byte) bool {
	for _, c := range p {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
