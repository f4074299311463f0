// Package fixup mends a message as it is submitted (RFC 6409 §8): a filter
// between what a client sends and the spool.
//
// The header is held back until it is complete, and then checked and mended; the
// body passes through. What comes out has
//
//   - only CRLF for line ends, also where a bare CR or LF came, unless the body
//     is BINARYMIME: whatever a next hop takes for the end of DATA, no second
//     message can appear;
//   - our Received field in front (RFC 5321 §4.4);
//   - Date, From and Message-ID, which are added where missing and otherwise
//     left as they are, even a Message-ID of bad syntax, which RFC 6409 §8.3
//     would replace: the sender's own copy and the replies to it have the same;
//   - no Bcc (RFC 5322 §3.6.3, the first of the three ways) and no Return-Path
//     (RFC 5321 §4.4);
//   - one of each field that RFC 5322 §3.6 allows once. Two that differ are
//     refused, because readers and signatures would disagree on which counts;
//     repeated To and Cc are joined as §4.5.3 says;
//   - authors and senders whose addresses the user may use.
//
// A Sender field (RFC 6409 §8.1) is added only where several authors need one
// (RFC 5322 §3.6.2): From always is an address of the user's own, and then that
// section says not to use it; it would also tell everybody the login name.
//
// What cannot be mended without guessing is refused with a reply that says what
// is wrong. Nothing is refused that a next hop would take and a reader
// understand in one way only.
package fixup

import (
	"io"
	"net/netip"
	"time"

	"citron/submission"
	"citron/submission/content"
	"citron/wire/smtp"
)

// Options say what the session knows.
type Options struct {
	// Hostname is this server's, in A-labels: Received's "by" and the domain
	// of Message-IDs made here.
	Hostname string
	// Hello is what the client said in EHLO, and Remote its address. Without
	// Hello the session is not known any more (a message taken up after a crash).
	Hello  string
	Remote netip.AddrPort
	// ShowClient puts Hello and Remote into Received. By default they are left
	// out: where a phone was when it sent a mail is nothing that its recipients
	// need to know; ID leads to the log, which knows.
	ShowClient bool
	// TLS and Authenticated name the protocol in Received (RFC 3848).
	TLS, Authenticated bool
	// UTF8: MAIL had SMTPUTF8. Binary: MAIL had BODY=BINARYMIME, so that the
	// body has no lines and is left as it is.
	UTF8, Binary bool
	// ID joins Received and the log: letters, digits, dots and hyphens, not
	// empty.
	ID string
	// For is the only recipient; zero: there are several (RFC 5321 §7.2).
	For smtp.Path
	// Priority is what MAIL said of it, for Received (RFC 6710 §4.1).
	Priority smtp.Priority
	// From is the sender's own address: for the From field of a message without
	// one, and for Sender where several authors need one (RFC 5322 §3.6.2).
	// Null: such messages are refused.
	From smtp.Path
	// MayUse says whether the sender may use an address in From, Sender and
	// their Resent forms. An error that is a smtp.Reply is the answer; any other
	// is answered with 550 5.7.1. nil: every address.
	MayUse func(local, domain string) error
	// Ours says whether a domain is one that this server speaks for. The authors
	// of a message that is sent on with a Resent-From (RFC 5322 §3.6.6) need not
	// be the sender's own addresses if they are of other domains. nil: all
	// domains are ours.
	Ours func(domain string) bool
	// Now is the time of Received and of a missing Date, in the zone in which
	// they say so.
	Now time.Time
	// MaxHeader bounds the header in octets; default 1 MiB.
	MaxHeader int
	// MaxHops is how many Received fields a message may come with; default 100,
	// the least that RFC 5321 §6.3 finds normal.
	MaxHops int
}

// Filter mends one message. It is not safe for concurrent use. It holds no more
// than the header.
type Filter struct {
	dst io.Writer
	o   Options
	err error

	head   []byte // the header so far, line ends mended
	inBody bool
	// noBlank: the blank line at the end of the header is ours.
	noBlank bool
	crs     int // CRs that came last, of which it is not known whether LF follows
	meter   *content.Meter
	found   submission.Content // what the header says
}

const (
	defaultMaxHeader = 1 << 20
	defaultMaxHops   = 100
)

// New makes a filter that writes the mended message to dst.
func New(dst io.Writer, o Options) *Filter {
	if o.MaxHeader <= 0 {
		o.MaxHeader = defaultMaxHeader
	}
	if o.MaxHops <= 0 {
		o.MaxHops = defaultMaxHops
	}
	return &Filter{dst: dst, o: o, meter: content.NewMeter()}
}

// Write takes the next octets of the message, without dot-stuffing. An error is
// a smtp.Reply for the client or comes from dst; the message is then to be
// given up.
func (f *Filter) Write(p []byte) (int, error) {
	n := len(p)
	if f.err == nil && !f.inBody {
		p, f.err = f.header(p)
	}
	if f.err == nil && f.inBody {
		f.err = f.body(p)
	}
	if f.err != nil {
		return 0, f.err
	}
	return n, nil
}

// Close ends the message and says what it is made of. It does not close dst.
// Errors are as Write's.
func (f *Filter) Close() (submission.Content, error) {
	if f.err == nil && !f.inBody {
		f.err = f.closeHeader()
	}
	if f.err == nil {
		f.err = f.flush()
	}
	if f.err != nil {
		return submission.Content{}, f.err
	}
	c := f.meter.Finish()
	c.Hops, c.MessageID, c.TLSOptional = f.found.Hops, f.found.MessageID, f.found.TLSOptional
	if c.UTF8Header && !f.o.UTF8 {
		f.err = replyNeedsUTF8 // in the header of a part
		return submission.Content{}, f.err
	}
	return c, nil
}

// emit writes octets of the body, and notes what they are.
func (f *Filter) emit(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	f.meter.Body(p)
	_, err := f.dst.Write(p)
	return err
}
