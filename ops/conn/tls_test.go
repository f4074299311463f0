package conn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// binding asks the server for a channel binding.
func (c *client) binding(kind string) string {
	c.t.Helper()
	c.say("BIND " + kind)
	return c.line()
}

// clientExporter is RFC 9266's binding as the client computes it.
func (c *client) clientExporter() string {
	c.t.Helper()
	cs := c.Conn.(*tls.Conn).ConnectionState()
	b, err := cs.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		c.t.Fatal(err)
	}
	return fmt.Sprintf("%x <nil>", b)
}

func TestChannelBinding(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS}, func(t *testing.T, r *rig) {
		hash := sha256.Sum256(identity().Certificate[0])
		endPoint := fmt.Sprintf("%x <nil>", hash)
		none := fmt.Sprintf(" %v", ErrNoBinding)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			c := r.dial()
			for _, kind := range []string{"tls-exporter", "tls-server-end-point"} {
				if got := c.binding(kind); got != none {
					t.Errorf("without TLS: %s", got)
				}
			}
			c.say("STARTTLS")
			c.want("OK")
			conf := clientTLS()
			conf.MaxVersion = version
			c = c.secure(conf)
			if got, want := c.binding("tls-exporter"), c.clientExporter(); got != want {
				t.Errorf("exporter: %s, want %s", got, want)
			}
			if got := c.binding("tls-server-end-point"); got != endPoint {
				t.Errorf("end point: %s, want %s", got, endPoint)
			}
			if got := c.binding("tls-unique"); got != none {
				t.Errorf("tls-unique: %s", got)
			}
		}
	})
}

// With NoBinding there is none, TLS or not.
func TestNoBinding(t *testing.T) {
	each(t, Options{NoBinding: true}, &Listener{TLS: serverTLS}, func(t *testing.T, r *rig) {
		c := r.dial()
		c.say("STARTTLS")
		c.want("OK")
		c = c.secure(clientTLS())
		for _, kind := range []string{"tls-exporter", "tls-server-end-point"} {
			if got := c.binding(kind); got != fmt.Sprintf(" %v", ErrNoBinding) {
				t.Errorf("%s: %s", kind, got)
			}
		}
	})
}

// TestResumption: tickets work, a resumed session knows its certificate, and a
// new certificate ends resumption.
func TestResumption(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second := certify(key, x509.ECDSAWithSHA384)
	hash1 := sha256.Sum256(identity().Certificate[0])
	hash2 := sha512.Sum384(second.Certificate[0])
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var conf atomic.Pointer[tls.Config]
		each(t, Options{}, &Listener{Implicit: true, TLS: conf.Load}, func(t *testing.T, r *rig) {
			conf.Store(serverTLS())
			cc := clientTLS()
			cc.MaxVersion = version
			cc.ClientSessionCache = tls.NewLRUClientSessionCache(4)
			visit := func(wantResumed bool, wantBinding string) {
				t.Helper()
				c := newClient(t, r.connect()).secure(cc)
				c.want("HELLO")
				if got := c.Conn.(*tls.Conn).ConnectionState().DidResume; got != wantResumed {
					t.Errorf("resumed: %v", got)
				}
				if got := c.binding("tls-server-end-point"); got != wantBinding+" <nil>" {
					t.Errorf("end point: %s, want %s", got, wantBinding)
				}
				if got, want := c.binding("tls-exporter"), c.clientExporter(); got != want {
					t.Errorf("exporter: %s, want %s", got, want)
				}
				c.say("QUIT")
				c.want("BYE")
			}
			visit(false, fmt.Sprintf("%x", hash1))
			visit(true, fmt.Sprintf("%x", hash1))
			conf.Store(&tls.Config{Certificates: []tls.Certificate{second}})
			visit(false, fmt.Sprintf("%x", hash2))
			visit(true, fmt.Sprintf("%x", hash2))
			if st := r.srv.Stats(); st.Full != 2 || st.Resumed != 2 {
				t.Errorf("%d full, %d resumed", st.Full, st.Resumed)
			}
		})
	}
}

