package imap

import (
	"strings"
	"time"
)

// URL is an IMAP URL: of a server, a mailbox, the result of a search, a
// message or a part of one (RFC 5092), perhaps with an authorization to fetch
// it (RFC 4467, RFC 5593). It is absolute ("imap://server/…"), or a reference
// that begins with "//server/…" or "/…". References relative to a path must
// not be accepted (RFC 5092 §7.2).
type URL struct {
	// Absolute says that it has a scheme.
	Absolute bool
	// Server is its server; Host is empty for a reference without one.
	Server URLServer
	// Mailbox is a name in UTF-8, INBOX in capitals; "" for a whole server.
	Mailbox string
	// UIDValidity is 0 when not given.
	UIDValidity uint32
	// Search holds the arguments of SEARCH as sent, "" when not given.
	Search string
	// UID is 0 for a URL of no message.
	UID uint32
	// Section is nil for the whole message.
	Section *Section
	// Partial is nil for all octets; Length 0 stands for "up to the end".
	Partial *Partial
	// Auth is nil for a URL without authorization.
	Auth *URLAuth
}

// URLServer is the authority of a URL (RFC 5092 §3).
type URLServer struct {
	// User is whose names the mailbox's is one of; "" when not given.
	User string
	// Mechanism is the SASL mechanism in upper case, "*" for any, "" when
	// not given.
	Mechanism string
	Host      string // as sent; an IPv6 address in brackets
	Port      string // digits, "" when not given
}

// URLAuth is what authorizes others to fetch a URL (RFC 4467 §3).
type URLAuth struct {
	// Expire is the last moment at which the URL is valid, zero for none.
	Expire time.Time
	Access URLAccess
	// Mechanism is in upper case; "" in a URL that is still to be
	// authorized.
	Mechanism string
	// Token is hexadecimal, as sent.
	Token string
}

// URLAccess says who may use an authorized URL: an application, or a user of
// it (RFC 5593 §4).
type URLAccess struct {
	Application string // lower case: "submit", "user", "authuser", "anonymous", "stream" …
	User        string // what follows "+"; "" when nothing does
}

// InternalMechanism is the mechanism of RFC 4467 §2.4.1.
const InternalMechanism = "INTERNAL"

// MaxURL is the longest URL that is parsed, in octets.
const MaxURL = 8 << 10

// RumpURL gives an authorized URL without mechanism and token, octet for octet
// what the token was made of (RFC 4467 §6). The URL must be one that ParseURL
// found to have both.
func RumpURL(full string) string {
	rump := full[:strings.LastIndexByte(full, ':')]
	return rump[:strings.LastIndexByte(rump, ':')]
}

// Classes of octets of RFC 5092 §11.
func isAChar(c byte) bool {
	return isUnreserved(c) || strings.IndexByte("!$'()*+,&=", c) >= 0
}

func isBChar(c byte) bool { return isAChar(c) || c == ':' || c == '@' || c == '/' }

func isUnreserved(c byte) bool {
	return isAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

func isAlnum(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
