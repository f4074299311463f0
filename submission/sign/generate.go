package sign

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
)

// Algorithm is that of a key.
type Algorithm string

const (
	// RSA keys every verifier understands.
	RSA Algorithm = "rsa"
	// Ed25519 keys (RFC 8463) are short, and not yet understood by all: they go
	// beside one of RSA.
	Ed25519 Algorithm = "ed25519"
)

// Generate makes a private key, as PEM (PKCS #8).
func Generate(a Algorithm) ([]byte, error) {
	var key crypto.Signer
	var err error
	switch a {
	case RSA:
		key, err = rsa.GenerateKey(rand.Reader, weakRSA)
	case Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("dkim: algorithm %q: there are rsa and ed25519", a)
	}
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Record gives what the DNS must have as a TXT record for a private key in PEM
// (RFC 6376 §3.6.1, RFC 8463 §4).
func Record(key []byte) (string, error) {
	signer, err := parseKey(key)
	if err != nil {
		return "", fmt.Errorf("dkim: %w", err)
	}
	algorithm, public := Ed25519, []byte(nil)
	switch k := signer.Public().(type) {
	case ed25519.PublicKey:
		public = k
	default:
		algorithm = RSA
		if public, err = x509.MarshalPKIXPublicKey(k); err != nil {
			return "", err
		}
	}
	return "v=DKIM1; k=" + string(algorithm) + "; p=" + base64.StdEncoding.EncodeToString(public), nil
}

// Check says whether the domain and the selector can be used.
func (k Key) Check() error {
	_, err := k.canonical()
	return err
}

// Name is where the record stands in the DNS, in A-labels if it can.
func (k Key) Name() string {
	if c, err := k.canonical(); err == nil {
		k = c
	}
	return k.Selector + "._domainkey." + k.Domain
}

// ZoneLine gives a record as a line of a zone file, in strings of up to 255
// octets (RFC 6376 §3.6.2.2).
func (k Key) ZoneLine(record string) string {
	const longest = 255
	var parts []string
	for len(record) > longest {
		parts, record = append(parts, record[:longest]), record[longest:]
	}
	return k.Name() + `. IN TXT ( "` + strings.Join(append(parts, record), `" "`) + `" )`
}
