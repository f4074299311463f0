package fixup

import (
	"bytes"

	"citron/mail/message"
	"citron/submission"
)

// maxLine is how long a line may be without its CRLF (RFC 5322 §2.1.1).
const maxLine = 998

// facts finds out what a message is made of as it leaves.
type facts struct {
	content submission.Content
	parser  *message.Parser
	inBody  bool // the header has passed
	line    int  // octets of the current line
	cr      bool // the last one was a CR
}

func newFacts() facts { return facts{parser: message.NewParser(message.Limits{})} }

// body takes the next octets; the first are the whole header.
func (c *facts) body(p []byte) {
	_, _ = c.parser.Write(p) // never fails
	if c.inBody && !c.content.EightBit {
		c.content.EightBit = !isASCII(p)
	}
	c.inBody = true
	if !c.content.Binary {
		c.content.Binary = bytes.IndexByte(p, 0) >= 0 || c.unlined(p)
	}
}

// unlined says whether there is something among the next octets that no line
// may have: a CR or LF alone, or more than maxLine octets.
func (c *facts) unlined(p []byte) bool {
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
		if text := c.line; text > maxLine+1 || text > maxLine && !c.cr || ended && !c.cr {
			return true
		}
		if ended {
			c.line, c.cr = 0, false
		}
	}
	return false
}

// finish gives what was found.
func (c *facts) finish() submission.Content {
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
