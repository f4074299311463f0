package smtp

import "bytes"

// Mail is a MAIL command: the reverse-path and what its parameters said.
type Mail struct {
	From Path
	Size int64 // SIZE (RFC 1870); 0: not said
	Body Body  // BODY (RFC 6152, 3030)
	UTF8 bool  // SMTPUTF8 (RFC 6531)

	Auth       Auth      // AUTH (RFC 4954 §5)
	Return     Return    // RET (RFC 3461 §4.3)
	EnvelopeID string    // ENVID, decoded (RFC 3461 §4.4); empty: not said
	Hold       Hold      // HOLDFOR, HOLDUNTIL (RFC 4865)
	By         DeliverBy // BY (RFC 2852)
	Priority   Priority  // MT-PRIORITY (RFC 6710)
	RequireTLS bool      // REQUIRETLS (RFC 8689)
	Atomic     Atomic    // XATTEMPT, XSENT (docs/atomic-send.md)
}

// Rcpt is a RCPT command: the forward-path and what its parameters said.
type Rcpt struct {
	To Path

	Notify   Notify            // NOTIFY (RFC 3461 §4.1)
	Original OriginalRecipient // ORCPT (RFC 3461 §4.2)
}

// Replies to arguments that cannot be used.
var (
	errMailSyntax = Reply{501, Status{5, 5, 4}, "syntax: MAIL FROM:<address> [parameters]"}
	errRcptSyntax = Reply{501, Status{5, 5, 4}, "syntax: RCPT TO:<address> [parameters]"}
	errSender     = Reply{501, Status{5, 1, 7}, "malformed sender address"}
	errNullRcpt   = Reply{501, Status{5, 1, 3}, "a recipient is not empty"}
	// ErrParamUnknown is RFC 5321 §4.1.1.11's reply.
	ErrParamUnknown = Reply{555, Status{5, 5, 4}, "parameter not recognized"}
	errParam        = Reply{501, Status{5, 5, 4}, "malformed parameter"}
	errParamTwice   = Reply{501, Status{5, 5, 4}, "parameter given twice"}
	// ErrNeedsUTF8 is RFC 6531 §3.5's reply to a non-ASCII address without
	// SMTPUTF8.
	ErrNeedsUTF8 = Reply{553, Status{5, 6, 7}, "non-ASCII address without SMTPUTF8"}
)

// ParseMail parses what follows "MAIL ":
//
//	"FROM:" Reverse-path [SP Mail-parameters]
//
// Errors are a Reply. A space after the colon, which RFC 5321 §3.3 forbids, is
// let pass because clients send it.
func (s *Syntax) ParseMail(args []byte) (Mail, error) {
	path, ok := cutFold(args, "FROM:")
	if !ok {
		return Mail{}, errMailSyntax
	}
	var m Mail
	from, rest, err := parsePath(path)
	if err != nil {
		return Mail{}, errSender
	}
	m.From = from
	if err := parseParams(s.mail, &m, rest); err != nil {
		return Mail{}, err
	}
	if !m.UTF8 && !m.From.ASCII() {
		return Mail{}, ErrNeedsUTF8
	}
	for _, e := range s.extensions {
		if e.Check == nil {
			continue
		}
		if err := e.Check(&m); err != nil {
			return Mail{}, err
		}
	}
	return m, nil
}

// ParseRcpt parses what follows "RCPT ":
//
//	"TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path )
//	      [SP Rcpt-parameters]
//
// utf8 says that the transaction's MAIL had SMTPUTF8.
func (s *Syntax) ParseRcpt(args []byte, utf8 bool) (Rcpt, error) {
	path, ok := cutFold(args, "TO:")
	if !ok {
		return Rcpt{}, errRcptSyntax
	}
	to, rest, err := parsePath(path)
	switch {
	case err != nil:
		return Rcpt{}, err
	case to.IsNull():
		return Rcpt{}, errNullRcpt
	case !utf8 && !to.ASCII():
		return Rcpt{}, ErrNeedsUTF8
	case !utf8 && !isASCII(string(rest)): // RFC 6533 §3
		return Rcpt{}, errParam
	}
	r := Rcpt{To: to}
	if err := parseParams(s.rcpt, &r, rest); err != nil {
		return Rcpt{}, err
	}
	return r, nil
}

func cutFold(s []byte, prefix string) ([]byte, bool) {
	if len(s) < len(prefix) || !bytes.EqualFold(s[:len(prefix)], []byte(prefix)) {
		return nil, false
	}
	return bytes.TrimLeft(s[len(prefix):], " "), true
}

// parseParams parses
//
//	*(SP esmtp-keyword ["=" esmtp-value])
func parseParams[T any](table []Param[T], command *T, s []byte) error {
	var seen uint64
	for len(s) > 0 {
		if s[0] != ' ' {
			return errParam
		}
		var word []byte
		word, s = cutWord(bytes.TrimLeft(s, " "))
		if len(word) == 0 {
			return nil
		}
		keyword, value, hasValue := bytes.Cut(word, []byte{'='})
		i := findParam(table, keyword)
		switch {
		case i < 0:
			return ErrParamUnknown
		case seen&(1<<i) != 0:
			return errParamTwice
		case !table[i].Value.allows(hasValue, value):
			return errParam
		}
		seen |= 1 << i
		if err := table[i].Set(command, value); err != nil {
			return err
		}
	}
	return nil
}

// cutWord gives what comes before the next space, and the rest with it.
func cutWord(s []byte) (word, rest []byte) {
	if i := bytes.IndexByte(s, ' '); i >= 0 {
		return s[:i], s[i:]
	}
	return s, nil
}

func findParam[T any](table []Param[T], keyword []byte) int {
	for i := range table {
		if len(keyword) == len(table[i].Keyword) && bytes.EqualFold(keyword, []byte(table[i].Keyword)) {
			return i
		}
	}
	return -1
}

// allows checks that there is a value where one belongs, of printable
// characters (RFC 5321 §4.1.2), or UTF-8 (RFC 6531 §3.3).
func (r ValueRule) allows(hasValue bool, value []byte) bool {
	if hasValue != (r == NeedsValue) || hasValue && len(value) == 0 {
		return false
	}
	for _, c := range value {
		if c <= ' ' || c == '=' || c == 0x7f {
			return false
		}
	}
	return true
}
