package lmtp

import (
	"encoding/base32"
	"math/rand/v2"
	"net/netip"
	"time"

	"citron/auth"
	"citron/store"
	"citron/wire/smtp"
)

var replyFiled = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2}, Text: "filed"}

// takers are the destinations that take mail now.
func (r recipient) takers() func(yield func(auth.Destination) bool) {
	return func(yield func(auth.Destination) bool) {
		for _, d := range r.reach {
			if !d.Disabled && !yield(d) {
				return
			}
		}
	}
}

// recipients makes what the store needs, all header lines in one allocation.
func (s *session) recipients(now time.Time) []store.Recipient {
	x := s.trans
	to := make([]store.Recipient, 0, len(x.rcpts))
	buf := make([]byte, 0, x.trace)
	id := newID()
	for _, r := range x.rcpts {
		start := len(buf)
		buf = s.appendTrace(buf, r.path, id, now)
		prefix := buf[start:len(buf):len(buf)]
		for d := range r.takers() {
			to = append(to, store.Recipient{Account: d.Account, Prefix: prefix, Detail: d.Detail})
		}
	}
	return to
}

// traceSize is about how much appendTrace will append: all that varies and the
// rest, which is 150 to 200 octets.
func (s *session) traceSize(to smtp.Path) int {
	from := s.trans.mail.From
	return 200 + len(from.Local) + len(from.Domain) + 2*(len(to.Local)+len(to.Domain)) + len(s.hello) + len(s.service.Hostname)
}

// appendTrace appends what final delivery puts in front of a message (RFC 5321
// §4.4):
//
//	Return-Path: <reverse-path>
//	Delivered-To: forward-path
//	Received: from hello (address) by hostname with LMTP id id for <forward-path>; date
func (s *session) appendTrace(b []byte, to smtp.Path, id [13]byte, now time.Time) []byte {
	x := s.trans
	b = append(b, "Return-Path: <"...)
	b = x.mail.From.Append(b)
	b = append(b, ">\r\nDelivered-To: "...)
	b = to.Append(b)
	b = append(b, "\r\nReceived: from "...)
	b = append(b, s.hello...)
	b = appendAddress(b, s.conn.Remote())
	b = append(b, "\r\n\tby "...)
	b = append(b, s.service.Hostname...)
	b = append(b, " with "...)
	b = append(b, s.protocol()...)
	b = append(b, " id "...)
	b = append(b, id[:]...)
	b = append(b, "\r\n\tfor <"...)
	b = to.Append(b)
	b = append(b, ">; "...)
	b = now.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 -0700")
	return append(b, '\r', '\n')
}

// appendAddress appends the client's address (RFC 5321 §4.4 TCP-info); there is
// none on a Unix socket.
func appendAddress(b []byte, remote netip.AddrPort) []byte {
	if !remote.IsValid() {
		return b
	}
	b = append(b, " (["...)
	a := remote.Addr().Unmap().WithZone("")
	if a.Is6() {
		b = append(b, "IPv6:"...)
	}
	return append(a.AppendTo(b), "])"...)
}

// protocol names the protocol for Received (RFC 3848, RFC 6531 §4.3).
func (s *session) protocol() string {
	switch tls := s.conn.TLS() != nil; {
	case s.trans.mail.UTF8 && tls:
		return "UTF8LMTPS"
	case s.trans.mail.UTF8:
		return "UTF8LMTP"
	case tls:
		return "LMTPS"
	}
	return "LMTP"
}

// newID makes an id that joins the copies of one message; it is no secret.
func newID() (id [13]byte) {
	var raw [8]byte
	n := rand.Uint64()
	for i := range raw {
		raw[i] = byte(n >> (8 * i))
	}
	base32.HexEncoding.WithPadding(base32.NoPadding).Encode(id[:], raw[:])
	return id
}
