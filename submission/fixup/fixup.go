// Package fixup mends a message as it is submitted (RFC 6409 §8).
package fixup

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"citron/submission"
	"citron/wire/smtp"
)

// Options say what the session knows.
type Options struct {
	// Hostname is this server's, in A-labels: Received's "by" and the domain
	// of Message-IDs made here.
	Hostname string
	// Hello is what the client said in EHLO, and Remote its address.
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
	// ID joins Received and the log: letters, digits, dots and hyphens.
	ID string
	// For is the only recipient; zero: there are several (RFC 5321 §7.2).
	For smtp.Path
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
	// MaxHops is how many Received fields a message may come with; default 50
	// (RFC 5321 §6.3).
	MaxHops int
}

// Filter is between what a client sends and the spool. It is not safe for
// concurrent use.
type Filter struct{}

// New makes a filter that writes the mended message to dst.
func New(dst io.Writer, o Options) *Filter { return &Filter{} }

// Write takes the next octets of the message, without dot-stuffing. An error is
// a smtp.Reply for the client or comes from dst; the message is then to be
// given up.
func (f *Filter) Write(p []byte) (int, error) { return 0, errors.ErrUnsupported }

// Close ends the message and says what it is made of. It does not close dst.
// Errors are as Write's.
func (f *Filter) Close() (submission.Content, error) {
	return submission.Content{}, errors.ErrUnsupported
}
