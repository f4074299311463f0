package transfer

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"citron/wire/imap"
	"citron/wire/sasl"
)

// imapClient is a connection to another IMAP server, one command at a time.
type imapClient struct {
	ctx  context.Context
	conn net.Conn
	r    *imap.ResponseReader
	caps map[string]bool // in capitals
	tag  int
	stop func() bool // of the watch on ctx
}

// silence is how long the server may say nothing while an answer is due: some
// take long to open a large mailbox.
const silence = 10 * time.Minute

// refused is a NO or BAD.
type refused struct {
	verb string
	*imap.StatusResponse
}

func (r *refused) Error() string {
	return fmt.Sprintf("the server refuses %s: %s", r.verb, r.Text)
}

// newIMAPClient has TLS running on a new connection, unless it is to be plain.
func newIMAPClient(ctx context.Context, conn net.Conn, at IMAPAddress, o IMAPOptions, config *tls.Config) (_ *imapClient, err error) {
	c := &imapClient{ctx: ctx, conn: conn}
	// A connection closed is the one thing that ends every read and write.
	c.stop = context.AfterFunc(ctx, func() { conn.Close() })
	c.r = imap.NewResponseReader(c)
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if at.Implicit {
		if err := c.startTLS(config); err != nil {
			return nil, err
		}
	}
	if err := c.greeting(); err != nil {
		return nil, err
	}
	if !at.Implicit && !o.Plain {
		if err := c.upgrade(config); err != nil {
			return nil, err
		}
	}
	return c, c.capability()
}

func (c *imapClient) close() {
	c.stop()
	c.conn.Close()
}

// Read is for the ResponseReader: it gives up on a server that fell silent.
func (c *imapClient) Read(p []byte) (int, error) {
	c.conn.SetReadDeadline(time.Now().Add(silence))
	n, err := c.conn.Read(p)
	return n, c.explain(err)
}

func (c *imapClient) write(p []byte) error {
	c.conn.SetWriteDeadline(time.Now().Add(silence))
	_, err := c.conn.Write(p)
	return c.explain(err)
}

// explain gives the reason for which the connection was closed.
func (c *imapClient) explain(err error) error {
	if err != nil && c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	return err
}

func (c *imapClient) startTLS(config *tls.Config) error {
	secure := tls.Client(c.conn, config)
	var unknown *tls.CertificateVerificationError
	err := secure.HandshakeContext(c.ctx)
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w; --insecure accepts any certificate", err)
	}
	if err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	c.conn = secure
	c.r.Reset(c)
	return nil
}

// greeting reads the first response (RFC 9051 §7.1). PREAUTH is refused: it
// would make STARTTLS impossible, and is nobody's mail in particular.
func (c *imapClient) greeting() error {
	r, err := c.next()
	if err != nil {
		return err
	}
	hello, ok := r.(*imap.StatusResponse)
	if !ok || hello.Kind != imap.OK {
		return errors.New("the server does not greet with OK")
	}
	return nil
}

// upgrade is STARTTLS (RFC 9051 §6.2.1). What came in the clear behind the OK
// may be somebody else's.
func (c *imapClient) upgrade(config *tls.Config) error {
	if err := c.do(&imap.StartTLS{}, nil); err != nil {
		return fmt.Errorf("%w; use imaps:// if the server has TLS on a port of its own", err)
	}
	if c.r.Buffered() > 0 {
		return errors.New("the server, or somebody between, sent more than the answer to STARTTLS")
	}
	return c.startTLS(config)
}

func (c *imapClient) capability() error {
	c.caps = map[string]bool{}
	return c.do(&imap.Capability{}, func(r imap.Response) error {
		if r, ok := r.(*imap.CapabilityResponse); ok {
			for _, name := range r.Names {
				c.caps[strings.ToUpper(name)] = true
			}
		}
		return nil
	})
}

// can says whether the server has an extension, by its own name or as part of
// IMAP4rev2.
func (c *imapClient) can(name string) bool { return c.caps[name] || c.caps["IMAP4REV2"] }

// login uses PLAIN where announced, which takes any password, else LOGIN.
func (c *imapClient) login(user, password string) error {
	var err error
	switch {
	case c.caps["AUTH=PLAIN"]:
		err = c.authenticate(user, password)
	case !c.caps["LOGINDISABLED"]:
		err = c.do(&imap.Login{User: user, Password: password}, nil)
	default:
		return errors.New("the server offers neither PLAIN nor LOGIN")
	}
	var no *refused
	if errors.As(err, &no) {
		return fmt.Errorf("login of %s: %s", user, no.Text)
	}
	if err != nil {
		return err
	}
	if err := c.capability(); err != nil {
		return err
	}
	return c.enableUTF8()
}

// enableUTF8 has the server give messages with UTF-8 in their headers as they
// are, not downgraded for a client that knows none (RFC 6855 §3, §7).
func (c *imapClient) enableUTF8() error {
	if !c.caps["UTF8=ACCEPT"] && !c.caps["UTF8=ONLY"] {
		return nil
	}
	err := c.do(&imap.Enable{Capabilities: []string{"UTF8=ACCEPT"}}, func(r imap.Response) error {
		if r, ok := r.(*imap.EnabledResponse); ok {
			c.r.UTF8 = c.r.UTF8 || slices.ContainsFunc(r.Names, func(name string) bool { return strings.EqualFold(name, "UTF8=ACCEPT") })
		}
		return nil
	})
	var no *refused
	if errors.As(err, &no) {
		return nil
	}
	return err
}

// authenticate is AUTHENTICATE PLAIN, in one step where the server has SASL-IR
// (RFC 4959).
func (c *imapClient) authenticate(user, password string) error {
	mechanism, message, err := sasl.NewPlainClient("", user, password).Start()
	if err != nil {
		return err
	}
	if c.can("SASL-IR") {
		return c.do(&imap.Authenticate{Mechanism: mechanism, Initial: message}, nil)
	}
	return c.do(&imap.Authenticate{Mechanism: mechanism}, func(r imap.Response) error {
		if _, ok := r.(*imap.ContinueResponse); !ok {
			return nil
		}
		line := base64.StdEncoding.AppendEncode(nil, message)
		return c.write(append(line, "\r\n"...))
	})
}

// do sends a command and reads to its tagged response; each, where not nil, is
// given every other one. The error of each ends the connection's use.
func (c *imapClient) do(cmd imap.Command, each func(imap.Response) error) error {
	c.tag++
	tag := "c" + strconv.Itoa(c.tag)
	line, _ := imap.AppendCommand(nil, tag, cmd, c.r.UTF8)
	if err := c.write(line); err != nil {
		return err
	}
	for {
		r, err := c.next()
		if err != nil {
			return err
		}
		if status, ok := r.(*imap.StatusResponse); ok && status.Tag == tag {
			if status.Kind == imap.OK {
				return nil
			}
			return &refused{cmd.Name(), status}
		}
		if each != nil {
			if err := each(r); err != nil {
				return err
			}
		}
	}
}

// next reads one response. One that is not understood is passed over: what it
// would have said is missed where it is needed.
func (c *imapClient) next() (imap.Response, error) {
	for {
		r, err := c.r.Next()
		var odd *imap.Error
		if errors.As(err, &odd) {
			continue
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("reading from the IMAP server: %w", err)
		}
		if bye, ok := r.(*imap.StatusResponse); ok && bye.Kind == imap.BYE {
			return nil, fmt.Errorf("the IMAP server ends the connection: %s", bye.Text)
		}
		return r, nil
	}
}
