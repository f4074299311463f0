package burl

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"citron/wire/imap"
	"citron/wire/sasl"
)

// client is one connection to a store, one command at a time. Whatever is not
// as it should be ends its use: the store may be hostile (RFC 4468 §8).
type client struct {
	cfg  *IMAPConfig
	conn net.Conn
	r    *imap.ResponseReader
	caps map[string]bool // in capitals
	tags int
	// allowed is how many octets the store may still send for the command at
	// hand.
	allowed int64

	// Of the pool.
	reused    bool
	idleSince time.Time
	expiry    *time.Timer
}

const (
	// maxLine bounds each line and each string of a store, content apart;
	// there are URLs in them.
	maxLine = 64 << 10
	// maxResponses and maxTalk, in octets, bound what a store says to one
	// command, content apart. None that submission gives has reason for more
	// than a few lines.
	maxResponses = 100
	maxTalk      = 256 << 10
)

// refusal is a NO or BAD.
type refusal struct {
	verb string
	*imap.StatusResponse
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the store refuses %s: %s", r.verb, loggable(r.Text))
}

// token is what authorizes a URL (enc-urlauth, RFC 5092 §11).
var token = regexp.MustCompile("[0-9A-Fa-f]{32,}")

// loggable is what a store said, for the log: without tokens, should it repeat the
// URL.
func loggable(text string) string {
	return fmt.Sprintf("%.200q", token.ReplaceAllLiteralString(text, "..."))
}

// refusedBy says whether an error is a refusal of that kind.
func refusedBy(kind imap.StatusKind, err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.Kind == kind
}

// connect makes a connection and logs in, as far as ctx has time.
func connect(ctx context.Context, cfg *IMAPConfig) (*client, error) {
	conn, err := cfg.Dial(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, err
	}
	c := &client{cfg: cfg, conn: conn, caps: map[string]bool{}, allowed: maxTalk}
	c.r = imap.NewResponseReader(c)
	c.r.Limit(maxLine)
	c.r.StreamURLs = true
	done := c.until(ctx)
	err = c.open(ctx)
	if done(); err != nil {
		c.close()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w (%w)", ctx.Err(), err)
		}
		return nil, err
	}
	return c, nil
}

// until has the connection closed when ctx is done, which is what ends every
// read and write, unless done is called before; it says whether that was in
// time.
func (c *client) until(ctx context.Context) (done func() bool) {
	conn := c.conn
	return context.AfterFunc(ctx, func() { conn.Close() })
}

func (c *client) close() { c.conn.Close() }

// logout takes leave of the store, which may not listen any more.
func (c *client) logout() {
	c.conn.SetWriteDeadline(time.Now().Add(time.Second))
	line, _ := imap.AppendCommand(nil, "z", &imap.Logout{}, false)
	c.conn.Write(line)
	c.conn.Close()
}

// Read is for the ResponseReader.
func (c *client) Read(p []byte) (int, error) {
	if c.allowed == 0 {
		return 0, errTalks
	}
	c.conn.SetReadDeadline(time.Now().Add(c.cfg.Silence))
	n, err := c.conn.Read(p[:min(int64(len(p)), c.allowed)])
	c.allowed -= int64(n)
	return n, err
}

func (c *client) write(p []byte) error {
	c.conn.SetWriteDeadline(time.Now().Add(c.cfg.Silence))
	_, err := c.conn.Write(p)
	return err
}

// open has TLS running and logs in.
func (c *client) open(ctx context.Context) error {
	if c.cfg.Implicit {
		if err := c.shakeHands(ctx); err != nil {
			return err
		}
	}
	if err := c.greeting(); err != nil {
		return err
	}
	if !c.cfg.Implicit {
		if err := c.startTLS(ctx); err != nil {
			return err
		}
	}
	if err := c.capability(); err != nil {
		return err
	}
	if err := c.login(); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	if !c.caps["URLAUTH"] {
		return errors.New("the store has no URLAUTH (RFC 4467)")
	}
	return c.enableUTF8()
}

func (c *client) shakeHands(ctx context.Context) error {
	secure := tls.Client(c.conn, c.cfg.TLS)
	if err := secure.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	c.conn = secure
	c.r.Reset(c)
	return nil
}

// greeting reads the first response (RFC 9051 §7.1). PREAUTH is not for here: as
// whom submission fetches is what it says itself, under TLS.
func (c *client) greeting() error {
	r, err := c.next()
	if err != nil {
		return err
	}
	if hello, ok := r.(*imap.StatusResponse); !ok || hello.Tag != "*" || hello.Kind != imap.OK {
		return errors.New("the store does not greet with OK")
	}
	return nil
}

