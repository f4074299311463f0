package tlscert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	// selfIssuer marks certificates of our own making: only those are renewed.
	selfIssuer = "Citron self-signed"
	// selfLife is the longest life that Apple's systems accept.
	selfLife = 825 * 24 * time.Hour
	// selfRenew is how long before its end a self-signed one is made anew.
	selfRenew = 30 * 24 * time.Hour
)

// EnsureSelfSigned makes a self-signed certificate for hosts (names and IP
// addresses) at the files of pair, if there is none or if the one there is of
// our own making and about to end. Files that an operator put there are left
// alone, whatever their state. The key is P-256, readable by its owner only.
func EnsureSelfSigned(pair Pair, hosts []string, now time.Time) (made bool, err error) {
	have, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	switch {
	case err == nil:
		leaf := have.Leaf
		if leaf.Issuer.CommonName != selfIssuer || now.Before(leaf.NotAfter.Add(-selfRenew)) {
			return false, nil
		}
	case !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("certificate %s with key %s: %w", pair.Cert, pair.Key, err)
	case exists(pair.Cert):
		return false, fmt.Errorf("certificate %s is there, but its key %s is not", pair.Cert, pair.Key)
	}
	cert, key, err := selfSigned(hosts, now)
	if err != nil {
		return false, err
	}
	// The key first: a certificate without a key is an error to the operator,
	// a key without certificate is replaced.
	if err := place(pair.Key, key, 0o600); err != nil {
		return false, err
	}
	return true, place(pair.Cert, cert, 0o644)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// selfSigned returns a new certificate and its key in PEM.
func selfSigned(hosts []string, now time.Time) (cert, key []byte, err error) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: selfIssuer},
		NotBefore:    now.Add(-time.Hour), // for clocks that are behind
		NotAfter:     now.Add(selfLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		// A role shows it to another role as a client, too (mutual TLS).
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, priv.Public(), priv)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

// place writes a file under a name of its own and renames it, so that a reader
// sees the whole of it or none.
func place(path string, data []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
