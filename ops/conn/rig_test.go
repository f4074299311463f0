package conn

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(parkClientEnv) != "" {
		parkClient()
		return
	}
	goleak.VerifyTestMain(m)
}

// rig is a server with one listener, over one of the drivers.
type rig struct {
	t   testing.TB
	srv *Server
	on  *Listener
	log *journal
	// connect makes a client's connection.
	connect func() net.Conn
}

// drivers are what the suite runs over. The epoll driver is itself on Linux
// only; elsewhere "tcp" tests the portable one twice.
var drivers = []string{"tcp", "unix", "portable", "pipe"}

var (
	// addressed are the drivers whose peers have an address.
	addressed = []string{"tcp", "portable", "pipe"}
	// overTCP are the drivers whose connections are TCP.
	overTCP = []string{"tcp", "portable"}
)

// each runs a test over every driver.
func each(t *testing.T, o Options, like *Listener, test func(t *testing.T, r *rig)) {
	over(t, drivers, o, like, test)
}

// over runs a test over some of the drivers.
func over(t *testing.T, some []string, o Options, like *Listener, test func(t *testing.T, r *rig)) {
	for _, d := range some {
		t.Run(d, func(t *testing.T) {
			o := o
			test(t, newRig(t, d, &o, &Listener{
				NewSession: like.NewSession,
				TLS:        like.TLS,
				Implicit:   like.Implicit,
				Proxies:    like.Proxies,
				Max:        like.Max,
				Trusted:    like.Trusted,
			}))
		})
	}
}

func newRig(t testing.TB, d string, o *Options, on *Listener) *rig {
	t.Helper()
	r := &rig{t: t, on: on, log: newJournal()}
	on.Name = d
	if on.NewSession == nil {
		on.NewSession = r.log.session
	}
	o.Portable = d == "portable" || d == "pipe"
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r.srv = NewServer(*o)
	if d == "pipe" {
		r.connect = func() net.Conn { return r.srv.Pipe(on, netip.AddrPort{}) }
	} else {
		r.listen(d)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r.srv.Shutdown(ctx)
	})
	return r
}

func (r *rig) listen(d string) {
	network, address := "tcp", "127.0.0.1:0"
	if d == "unix" {
		network, address = "unix", filepath.Join(r.t.TempDir(), "s")
	}
	ln, err := Listen(context.Background(), network, address)
	if err != nil {
		r.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- r.srv.Serve(ln, r.on) }()
	r.t.Cleanup(func() {
		if err := <-served; err != ErrServerClosed {
			r.t.Errorf("Serve: %v", err)
		}
	})
	r.connect = func() net.Conn {
		nc, err := net.Dial(network, ln.Addr().String())
		if err != nil {
			r.t.Fatal(err)
		}
		return nc
	}
}

// client is a strict line client.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (r *rig) dial() *client {
	r.t.Helper()
	c := newClient(r.t, r.connect())
	c.want("HELLO")
	return c
}

func newClient(t testing.TB, nc net.Conn) *client {
	c := &client{Conn: nc, t: t, r: bufio.NewReader(nc)}
	t.Cleanup(func() { nc.Close() })
	return c
}

// patience is how long a test waits for what must come. Nothing is measured
// by it.
const patience = 20 * time.Second

func (c *client) say(lines ...string) {
	c.t.Helper()
	c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) line() string {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	s, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read: %v (after %q)", err, s)
	}
	return strings.TrimRight(s, "\r\n")
}

func (c *client) want(lines ...string) {
	c.t.Helper()
	for _, l := range lines {
		if got := c.line(); got != l {
			c.t.Fatalf("got %q, want %q", got, l)
		}
	}
}

// ended checks that the server has closed, in whatever way.
func (c *client) ended() {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	if b, err := io.ReadAll(c.r); os.IsTimeout(err) || len(b) > 0 {
		c.t.Fatalf("not ended: %q, %v", b, err)
	}
}

// secure shakes hands after STARTTLS.
func (c *client) secure(conf *tls.Config) *client {
	c.t.Helper()
	tc := tls.Client(c.Conn, conf)
	c.SetDeadline(time.Now().Add(patience))
	if err := tc.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	return &client{Conn: tc, t: c.t, r: bufio.NewReader(tc)}
}

// until waits for a condition.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// cause returns what the next session closed was given.
func (r *rig) cause() error {
	r.t.Helper()
	select {
	case err := <-r.log.closed:
		return err
	case <-time.After(patience):
		r.t.Fatal("no session was closed")
		return nil
	}
}

// identity is a certificate for tests, made once.
var identity = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return certify(key, x509.ECDSAWithSHA256)
})

func certify(key *ecdsa.PrivateKey, alg x509.SignatureAlgorithm) tls.Certificate {
	tmpl := &x509.Certificate{
		SerialNumber:       big.NewInt(1),
		NotBefore:          time.Unix(0, 0), // also in virtual time
		NotAfter:           time.Unix(1<<33, 0),
		DNSNames:           []string{"mail.example.org"},
		SignatureAlgorithm: alg,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

var serverTLS = sync.OnceValue(func() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{identity()}}
})

func clientTLS() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: "mail.example.org"}
}
