package relay

import (
	"time"

	"golang.org/x/net/idna"

	"citron/submission/relay/route"
	"citron/wire/smtp"
)

// What a message asks of its next hop, beside what client.Send finds out.
var (
	statusExpired  = own(5, 4, 7, "the time in which the sender wanted it delivered is over")
	statusNoTLS    = own(5, 7, 10, "the sender requires TLS with a host whose name is validated")
	statusExcluded = own(4, 7, 10, "the domain's policy (MTA-STS) does not name this host")
	statusNoForm   = own(5, 6, 3, "the message cannot be converted to what the host takes")
)

// requiresTLS: REQUIRETLS counts for all but reports, whose loss would be worse
// (RFC 8689 §4.2.1, §5).
func (a *attempt) requiresTLS() bool {
	return a.envelope.Mail.RequireTLS && !a.envelope.Mail.From.IsNull()
}

// security says how a host is to be spoken to for this message.
func (a *attempt) security(h *route.Host) (t route.TLS, unfit *status) {
	t = h.TLS
	switch {
	case a.requiresTLS():
		if !h.Trusted || h.Excluded || t.Never {
			return t, &statusNoTLS
		}
		t.Required, t.Verified = true, true
	case h.Policy && a.envelope.Content.TLSOptional && !a.envelope.Mail.RequireTLS:
		// RFC 8689 §4.2.2: the domain's policy is followed as far as can be. It
		// is not tried first and then let go: it can be had or not.
		t.Required, t.Verified = false, false
	case h.Excluded:
		return t, &statusExcluded
	}
	return t, nil
}

// by is the BY parameter as it is now (RFC 2852 §4.1.4): the time that is left.
func (a *attempt) by(now time.Time) smtp.DeliverBy {
	by := a.envelope.Mail.By
	if by.Mode != smtp.ByUnsaid {
		by.Within = a.envelope.Received.Add(by.Within).Sub(now).Truncate(time.Second)
	}
	return by
}

// expired: RFC 2852 §4.1.3, no attempt is made any more.
func (a *attempt) expired(now time.Time) bool {
	by := a.by(now)
	return by.Mode == smtp.ByReturn && by.Within <= 0
}

// tellsRelayed says whether RFC 2852 §4.1.4 owes the sender a report that the
// message was relayed.
func tellsRelayed(by smtp.DeliverBy, o smtp.Offer) bool {
	return by.Trace || by.Mode == smtp.ByNotify && by.Within > 0 && !o.Has(&smtp.Deadline)
}

// notify is a recipient's NOTIFY at a host without DELIVERBY (RFC 2852
// §4.1.4.2): our word on delay is the last that the sender would get.
func notify(n smtp.Notify, by smtp.DeliverBy, o smtp.Offer) smtp.Notify {
	switch {
	case by.Mode != smtp.ByNotify || by.Within <= 0 || o.Has(&smtp.Deadline) || n&smtp.NotifyNever != 0:
		return n
	case n == 0:
		return smtp.NotifyFailure | smtp.NotifyDelay
	}
	return n | smtp.NotifyDelay
}

// asciiPath gives the path with its domain in A-labels; ok is false if the
// local-part needs SMTPUTF8.
func asciiPath(p smtp.Path) (_ smtp.Path, ok bool) {
	if p.ASCII() {
		return p, true
	}
	domain, err := idna.Lookup.ToASCII(p.Domain)
	if err != nil {
		return p, false
	}
	p.Domain = domain
	return p, p.ASCII()
}
