// Package sign puts DKIM signatures (RFC 6376, RFC 8463) on messages.
package sign

import (
	"errors"
	"io"
	"log/slog"
)

// Key is a private key and where its public key stands in the DNS.
type Key struct {
	// Domain of the author's address (From) that the key signs for.
	Domain string
	// Selector is the name below _domainkey of the domain.
	Selector string
	// File is PEM: PKCS #8 (RSA or Ed25519) or PKCS #1 (RSA).
	File string
}

// Options of a Signer.
type Options struct {
	// Keys may be several of one domain, each of which signs.
	Keys []Key
	// Log is told of keys that are badly kept or cannot be reloaded; nil: nobody.
	Log *slog.Logger
}

// Signer signs messages. Its methods may be called concurrently.
type Signer struct{}

// New reads the keys.
func New(o Options) (*Signer, error) { return &Signer{}, nil }

// Sign reads a whole message as it will be sent and gives the DKIM-Signature
// fields to put in front of it, CRLF included: one for each key of the domain
// of its From field, nothing if there is none.
func (s *Signer) Sign(message io.Reader) ([]byte, error) { return nil, errors.ErrUnsupported }
