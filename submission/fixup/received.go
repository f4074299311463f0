package fixup

import (
	"net/netip"
	"strings"
	"time"
)

// dateForm is date-time of RFC 5322 §3.3, with the offset that RFC 5321 §4.4
// asks for.
const dateForm = "Mon, 2 Jan 2006 15:04:05 -0700"

// hiddenClient stands for the client's name in Received, which needs one
// (RFC 5321 §4.4); no host has it (RFC 2606).
const hiddenClient = "client.invalid"

// appendReceived appends the trace field (RFC 5321 §4.4):
//
//	Received: from hello (address) by hostname with protocol id id for <forward-path>; date
func (o *Options) appendReceived(b []byte) []byte {
	b = append(b, "Received: from "...)
	if o.ShowClient {
		b = o.appendClient(b)
	} else {
		b = append(b, hiddenClient...)
	}
	b = append(b, "\r\n\tby "...)
	b = append(b, o.Hostname...)
	b = append(b, " with "...)
	b = append(b, o.protocol()...)
	if o.ID != "" {
		b = append(b, " id "...)
		b = append(b, o.ID...)
	}
	if !o.For.IsNull() && (o.UTF8 || o.For.ASCII()) {
		b = append(b, "\r\n\tfor <"...)
		b = o.For.Append(b)
		b = append(b, '>')
	}
	b = append(b, ";\r\n\t"...)
	b = o.Now.AppendFormat(b, dateForm)
	return append(b, crlf...)
}

// appendClient appends Extended-Domain: what the client said, if it may stand
// there, and its address.
func (o *Options) appendClient(b []byte) []byte {
	address := literal(o.Remote.Addr())
	name := o.Hello
	if !o.presentable(name) {
		name = address
	}
	if name == "" {
		return append(b, hiddenClient...)
	}
	b = append(b, name...)
	if address != "" {
		b = append(b, " ("...)
		b = append(b, address...)
		b = append(b, ')')
	}
	return b
}

// literal gives an address-literal (RFC 5321 §4.1.3); empty on a Unix socket.
func literal(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		return "[IPv6:" + a.String() + "]"
	}
	return "[" + a.String() + "]"
}

// presentable says whether what the client said in EHLO is made like a domain or
// an address-literal.
func (o *Options) presentable(name string) bool {
	if name == "" || len(name) > 255 {
		return false
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	return strings.IndexFunc(name, func(c rune) bool {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.ContainsRune(".-_:", c):
			return false
		}
		return c < 0x80 || !o.UTF8 || c == '\uFFFD'
	}) < 0
}

// protocol names what was spoken (RFC 3848, RFC 6531 §4.3).
func (o *Options) protocol() string {
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

func date(t time.Time) string { return t.Format(dateForm) }
