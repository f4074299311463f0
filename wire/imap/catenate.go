package imap

// CatenatePart is one part of a message that APPEND or REPLACE puts together
// (RFC 4469): the octets that a URL points to, or those of a literal.
type CatenatePart struct {
	// URL is as sent, perhaps no URL at all; "" for a literal.
	URL  string
	Text Literal
	// UTF8 is set for the form UTF8 (~{n} …) of RFC 6855 §4.
	UTF8 bool
}

// maxCatenate is how many parts a message can be made of.
const maxCatenate = 1000

// cat-part *(SP cat-part) ")", or up to the literal that is still to come
func parseCatenate(c *cursor, m *AppendMessage) {
	for c.ok() {
		if len(m.Catenate) == maxCatenate {
			c.failKind(TooLarge, c.pos, "too many parts in CATENATE")
			return
		}
		m.Catenate = append(m.Catenate, parseCatenatePart(c))
		if c.partial() || c.take(')') {
			return
		}
		c.sp()
	}
}

// cat-part = "TEXT" SP (literal / literal8) / "URL" SP astring / utf8-literal
func parseCatenatePart(c *cursor) (p CatenatePart) {
	switch at := c.pos; c.upperAtom() {
	case "TEXT":
		c.sp()
		p.Text = c.messageLiteral()
	case "UTF8":
		p.UTF8 = true
		p.Text = c.utf8Literal()
	case "URL":
		c.sp()
		if p.URL = c.astring(); p.URL == "" {
			c.failAt(at, "URL is empty")
		}
		p.Text.Sink = -1
	default:
		c.failAt(at, "expected TEXT, URL or UTF8")
	}
	return p
}

func (e *encoder) catenate(parts []CatenatePart) {
	e.raw("CATENATE (")
	for i := range parts {
		if i > 0 {
			e.sp()
		}
		switch p := &parts[i]; {
		case p.URL != "":
			e.raw("URL ")
			e.astring(p.URL)
		case p.UTF8:
			e.utf8Literal(p.Text)
		default:
			e.raw("TEXT ")
			e.literal(p.Text)
		}
	}
	e.raw(")")
}
