package smtp

import (
	"bytes"
	"encoding/base64"
)

// Authentication is the verb AUTH and MAIL's parameter of that name (RFC
// 4954). The session adds the mechanisms to the keyword.
var Authentication = Extension{
	Keyword: "AUTH",
	RFC:     "RFC 4954",
	Mail:    []Param[Mail]{{Keyword: "AUTH", Value: NeedsValue, Set: setAuth, Append: appendAuth}},
}

// Auth is MAIL's AUTH parameter (RFC 4954 §5): who submitted the message first.
type Auth struct {
	Said bool
	// Mailbox is decoded, as addr-spec; empty: "<>", not known or not trusted.
	Mailbox string
}

// setAuth parses "<>" or a mailbox, in xtext.
func setAuth(m *Mail, value []byte) error {
	text, ok := decodeXtext(value)
	switch {
	case !ok:
		return errAuthParam
	case text == "<>":
		m.Auth = Auth{Said: true}
		return nil
	case text != "" && text[0] == '@':
		return errAuthParam
	}
	p, rest, err := parsePath([]byte("<" + text + ">"))
	if err != nil || len(rest) > 0 || p.Domain == "" {
		return errAuthParam
	}
	m.Auth = Auth{Said: true, Mailbox: p.String()}
	return nil
}

func appendAuth(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	if m.Auth.Mailbox == "" {
		return append(dst, "<>"...), m.Auth.Said
	}
	return appendXtext(dst, m.Auth.Mailbox), m.Auth.Said
}

// AuthCommand is AUTH's argument.
type AuthCommand struct {
	Mechanism string // in capitals
	// Initial is the decoded initial response; nil: none was sent, which
	// differs from an empty one.
	Initial []byte
}

// MaxAuthLine bounds a line of an authentication exchange with its CRLF, in
// octets: RFC 4954 §4 finds that sufficient. A LineReader's Max is set to it
// for as long as an exchange lasts.
const MaxAuthLine = 12288

// Replies to what is no AUTH command, or no line of its exchange.
var (
	errAuthParam  = Reply{501, Status{5, 5, 4}, "AUTH is <> or a mailbox"}
	errAuthSyntax = Reply{501, Status{5, 5, 4}, "syntax: AUTH mechanism [initial-response]"}
	// ErrBase64 is RFC 4954 §4's reply to what does not decode.
	ErrBase64 = Reply{501, Status{5, 5, 2}, "malformed base64"}
	// ErrAuthCancelled is its reply to "*".
	ErrAuthCancelled = Reply{501, Status{5, 7, 0}, "authentication cancelled"}
)

// ParseAuth parses
//
//	auth-command     = "AUTH" SP sasl-mech [SP initial-response]
//	initial-response = base64 / "="
//
// from the mechanism on.
func ParseAuth(args []byte) (AuthCommand, error) {
	mechanism, initial, sent := bytes.Cut(args, []byte{' '})
	if !validMechanism(mechanism) {
		return AuthCommand{}, errAuthSyntax
	}
	a := AuthCommand{Mechanism: string(bytes.ToUpper(mechanism))}
	if !sent {
		return a, nil
	}
	if initial = bytes.TrimLeft(initial, " "); string(initial) == "=" {
		a.Initial = []byte{}
		return a, nil
	}
	response, err := decodeBase64(initial)
	if err != nil || len(response) == 0 {
		return AuthCommand{}, ErrBase64
	}
	a.Initial = response
	return a, nil
}

// validMechanism checks sasl-mech = 1*20mech-char (RFC 4422 §3.1).
func validMechanism(name []byte) bool {
	for _, c := range name {
		if !isAlpha(c) && !isDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= 20
}

// ParseAuthResponse decodes a line that answers a challenge; the response is
// never nil. Errors are ErrAuthCancelled and ErrBase64.
func ParseAuthResponse(line []byte) ([]byte, error) {
	if string(line) == "*" {
		return nil, ErrAuthCancelled
	}
	return decodeBase64(line)
}

// decodeBase64 takes nothing but the alphabet and padding at the end (RFC 4954
// §4).
func decodeBase64(text []byte) ([]byte, error) {
	if bytes.ContainsAny(text, "\r\n") { // the decoder skips them
		return nil, ErrBase64
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(out, text)
	if err != nil {
		return nil, ErrBase64
	}
	return out[:n], nil
}

// AppendAuth appends an AUTH command.
func AppendAuth(dst []byte, a AuthCommand) []byte {
	dst = append(append(dst, "AUTH "...), a.Mechanism...)
	switch {
	case a.Initial == nil:
	case len(a.Initial) == 0:
		dst = append(dst, " ="...)
	default:
		dst = base64.StdEncoding.AppendEncode(append(dst, ' '), a.Initial)
	}
	return append(dst, '\r', '\n')
}

// AppendAuthResponse appends the line that answers a challenge.
func AppendAuthResponse(dst, response []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(dst, response), '\r', '\n')
}

// AuthCancel is the line that ends an exchange.
const AuthCancel = "*\r\n"

// AppendChallenge appends
//
//	continue-req = "334" SP [base64] CRLF
func AppendChallenge(dst, challenge []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, "334 "...), challenge), '\r', '\n')
}

// Challenge decodes the response that is a challenge; ok is false if it is
// another, or malformed: then a client has to cancel (RFC 4954 §4).
func (r Response) Challenge() (challenge []byte, ok bool) {
	if r.Code != 334 || len(r.Lines) != 1 {
		return nil, false
	}
	challenge, err := decodeBase64([]byte(r.Lines[0]))
	return challenge, err == nil
}

// Mechanisms gives the names that AUTH was announced with, in capitals.
func (o Offer) Mechanisms() []string {
	var names []string
	for _, name := range o.args[Authentication.Keyword] {
		if validMechanism([]byte(name)) {
			names = append(names, upper(name))
		}
	}
	return names
}