// startTLS is STARTTLS (RFC 9051 §6.2.1). What came in the clear behind the OK
// may be somebody else's.
func (c *client) startTLS(ctx context.Context) error {
	if _, err := c.do(&imap.StartTLS{}, nil); err != nil {
		return err
	}
	if c.r.Buffered() > 0 {
		return errors.New("the store, or somebody between, sent more than the answer to STARTTLS")
	}
	return c.shakeHands(ctx)
}

// capability asks what the store can do now.
func (c *client) capability() error {
	clear(c.caps)
	_, err := c.do(&imap.Capability{}, func(r imap.Response) error {
		if r, ok := r.(*imap.CapabilityResponse); ok {
			c.learn(r.Names)
		}
		return nil
	})
	return err
}

func (c *client) learn(names []string) {
	clear(c.caps)
	for _, name := range names {
		c.caps[strings.ToUpper(name)] = true
	}
}

// login is AUTHENTICATE, in one step where the store has SASL-IR (RFC 4959).
func (c *client) login() error {
	mechanism := sasl.NewExternalClient("")
	if c.cfg.Password != nil {
		password, err := c.cfg.Password()
		if err != nil {
			return err
		}
		mechanism = sasl.NewPlainClient("", c.cfg.User, password)
	}
	name, message, err := mechanism.Start()
	switch {
	case err != nil:
		return err
	case !c.caps["AUTH="+name]:
		return fmt.Errorf("the store does not offer %s", name)
	}
	command := &imap.Authenticate{Mechanism: name}
	if c.caps["SASL-IR"] || c.caps["IMAP4REV2"] {
		command.Initial, message = message, nil
	}
	ok, err := c.do(command, func(r imap.Response) error {
		if _, asked := r.(*imap.ContinueResponse); !asked {
			return nil
		}
		if message == nil {
			return errors.New("the store asks for more")
		}
		line := base64.StdEncoding.AppendEncode(nil, message)
		message = nil
		return c.write(append(line, "\r\n"...))
	})
	if err != nil {
		return err
	}
	if told, ok := ok.Code.(imap.CodeCapability); ok {
		c.learn(told)
		return nil
	}
	return c.capability()
}

// enableUTF8 has the store give headers in UTF-8 as they are, not downgraded for
// a client that knows none (RFC 6855 §3).
func (c *client) enableUTF8() error {
	if !c.caps["UTF8=ACCEPT"] && !c.caps["UTF8=ONLY"] {
		return nil
	}
	_, err := c.do(&imap.Enable{Capabilities: []string{"UTF8=ACCEPT"}}, func(r imap.Response) error {
		if r, ok := r.(*imap.EnabledResponse); ok {
			c.r.UTF8 = c.r.UTF8 || slices.ContainsFunc(r.Names, func(name string) bool { return strings.EqualFold(name, "UTF8=ACCEPT") })
		}
		return nil
	})
	if refusedBy(imap.NO, err) || refusedBy(imap.BAD, err) {
		return nil
	}
	return err
}

// alive asks whether the store is still there. It is not given long: a new
// connection may have to be made in the time there is.
func (c *client) alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ConnectTimeout/3)
	defer cancel()
	done := c.until(ctx)
	_, err := c.do(&imap.Noop{}, nil)
	return done() && err == nil
}

// send begins a command.
func (c *client) send(cmd imap.Command) (tag string, err error) {
	c.tags++
	c.allowed = maxTalk
	tag = "s" + strconv.Itoa(c.tags)
	line, _ := imap.AppendCommand(nil, tag, cmd, c.r.UTF8)
	return tag, c.write(line)
}

// do gives a command and reads to its tagged OK; each, where not nil, is given
// every other response. A refusal leaves the connection usable, any other error
// does not.
func (c *client) do(cmd imap.Command, each func(imap.Response) error) (*imap.StatusResponse, error) {
	tag, err := c.send(cmd)
	if err != nil {
		return nil, err
	}
	for range maxResponses {
		r, err := c.next()
		var odd *imap.Error
		if errors.As(err, &odd) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if status, ok := r.(*imap.StatusResponse); ok && status.Tag != "*" {
			return status, verdict(cmd, tag, status)
		}
		if each == nil {
			continue
		}
		if err := each(r); err != nil {
			return nil, err
		}
	}
	return nil, errTalks
}

var errTalks = errors.New("the store says too much")

// verdict judges a tagged response.
func verdict(cmd imap.Command, tag string, status *imap.StatusResponse) error {
	switch {
	case status.Tag != tag:
		return errors.New("the store answers a command that was not given")
	case status.Kind != imap.OK:
		return &refusal{cmd.Name(), status}
	}
	return nil
}

// next reads one response; an *imap.Error is one that is not understood.
func (c *client) next() (imap.Response, error) {
	r, err := c.r.Next()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if bye, ok := r.(*imap.StatusResponse); ok && bye.Kind == imap.BYE {
		return nil, errors.New("the store ends the connection: " + loggable(bye.Text))
	}
	return r, nil
}
