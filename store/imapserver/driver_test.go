package imapserver

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/netip"
	"testing"
	"time"

	"citron/ops/conn"
	"citron/wire/deflate"
)

// testConn is the connection of a session that a test steps by hand: no
// socket, no goroutine, a clock that the test moves.
type testConn struct {
	remote bool // the peer is on another machine
	tls    *tls.ConnectionState
	// certificate is the client's.
	certificate *x509.Certificate
	startTLS    bool
	woken       bool
	refused     error // what Login says
	failures    int
	account     string
}

func (c *testConn) Wake() { c.woken = true }

func (c *testConn) Remote() netip.AddrPort {
	if c.remote {
		return netip.MustParseAddrPort("192.0.2.7:40000")
	}
	return netip.MustParseAddrPort("127.0.0.1:40000")
}

func (c *testConn) Local() netip.AddrPort     { return netip.MustParseAddrPort("127.0.0.1:143") }
func (c *testConn) TLS() *tls.ConnectionState { return c.tls }
func (c *testConn) CanStartTLS() bool         { return c.startTLS && c.tls == nil }
func (c *testConn) Loopback() bool            { return !c.remote }

func (c *testConn) ChannelBinding(kind string) ([]byte, error) {
	if c.tls == nil {
		return nil, conn.ErrNoBinding
	}
	return []byte("binding of " + kind), nil
}

func (c *testConn) Login(account string) error {
	if c.refused == nil {
		c.account = account
	}
	return c.refused
}

func (c *testConn) Logout() { c.account = "" }

func (c *testConn) LoginFailed(time.Time) time.Duration {
	c.failures++
	return time.Duration(c.failures) * time.Second
}

// peer drives one session and keeps what it wrote.
type peer struct {
	conn    *testConn
	session conn.Session
	clock   *time.Time
	in      []byte
	out     []byte
	eof     bool
	wait    conn.Wait
	closed  bool
	started bool
	asleep  bool // takes nothing, so that its session is not stepped
	// bytewise offers input one byte a Step.
	bytewise bool
	offered  int
	// packed is the client's side of COMPRESS, once that is active.
	packed *packing
}

// packing is a client that compresses.
type packing struct {
	out deflate.Encoder
	in  deflate.Decoder
}

// send has the client say text.
func (p *peer) send(text string) {
	if p.packed == nil {
		p.in = append(p.in, text...)
		return
	}
	p.in = p.packed.out.Append(p.in, []byte(text))
}

// hear takes what the server has sent.
func (p *peer) hear(t testing.TB, sent []byte) {
	t.Helper()
	if p.packed == nil {
		p.out = append(p.out, sent...)
		return
	}
	var room [4096]byte
	for {
		n, taken, err := p.packed.in.Decode(room[:], sent)
		p.out, sent = append(p.out, room[:n]...), sent[taken:]
		switch {
		case err != nil:
			t.Fatalf("compressed badly: %v, after %q", err, p.out)
		case n < len(room):
			return
		}
	}
}

// compress has the client compress from now on.
func (p *peer) compress() { p.packed = new(packing) }

// run steps the session until it waits for something that has not come.
func (p *peer) run(t testing.TB) {
	t.Helper()
	for steps := 0; !p.closed && p.due(); steps++ {
		if steps > 1_000_000 {
			t.Fatal("session does not come to rest")
		}
		p.step(t)
	}
}

// due says whether the driver would step the session now.
func (p *peer) due() bool {
	w := p.wait
	switch {
	case p.asleep:
		return false
	case !p.started, w.Drain, w.Again, p.conn.woken:
		return true
	case w.Input && (p.offered < len(p.in) || p.eof):
		return true
	}
	return !w.Until.IsZero() && !p.clock.Before(w.Until)
}

func (p *peer) step(t testing.TB) {
	t.Helper()
	p.conn.woken = false
	if p.bytewise && p.wait.Input && p.offered < len(p.in) {
		p.offered++
	} else if !p.bytewise {
		p.offered = len(p.in)
	}
	p.started = true
	turn := conn.Turn{Now: *p.clock, In: p.in[:p.offered], EOF: p.eof && p.offered == len(p.in)}
	p.wait = p.session.Step(&turn)
	p.in = p.in[turn.Consumed:]
	p.offered -= turn.Consumed
	p.hear(t, turn.Out)
	if turn.EOF && turn.Consumed == 0 && p.wait.Input && p.wait.Then == conn.Continue {
		t.Fatal("session waits for input after the end of input")
	}
	switch p.wait.Then {
	case conn.StartTLS:
		p.in, p.offered = nil, 0
		p.conn.tls = tls13(p.conn.certificate)
		p.wait.Again = true
	case conn.Close:
		p.close(nil)
	}
}

func (p *peer) close(cause error) {
	if !p.closed {
		p.closed = true
		p.session.Close(cause)
	}
}

// hangUp closes from the peer's side in the middle of whatever it was.
func (p *peer) hangUp() { p.close(io.EOF) }

func tls13(client *x509.Certificate) *tls.ConnectionState {
	state := &tls.ConnectionState{Version: tls.VersionTLS13}
	if client != nil {
		state.PeerCertificates = []*x509.Certificate{client}
	}
	return state
}