func TestSignatureHash(t *testing.T) {
	for alg, want := range map[x509.SignatureAlgorithm]crypto.Hash{
		x509.SHA1WithRSA:      crypto.SHA256, // RFC 5929 §4.1: in place of SHA-1
		x509.MD5WithRSA:       crypto.SHA256,
		x509.SHA256WithRSAPSS: crypto.SHA256,
		x509.ECDSAWithSHA384:  crypto.SHA384,
		x509.SHA512WithRSA:    crypto.SHA512,
		x509.PureEd25519:      0,
	} {
		if got := signatureHash(alg); got != want {
			t.Errorf("%v: %v", alg, got)
		}
	}
}

// TestEd25519HasNoEndPoint: its signatures use no single hash.
func TestEd25519HasNoEndPoint(t *testing.T) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, priv)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := endPoint(&tls.Certificate{Certificate: [][]byte{der}}); err != ErrNoBinding {
		t.Errorf("%x, %v", b, err)
	}
}

func TestOldTLSRefused(t *testing.T) {
	lax := &tls.Config{Certificates: []tls.Certificate{identity()}, MinVersion: tls.VersionTLS10}
	on := &Listener{Implicit: true, TLS: func() *tls.Config { return lax }}
	each(t, Options{}, on, func(t *testing.T, r *rig) {
		old := clientTLS()
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		if err := tls.Client(r.connect(), old).Handshake(); err == nil {
			t.Error("TLS 1.1 was agreed upon")
		}
		cbc := clientTLS()
		cbc.MaxVersion = tls.VersionTLS12
		cbc.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		if err := tls.Client(r.connect(), cbc).Handshake(); err == nil {
			t.Error("CBC was agreed upon")
		}
		if cs := newClient(t, r.connect()).secure(clientTLS()).Conn.(*tls.Conn).ConnectionState(); cs.Version != tls.VersionTLS13 {
			t.Errorf("version %x", cs.Version)
		}
	})
}

func TestClientCertificate(t *testing.T) {
	peers := make(chan *tls.ConnectionState, 1)
	conf := &tls.Config{Certificates: []tls.Certificate{identity()}, ClientAuth: tls.RequireAnyClientCert}
	on := &Listener{Implicit: true, TLS: func() *tls.Config { return conf }, NewSession: func(c Conn) Session {
		peers <- c.TLS()
		return pong{}
	}}
	each(t, Options{}, on, func(t *testing.T, r *rig) {
		cc := clientTLS()
		cc.Certificates = []tls.Certificate{identity()}
		newClient(t, r.connect()).secure(cc)
		if cs := <-peers; len(cs.PeerCertificates) != 1 {
			t.Errorf("%d certificates of the peer", len(cs.PeerCertificates))
		}
	})
}

// TestManyHandshakes: more handshakes wait for slow peers than may compute at
// once; none of them keeps a quick one out.
func TestManyHandshakes(t *testing.T) {
	each(t, Options{HandshakesAtOnce: 1}, &Listener{TLS: serverTLS, Implicit: true}, func(t *testing.T, r *rig) {
		for range 20 {
			newClient(t, r.connect()).Write([]byte{22})
		}
		until(t, "20 handshakes", func() bool { return r.srv.Stats().Handshakes == 20 })
		c := newClient(t, r.connect()).secure(clientTLS())
		c.want("HELLO")
	})
}

// TestCloseNotify: the end of a TLS session is told in TLS, so that it cannot
// be faked by cutting it short.
func TestCloseNotify(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS, Implicit: true}, func(t *testing.T, r *rig) {
		rec := &recorder{Conn: r.connect()}
		c := newClient(t, rec).secure(clientTLS())
		c.want("HELLO")
		before := rec.read.Load()
		c.say("QUIT")
		c.want("BYE")
		c.ended()
		// BYE is 5 bytes and 22 of record, close_notify 2 and 22.
		if n := rec.read.Load() - before; n != 5+22+2+22 {
			t.Errorf("%d bytes after QUIT", n)
		}
	})
}

type recorder struct {
	net.Conn
	read atomic.Int64
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.read.Add(int64(n))
	return n, err
}
