package sign

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

const (
	// minRSA is what RFC 6376 §3.3.3 asks for, weakRSA what RFC 8301 §3.2 does,
	// in bits.
	minRSA, weakRSA = 1024, 2048
	// maxKeyFile bounds a file with a key, in octets.
	maxKeyFile = 64 << 10
)

// keyFile is a key that is read again when its file changes.
type keyFile struct {
	Key
	log *slog.Logger

	mu       sync.Mutex
	signer   crypto.Signer
	modified time.Time // of the file as it was read, or as it failed last; zero: it was not there
	size     int64
}

// current gives the key as its file has it now; if that cannot be used, the
// former one.
func (k *keyFile) current() crypto.Signer {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(k.File)
	if err == nil && info.Size() == k.size && info.ModTime().Equal(k.modified) {
		return k.signer
	}
	if err != nil && k.modified.IsZero() {
		return k.signer // that it is not there was said
	}
	if err == nil {
		err = k.load(info)
	} else {
		k.modified, k.size = time.Time{}, 0
	}
	if err != nil {
		k.log.Error("DKIM key not read again, the former one stays in force", "file", k.File, "err", err)
	} else {
		k.log.Info("DKIM key read again", "file", k.File, "domain", k.Domain, "selector", k.Selector)
	}
	return k.signer
}

// read reads the key for the first time.
func (k *keyFile) read() error {
	info, err := os.Stat(k.File)
	if err != nil {
		return fmt.Errorf("dkim: %w", err)
	}
	return k.load(info)
}

// load reads the file; the same file is not tried twice.
func (k *keyFile) load(info os.FileInfo) error {
	k.modified, k.size = info.ModTime(), info.Size()
	if info.Size() > maxKeyFile {
		return fmt.Errorf("dkim: %s is too large for a key", k.File)
	}
	text, err := os.ReadFile(k.File)
	if err != nil {
		return fmt.Errorf("dkim: %w", err)
	}
	signer, err := parseKey(text)
	if err != nil {
		return fmt.Errorf("dkim: %s: %w", k.File, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		k.log.Warn("DKIM key can be read by others: chmod 600", "file", k.File)
	}
	if key, ok := signer.(*rsa.PrivateKey); ok && key.N.BitLen() < weakRSA {
		k.log.Warn("DKIM key is short: make a new one with a new selector", "file", k.File, "bits", key.N.BitLen())
	}
	k.signer = signer
	return nil
}

// parseKey reads a private key in PEM.
func parseKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("not a PEM file")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("%q is not an unencrypted private key", block.Type)
	}
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return key, nil
	case *rsa.PrivateKey:
		if key.N.BitLen() < minRSA {
			return nil, fmt.Errorf("an RSA key of %d bits is too short (RFC 6376 §3.3.3)", key.N.BitLen())
		}
		return key, nil
	}
	return nil, errors.New("the key is neither RSA nor Ed25519")
}
