// Package client is the SMTP client of one connection to a next hop (RFC 5321
// §4): it brings a connection to where mail can be sent (greeting, EHLO,
// STARTTLS, AUTH), sends messages one after the other, and says of every
// recipient what became of it.
//
//	c, err := client.Start(ctx, nc, options) // nc is dialled by the caller
//	c.Offer()                                // what a message may be made of
//	replies, err := c.Send(ctx, message)     // one reply per recipient
//	c.Ready(ctx)                             // before the next message
//	c.Quit(ctx)
//
// # Invariants
//
// The octets of a message never look like its end or like commands: in DATA,
// dots are stuffed after every CRLF and a bare CR or LF goes out as CRLF; BDAT
// counts. Octets above 127, binary content and UTF-8 addresses go only to a
// host that offered to take them, and so do parameters.
//
// Message.HandOver has returned nil before the octet goes out that lets the host
// take the message. A recipient whose Reply is not positive was refused, or the
// host has not got the message, or (only after HandOver) nobody can know.
//
// The host is hostile: what it says is bounded (smtp.MaxResponse a reply), what
// it says too much, too early or without sense ends the connection, and every
// wait has its own timeout (RFC 5321 §4.5.3.2) and ends with ctx.
package client

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"

	"citron/wire/smtp"
)

// Options says how to talk to a host.
type Options struct {
	// Hello is the name to greet with: a domain that resolves to us, or an
	// address literal (RFC 5321 §4.1.1.1).
	Hello string
	// Policy says whether STARTTLS is used; TLS is its configuration, with
	// ServerName set and, if the host need not be verified, so
	// InsecureSkipVerify. A connection that is a *tls.Conn already has what it
	// needs.
	Policy TLSPolicy
	TLS    *tls.Config
	// Login, if not nil, is used after TLS; a host without a mechanism that
	// fits is an error.
	Login *Login
	// Timeouts has defaults for each that is 0.
	Timeouts Timeouts
}

// TLSPolicy says what STARTTLS (RFC 3207) is to be used for.
type TLSPolicy uint8

const (
	// TLSNone never uses it.
	TLSNone TLSPolicy = iota
	// TLSOpportunistic uses it if it is offered, and goes on without if the
	// host refuses the command. A handshake that fails is ErrHandshake: one
	// may connect again with TLSNone.
	TLSOpportunistic
	// TLSRequired sends nothing without it.
	TLSRequired
)

// Login is who we are at a smarthost. SCRAM-SHA-256-PLUS, SCRAM-SHA-256 and
// PLAIN are used, in this order.
type Login struct {
	Authzid  string // empty: that of Username
	Username string
	Password string
	// Cleartext allows PLAIN to a host that is not verified by TLS (RFC 4954
	// §14): on loopback, and in tests.
	Cleartext bool
	// Mechanism, if not empty, is the only one to be used.
	Mechanism string
}

// Timeouts of the waits for a host; the comments say the defaults, which are RFC
// 5321 §4.5.3.2's where it has one.
type Timeouts struct {
	Greeting time.Duration // 5 minutes
	Hello    time.Duration // EHLO and HELO: 5 minutes
	TLS      time.Duration // STARTTLS, and then the handshake: 2 minutes each
	Auth     time.Duration // each step: 2 minutes
	Mail     time.Duration // 5 minutes
	Rcpt     time.Duration // each: 5 minutes
	Data     time.Duration // until 354: 2 minutes
	Block    time.Duration // to write 32 KiB of a message: 3 minutes
	Chunk    time.Duration // the answer to a BDAT that is not the last: 5 minutes
	End      time.Duration // the answer to the whole message: 10 minutes
	Reset    time.Duration // 1 minute
	Quit     time.Duration // 5 seconds

	// Setup bounds Start as a whole: 15 minutes.
	Setup time.Duration
	// Transaction (15 minutes), Recipient for each (30 seconds), and the octets
	// at Rate in a second (8 KiB) together bound a transaction up to where the
	// end of the message is sent. RFC 5321 §4.5.3.2 has minimums for single
	// waits only, and they stay: Transaction is as long as those of one
	// recipient together, MAIL, RCPT, DATA and a block, and who is slow at each
	// of many is what it has no word about. The answer to the whole message
	// always has End, since cutting it short makes second copies (§4.5.3.2.6).
	Transaction, Recipient time.Duration
	Rate                   int64
}

// transaction is how long a message may take for so many recipients.
func (t *Timeouts) transaction(rcpts int, size int64) time.Duration {
	return t.Transaction + time.Duration(rcpts)*t.Recipient + time.Duration(size/t.Rate)*time.Second
}

