package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"citron/submission"
	"citron/submission/relay/client"
	"citron/submission/relay/route"
)

// busyPause is how long what found no turn at a host waits.
const busyPause = 2 * time.Minute

var (
	statusNoHandshake = own(4, 7, 5, "no TLS with the host as it is required")
	statusHandshake   = own(4, 7, 5, "the TLS handshake with the host failed")
	statusNoLogin     = own(4, 7, 8, "the host does not let us log in")
)

// connect gives a connection on which mail can be sent, an idle one if there is
// any, or else tries the host's addresses; without one it says why. Each counts
// where it is.
func (w *away) connect(ctx context.Context, turn *turn, h *route.Host, t route.TLS, addrs []netip.AddrPort) (*conn, submission.Outcome) {
	to := target{h.Name, h.Port, t, h.Login}
	if c := w.pool.get(ctx, to, turn.at); c != nil {
		return c, submission.Outcome{}
	}
	last := statusNoAnswer.outcome(submission.Deferred)
	for _, addr := range addrs {
		if why, down := w.hosts.downs.is(addr); down {
			last = why
			continue
		}
		if !turn.at(addr) {
			last = w.busy()
			continue
		}
		c, err := w.start(ctx, h, t, addr)
		if err == nil && !h.Login && strings.EqualFold(c.Host(), w.opt.Hostname) && !h.Trusted {
			// RFC 5321 §5.1, §6.3: whoever says this name is us, or will be
			// taken for us by everybody.
			quit(&conn{Conn: c})
			return nil, statusLoop.outcome(submission.Failed)
		}
		if err == nil {
			return &conn{Conn: c, target: to, addr: addr, opened: w.opt.Now()}, submission.Outcome{}
		}
		switch {
		case context.Cause(ctx) == errCut:
			return nil, statusSlow.outcome(submission.Deferred)
		case ctx.Err() != nil:
			return nil, last
		}
		w.opt.Log.Debug("no connection", "id", w.job.ID(), "host", h.Name, "address", addr, "err", err)
		if last = unconnected(err, t); last.Status == statusNoAnswer.Status {
			w.hosts.downs.set(addr, last)
		}
	}
	return nil, last
}

// busy is the outcome where there is no turn. The host is there, but slow.
func (w *away) busy() submission.Outcome {
	w.reached = true
	o := statusBusy.outcome(submission.Deferred)
	o.NotBefore = w.opt.Now().Add(busyPause)
	return o
}

// unconnected is the outcome of an error before MAIL. Nothing of it is the
// message's fault, so nothing is for good: not even a 5xx greeting, which says
// something of the host or of us (RFC 5321 §3.1), except that a host says that
// it never takes mail (RFC 7504 §3).
func unconnected(err error, t route.TLS) submission.Outcome {
	var e *client.Error
	switch errors.As(err, &e); {
	case errors.Is(err, client.ErrNoTLS):
		return statusNoHandshake.outcome(submission.Deferred)
	case errors.Is(err, client.ErrHandshake):
		if t.Required {
			return statusNoHandshake.outcome(submission.Deferred)
		}
		return statusHandshake.outcome(submission.Deferred)
	case errors.Is(err, client.ErrMechanism), e != nil && e.Op == "AUTH" && e.Reply.Permanent():
		o := statusNoLogin.outcome(submission.Deferred)
		if e != nil && e.Reply.Code != 0 {
			o.Code, o.Text = e.Reply.Code, e.Reply.Text
		}
		return o
	case e != nil && e.Reply.Code != 0:
		o := submission.Outcome{Result: submission.Deferred, Status: e.Reply.Status, Code: e.Reply.Code, Text: e.Reply.Text}
		if o.Status.Class == 5 && e.Reply.Code == 521 {
			o.Result = submission.Failed
		} else {
			o.Status.Class = 4
		}
		return o
	}
	return statusNoAnswer.outcome(submission.Deferred)
}

// start brings a connection to one address to where mail can be sent. Where TLS
// is opportunistic and its handshake fails, it goes without (RFC 7435 §3).
func (a *attempt) start(ctx context.Context, h *route.Host, t route.TLS, addr netip.AddrPort) (*client.Conn, error) {
	o := client.Options{Hello: a.opt.Hostname, Policy: client.TLSOpportunistic, TLS: a.tlsConfig(h, t), Timeouts: a.opt.Timeouts}
	switch {
	case t.Required:
		o.Policy = client.TLSRequired
	case t.Never:
		o.Policy = client.TLSNone
	}
	if h.Login {
		o.Login = a.opt.Login
	}
	c, err := a.dial(ctx, t, addr, o)
	if errors.Is(err, client.ErrHandshake) && !t.Required && !t.Implicit && ctx.Err() == nil {
		a.opt.Log.Debug("TLS failed, going on without", "host", h.Name, "address", addr, "err", err)
		o.Policy = client.TLSNone
		c, err = a.dial(ctx, t, addr, o)
	}
	return c, err
}

func (a *attempt) dial(ctx context.Context, t route.TLS, addr netip.AddrPort, o client.Options) (*client.Conn, error) {
	limit, stop := context.WithTimeout(ctx, a.opt.ConnectTime)
	defer stop()
	nc, err := a.opt.Dial(limit, addr)
	if err != nil {
		return nil, err
	}
	if t.Implicit {
		tc := tls.Client(nc, o.TLS)
		if err := tc.HandshakeContext(limit); err != nil {
			nc.Close()
			return nil, errors.Join(client.ErrHandshake, err)
		}
		nc = tc
	}
	return client.Start(ctx, nc, o)
}

func (a *attempt) tlsConfig(h *route.Host, t route.TLS) *tls.Config {
	// A host's certificate is for its name, or for its address if it has none.
	name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "["), "]")
	return &tls.Config{
		ServerName: name, RootCAs: a.opt.Roots, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: !t.Verified, // nothing is promised then (RFC 7435)
	}
}

// dialTCP is the Dial of a relay that is not told another. Keep-alive is off:
// every wait has its own timeout.
func dialTCP(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	return d.DialContext(ctx, "tcp", addr.String())
}
