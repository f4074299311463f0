package bench

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// SubmitCmd measures submission (RFC 6409): each connection logs in once and
// then sends one message after the other from an account of its own, and a
// message counts when its 250 has come, which promises that it is in the queue.
// What becomes of it there is the server's configuration: to compare queues let
// all of them hold what they take.
type SubmitCmd struct {
	Common   `embed:""`
	Messages int           `help:"Messages per run." default:"2000"`
	To       string        `help:"The recipient of all messages." default:"somebody@elsewhere.example"`
	Rest     time.Duration `help:"Time after the last run whose writes still count." default:"0s"`
}

// Run is called by kong.
func (cmd *SubmitCmd) Run(ctx context.Context) error {
	messages, err := newPool(cmd.Size, cmd.Seed)
	if err != nil {
		return err
	}
	return cmd.measureWrites(ctx, cmd.Rest, func(add func(*target, int64)) workload {
		return workload{
			title: fmt.Sprintf("Submission of %d messages (%s), %d connections, %d accounts", cmd.Messages, cmd.Size, cmd.Conns, cmd.accounts()),
			unit:  "msg",
			setup: func(ctx context.Context, t *target) (any, error) {
				return connectMail(ctx, cmd.Conns, func(ctx context.Context, i int) (*mailConn, error) {
					return dialSubmission(ctx, t, cmd.TLS, cmd.user(i), cmd.Password)
				})
			},
			run: func(ctx context.Context, t *target, state any) (work, error) {
				done, err := cmd.submit(ctx, state.([]*mailConn), messages)
				add(t, done.bytes)
				return done, err
			},
			teardown: quitAll,
		}
	})
}

func (cmd *SubmitCmd) submit(ctx context.Context, conns []*mailConn, messages *pool) (work, error) {
	return shareOut(ctx, len(conns), cmd.Messages, func(i int, buf []byte) ([]byte, error) {
		buf = messages.next(buf)
		_, rest, _ := bytes.Cut(buf, []byte("\r\n")) // From is the first field, and somebody else's
		from := "From: <" + cmd.user(i) + ">\r\n"
		return buf, conns[i].deliver(cmd.user(i), cmd.To, []byte(from), rest)
	})
}

// dialSubmission connects, takes TLS if asked for, and logs in where the server
// offers that.
func dialSubmission(ctx context.Context, t *target, mode, user, password string) (_ *mailConn, err error) {
	dial := t.dial
	if mode == "tls" {
		dial = t.dialTLS
	}
	nc, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &mailConn{target: t}
	c.use(nc)
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if _, err := c.reply("220"); err != nil {
		return nil, err
	}
	if err := c.hello("EHLO"); err != nil {
		return nil, err
	}
	if mode == "starttls" {
		if err := c.startTLS(ctx); err != nil {
			return nil, err
		}
	}
	return c, c.login(user, password)
}

func (c *mailConn) startTLS(ctx context.Context) error {
	if err := c.send("STARTTLS\r\n"); err != nil {
		return err
	}
	if _, err := c.reply("220"); err != nil {
		return err
	}
	secured, err := c.target.startTLS(ctx, c.Conn)
	if err != nil {
		return err
	}
	c.use(secured)
	return c.hello("EHLO")
}

// login is AUTH PLAIN (RFC 4954), if AUTH is offered at all.
func (c *mailConn) login(user, password string) error {
	if !strings.Contains(c.offer, "AUTH") {
		return nil
	}
	response := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	if err := c.send("AUTH PLAIN " + response + "\r\n"); err != nil {
		return err
	}
	_, err := c.reply("235")
	return err
}