func (t *Timeouts) setDefaults() {
	for _, d := range []struct {
		value   *time.Duration
		instead time.Duration
	}{
		{&t.Greeting, 5 * time.Minute},
		{&t.Hello, 5 * time.Minute},
		{&t.TLS, 2 * time.Minute},
		{&t.Auth, 2 * time.Minute},
		{&t.Mail, 5 * time.Minute},
		{&t.Rcpt, 5 * time.Minute},
		{&t.Data, 2 * time.Minute},
		{&t.Block, 3 * time.Minute},
		{&t.Chunk, 5 * time.Minute},
		{&t.End, 10 * time.Minute},
		{&t.Reset, time.Minute},
		{&t.Quit, 5 * time.Second},
		{&t.Setup, 15 * time.Minute},
		{&t.Transaction, 15 * time.Minute},
		{&t.Recipient, 30 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.instead
		}
	}
	if t.Rate == 0 {
		t.Rate = 8 << 10
	}
}

// Conn is a connection on which mail can be sent. It is for one goroutine at a
// time.
type Conn struct {
	link
	opt   Options
	offer smtp.Offer
	// login says that AUTH succeeded.
	login bool
	// dirty: the last transaction failed, and a RSET has to clear it.
	dirty bool
	// broken is why the connection can no longer be used.
	broken error

	mails   int             // MAIL commands so far
	domains map[string]bool // of recipients so far, if RCPTDOMAINMAX is announced
}

// Start brings a connection to where mail can be sent. After an error, which is
// an *Error, the connection is closed.
func Start(ctx context.Context, nc net.Conn, o Options) (*Conn, error) {
	o.Timeouts.setDefaults()
	c := &Conn{link: link{nc: nc}, opt: o}
	defer c.obey(ctx)()
	c.endWithin(o.Timeouts.Setup)
	err := c.start(ctx)
	c.endWithin(0)
	if err != nil {
		c.part()
		return nil, err
	}
	return c, nil
}

func (c *Conn) start(ctx context.Context) error {
	if err := c.greeting(); err != nil {
		return err
	}
	if err := c.hello(); err != nil {
		return err
	}
	if err := c.startTLS(ctx); err != nil {
		return err
	}
	return c.authenticate()
}

// Offer is what the host can do, as it said in its last answer to EHLO.
func (c *Conn) Offer() smtp.Offer { return c.offer }

// TLS gives the state of TLS; ok is false without.
func (c *Conn) TLS() (state tls.ConnectionState, ok bool) {
	if tc, is := c.nc.(*tls.Conn); is {
		return tc.ConnectionState(), true
	}
	return tls.ConnectionState{}, false
}

// Verified says that TLS is on and that the host's certificate was verified.
func (c *Conn) Verified() bool {
	state, ok := c.TLS()
	return ok && len(state.VerifiedChains) > 0
}

// Host is what the host calls itself in its answer to EHLO, printable; it is for
// reports and proves nothing.
func (c *Conn) Host() string { return printable([]string{c.offer.Domain}) }

// Usable says that another message may be sent: that nothing has gone wrong with
// the connection, and that the host's limit of messages (MAILMAX, RFC 9422) is
// not reached. Ready tells whether that is still so.
func (c *Conn) Usable() bool {
	limit := c.offer.Limits().Mails
	return c.broken == nil && len(c.in) == 0 && (limit == 0 || c.mails < limit)
}

// Ready clears what the last message left, by RSET, and so sees whether the host
// is still there: to be called on a connection that has waited. After an error
// it is of no use.
func (c *Conn) Ready(ctx context.Context) error {
	defer c.obey(ctx)()
	return c.reset()
}

// Quit takes leave, waits a moment for the answer and closes the connection.
func (c *Conn) Quit(ctx context.Context) {
	defer c.obey(ctx)()
	c.part()
}

// Close closes the connection without a word.
func (c *Conn) Close() error { return c.nc.Close() }

// part says QUIT, if the connection still works, and closes it.
func (c *Conn) part() {
	if c.broken == nil {
		// RFC 5321 §4.1.1.10: wait for the answer; what it is does not matter.
		c.command("QUIT", c.opt.Timeouts.Quit, "QUIT\r\n")
	}
	c.nc.Close()
}

// reset clears a transaction.
func (c *Conn) reset() error {
	r, err := c.command("RSET", c.opt.Timeouts.Reset, "RSET\r\n")
	if err != nil {
		return err
	}
	if !r.OK() {
		c.broken = refused("RSET", r)
		return c.broken
	}
	c.dirty = false
	return nil
}

// countDomain says whether a recipient's domain may still be used in this
// session (RCPTDOMAINMAX, RFC 9422 §4.3), and counts it.
func (c *Conn) countDomain(p smtp.Path) bool {
	limit := c.offer.Limits().Domains
	domain := strings.ToLower(p.Domain)
	if limit == 0 || c.domains[domain] {
		return true
	}
	if len(c.domains) >= limit {
		return false
	}
	if c.domains == nil {
		c.domains = map[string]bool{}
	}
	c.domains[domain] = true
	return true
}
