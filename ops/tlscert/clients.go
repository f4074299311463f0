package tlscert

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Client names a peer by the certificate that it shows: one of an authority, or
// one that is known itself. At least one of CA and Fingerprints is set.
type Client struct {
	// Name is what Source.Client calls it.
	Name string
	// CA is a PEM file of authorities. Their certificates must be good for
	// client authentication.
	CA string
	// DNSNames are those of which a certificate of CA must have one; empty:
	// every one of CA's will do, which is for an authority of one's own.
	DNSNames []string
	// Fingerprints are SHA-256 hashes of whole certificates (DER) in
	// hexadecimal, colons between the octets or none, as `openssl x509
	// -fingerprint -sha256` says. Who signed these does not matter.
	Fingerprints []string
}

// client is a Client as it is looked for.
type client struct {
	name  string
	roots *x509.CertPool // nil: none
	dns   []string
	known [][sha256.Size]byte
}

// readClients reads what the clients are known by, and the pool of all
// authorities among it.
func readClients(all []Client) (clients []client, cas *x509.CertPool, err error) {
	cas = x509.NewCertPool()
	for _, c := range all {
		read := client{name: c.Name, dns: c.DNSNames}
		if c.Name == "" || c.CA == "" && len(c.Fingerprints) == 0 || c.CA == "" && len(c.DNSNames) > 0 {
			return nil, nil, fmt.Errorf("client %q: it needs a name, and authorities or fingerprints", c.Name)
		}
		for _, f := range c.Fingerprints {
			sum, err := hex.DecodeString(strings.ReplaceAll(f, ":", ""))
			if err != nil || len(sum) != sha256.Size {
				return nil, nil, fmt.Errorf("client %q: %q is no SHA-256 fingerprint in hexadecimal", c.Name, f)
			}
			read.known = append(read.known, [sha256.Size]byte(sum))
		}
		if c.CA != "" {
			pem, err := os.ReadFile(c.CA)
			if err != nil {
				return nil, nil, fmt.Errorf("client authorities: %w", err)
			}
			read.roots = x509.NewCertPool()
			if !read.roots.AppendCertsFromPEM(pem) || !cas.AppendCertsFromPEM(pem) {
				return nil, nil, fmt.Errorf("client authorities %s: no certificate in it", c.CA)
			}
		}
		clients = append(clients, read)
	}
	return clients, cas, nil
}

// askClients has certificates asked for. They are judged when they are to be of
// use, by Client, and not in the handshake: a person whose mail program has
// some certificate logs in by password all the same. The names of the authorities
// are sent, so that his program does not ask him which to take; where clients
// are known by fingerprints only there is none to send, and it may. A client
// known by its fingerprint must show its certificate whatever names are sent.
func askClients(c *tls.Config, cas *x509.CertPool) {
	c.ClientAuth, c.ClientCAs = tls.RequestClientCert, cas
}

// Client is the name of the Client whose certificate the peer has shown and
// proven to be its own, "" for none; of several the first. A certificate
// counts between its dates only, and by what the files hold now.
func (s *Source) Client(state *tls.ConnectionState, now time.Time) string {
	if len(state.PeerCertificates) == 0 {
		return ""
	}
	for _, c := range s.current().clients {
		if c.is(state.PeerCertificates, now) {
			return c.name
		}
	}
	return ""
}

// maxBetween is how many certificates a chain has at most between the peer's own
// and the authority's: each way through those that a stranger made up may be
// tried.
const maxBetween = 3

// is says whether a chain is the client's.
func (c *client) is(chain []*x509.Certificate, now time.Time) bool {
	leaf := chain[0]
	if len(chain) > 1+maxBetween {
		return false
	}
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return false
	}
	if slices.Contains(c.known, sha256.Sum256(leaf.Raw)) {
		return true
	}
	if c.roots == nil || len(c.dns) > 0 && !slices.ContainsFunc(c.dns, func(name string) bool { return leaf.VerifyHostname(name) == nil }) {
		return false
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: c.roots, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err == nil
}

var errBothClients = errors.New("tlscert: client certificates are required of all, or tell some clients from others, not both")
