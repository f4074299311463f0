package imap

import "encoding/base64"

// Login is LOGIN (RFC 9051 §6.2.3).
type Login struct{ User, Password string }

// Authenticate is AUTHENTICATE (RFC 9051 §6.2.2, RFC 4959). What the client
// sends after a continuation request comes by Scanner.FeedLine.
type Authenticate struct {
	Mechanism string // upper case
	// Initial is the decoded initial response: nil when there was none,
	// empty but not nil for "=".
	Initial []byte
}

func (*Login) Name() string        { return "LOGIN" }
func (*Authenticate) Name() string { return "AUTHENTICATE" }

func (l *Login) appendArgs(e *encoder) {
	e.sp()
	e.astring(l.User)
	e.sp()
	e.astring(l.Password)
}

func (a *Authenticate) appendArgs(e *encoder) {
	e.sp()
	e.raw(a.Mechanism)
	switch {
	case a.Initial == nil:
	case len(a.Initial) == 0:
		e.raw(" =")
	default:
		e.sp()
		e.dst = base64.StdEncoding.AppendEncode(e.dst, a.Initial)
	}
}

// login = "LOGIN" SP userid SP password
func parseLogin(c *cursor) (Command, error) {
	c.sp()
	l := &Login{User: c.astring()}
	c.sp()
	l.Password = c.astring()
	return l, c.err
}

// authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")]
func parseAuthenticate(c *cursor) (Command, error) {
	c.sp()
	a := &Authenticate{Mechanism: c.upperAtom()}
	if c.err != nil || c.atEnd() {
		return a, c.err
	}
	c.sp()
	at := c.pos
	initial, ok := DecodeSASL(c.rest())
	if !ok {
		c.failAt(at, "initial response is not base64")
	}
	a.Initial = initial
	return a, c.err
}

// DecodeSASL decodes one line of an authentication exchange, or an initial
// response, "=" meaning empty (RFC 4959 §3). The result is never nil if ok.
// Line breaks, which encoding/base64 would skip, are not accepted.
func DecodeSASL(line []byte) (data []byte, ok bool) {
	if string(line) == "=" {
		return []byte{}, true
	}
	for _, b := range line {
		if b == '\r' || b == '\n' {
			return nil, false
		}
	}
	data = make([]byte, 0, base64.StdEncoding.DecodedLen(len(line)))
	data, err := base64.StdEncoding.Strict().AppendDecode(data, line)
	return data, err == nil
}
