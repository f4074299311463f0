package lmtp

import (
	"time"

	"citron/auth"
	"citron/mail/trace"
	"citron/store"
	"citron/wire/smtp"
)

var replyFiled = smtp.NewReply(250, 2, 0, 0, "filed")

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
	id := trace.NewID()
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

// traceSize is about how much appendTrace will append.
func (s *session) traceSize(to smtp.Path) int {
	return trace.Size(s.trans.mail.From, to) + len(s.hello) + len(s.service.Hostname)
}

// appendTrace appends what final delivery puts in front of a message.
func (s *session) appendTrace(b []byte, to smtp.Path, id string, now time.Time) []byte {
	received := trace.Received{
		From: s.hello, Remote: s.conn.Remote(), By: s.service.Hostname, With: s.protocol(), ID: id, For: to, Date: now,
	}
	return received.Append(trace.AppendDelivery(b, s.trans.mail.From, to))
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
