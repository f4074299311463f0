package fixup

import (
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"citron/mail/trace"
)

// hiddenClient stands for the client's name in Received, which needs one
// (RFC 5321 §4.4); no host has it (RFC 2606).
const hiddenClient = "client.invalid"

// appendReceived appends the trace field (RFC 5321 §4.4).
func (o *Options) appendReceived(b []byte) []byte {
	r := trace.Received{From: hiddenClient, By: o.Hostname, With: o.protocol(), ID: o.ID, Priority: o.Priority, Date: o.Now}
	if o.UTF8 || o.For.ASCII() {
		r.For = o.For
	}
	if o.ShowClient {
		r.From, r.Remote = o.client(), o.Remote
	}
	if o.UTF8 { // RFC 6531 §3.7.3
		if name, err := idna.Lookup.ToUnicode(r.By); err == nil {
			r.By = name
		}
	}
	return r.Append(b)
}

// client is what the client said in EHLO, if it may stand in the field, or its
// address.
func (o *Options) client() string {
	if o.presentable(o.Hello) {
		return o.Hello
	}
	switch a := o.Remote.Addr().Unmap().WithZone(""); {
	case !a.IsValid():
		return hiddenClient
	case a.Is6():
		return "[IPv6:" + a.String() + "]"
	default:
		return "[" + a.String() + "]"
	}
}

// presentable says whether a name is made like a domain or an address literal.
func (o *Options) presentable(name string) bool {
	if name == "" || len(name) > 255 || !utf8.ValidString(name) {
		return false
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	return strings.IndexFunc(name, func(c rune) bool {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.ContainsRune(".-_:", c):
			return false
		}
		return c < utf8.RuneSelf || !o.UTF8
	}) < 0
}

// protocol names what was spoken (RFC 3848, RFC 6531 §4.3), if that is known.
func (o *Options) protocol() string {
	if o.Hello == "" {
		return ""
	}
	name := "ESMTP"
	if o.UTF8 {
		name = "UTF8SMTP"
	}
	if o.TLS {
		name += "S"
	}
	if o.Authenticated {
		name += "A"
	}
	return name
}

// date gives date-time of RFC 5322 §3.3.
func date(t time.Time) string { return t.Format("Mon, 2 Jan 2006 15:04:05 -0700") }
