package conn

import (
	"crypto"
	_ "crypto/sha256" // hashes of certificates
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"sync/atomic"
)

// tlsCarrier is the net.Conn under a TLS connection; it leads from crypto/tls's
// callbacks back to the connection.
type tlsCarrier interface {
	net.Conn
	carried() *link
}

// tlsFace derives the configuration that connections use from the one that the
// operator gives, once per configuration: a new certificate is a new
// configuration with new ticket keys, so that no session is resumed across a
// change of certificate.
type tlsFace struct {
	last atomic.Pointer[tlsPair]
}

type tlsPair struct{ given, used *tls.Config }

func (f *tlsFace) config(given *tls.Config) *tls.Config {
	if p := f.last.Load(); p != nil && p.given == given {
		return p.used
	}
	p := &tlsPair{given, deriveTLS(given)}
	f.last.Store(p)
	return p.used
}

// errNoCertificate is seen in the log only; the peer gets an alert.
var errNoCertificate = errors.New("no certificate for this name and these algorithms")

// deriveTLS returns a server configuration within RFC 9325: TLS 1.2 and 1.3,
// forward secrecy and AEAD only, session tickets with keys that rotate.
// Certificates are chosen once a connection, also for a resumed session, and
// remembered for tls-server-end-point.
func deriveTLS(given *tls.Config) *tls.Config {
	c := given.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	c.Renegotiation = tls.RenegotiateNever
	if c.CipherSuites == nil {
		c.CipherSuites = []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		}
	}
	chooser, list := given.GetCertificate, slices.Clone(given.Certificates)
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		cert, err := chooseCertificate(chooser, list, hello)
		if err != nil {
			return nil, err
		}
		hello.Conn.(tlsCarrier).carried().cert = cert
		return nil, nil
	}
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return hello.Conn.(tlsCarrier).carried().cert, nil
	}
	return c
}

func chooseCertificate(chooser func(*tls.ClientHelloInfo) (*tls.Certificate, error), list []tls.Certificate, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if chooser != nil {
		if cert, err := chooser(hello); cert != nil || err != nil {
			return cert, err
		}
	}
	for i := range list {
		if hello.SupportsCertificate(&list[i]) == nil {
			return &list[i], nil
		}
	}
	if len(list) == 0 {
		return nil, errNoCertificate
	}
	return &list[0], nil
}

// established publishes a finished handshake.
func (l *link) established(tc *tls.Conn) {
	if tc.ConnectionState().DidResume {
		l.srv.count.resumed.Add(1)
	} else {
		l.srv.count.full.Add(1)
	}
	l.tls.Store(tc)
}

// ChannelBinding implements Conn.
func (l *link) ChannelBinding(kind string) ([]byte, error) {
	tc := l.tls.Load()
	if tc == nil || l.srv.opt.NoBinding {
		return nil, ErrNoBinding
	}
	switch kind {
	case "tls-exporter":
		// RFC 9266 §2. crypto/tls refuses TLS 1.2 without extended master
		// secret, and there is no renegotiation (§4.2).
		cs := tc.ConnectionState()
		b, err := cs.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
		if err != nil {
			return nil, ErrNoBinding
		}
		return b, nil
	case "tls-server-end-point":
		return endPoint(l.cert)
	}
	return nil, ErrNoBinding
}

// endPoint hashes a certificate as RFC 5929 §4.1 says.
func endPoint(cert *tls.Certificate) ([]byte, error) {
	if cert == nil || len(cert.Certificate) == 0 {
		return nil, ErrNoBinding
	}
	leaf := cert.Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil, ErrNoBinding
		}
	}
	hash := signatureHash(leaf.SignatureAlgorithm)
	if hash == 0 {
		return nil, ErrNoBinding
	}
	h := hash.New()
	h.Write(cert.Certificate[0])
	return h.Sum(nil), nil
}

// signatureHash is the hash of a certificate's signature, with SHA-256 in place
// of MD5 and SHA-1; 0 if the algorithm has no single one (Ed25519).
func signatureHash(a x509.SignatureAlgorithm) crypto.Hash {
	switch a {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.ECDSAWithSHA256, x509.DSAWithSHA256:
		return crypto.SHA256
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		return crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		return crypto.SHA512
	}
	return 0
}
