// Package sign puts DKIM signatures (RFC 6376) on messages, by RSA and Ed25519
// (RFC 8463), with relaxed canonicalization of header and body.
//
// A message is signed for the domain of its author (From) if there is a key for
// that domain, or for one above it, so that the signature is aligned (RFC 7489
// §3.1.1). Fields that may be there once are signed once more than they are
// there: nobody can add another (RFC 6376 §5.4.2). There is no body length, since
// what is behind it would be anybody's.
//
// What is signed must be what is sent: conversions for the next hop come before
// (RFC 6376 §5.3). Nothing is converted only to be signed, as that section
// advises: the hosts of today's mail take 8 bits, and a conversion costs every
// recipient a third of an attachment.
package sign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	"golang.org/x/net/idna"

	"citron/mail/message"
)

// Key is a private key and where its public key stands in the DNS.
type Key struct {
	// Domain of the author's address (From) that the key signs for.
	Domain string
	// Selector is the name below _domainkey of the domain.
	Selector string
	// File is PEM: PKCS #8 (RSA or Ed25519) or PKCS #1 (RSA). It is read again
	// when it changes.
	File string
}

// Options of a Signer.
type Options struct {
	// Keys may be several of one domain, each of which signs.
	Keys []Key
	// Log is told of keys that are badly kept or cannot be read again; default
	// slog.Default().
	Log *slog.Logger
}

// sealed are the fields that are signed once more than they are there: those
// that RFC 5322 §3.6 and RFC 2045 §3 allow once and that nobody on the way has a
// reason to add.
var sealed = []string{"From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References",
	"MIME-Version", "Content-Type", "Content-Transfer-Encoding"}

// signed are those that are signed if they are there: others that RFC 6376 §5.4.1
// recommends, and lists may add.
var signed = []string{"Sender", "Content-Disposition", "Content-ID", "Resent-Date", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc",
	"Resent-Message-ID", "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Post",
	"List-Owner", "List-Archive", "Auto-Submitted"}

// Signer signs messages. Its methods may be called concurrently.
type Signer struct {
	o    Options
	keys []*keyFile
}

// New reads the keys. The error names the file and says what is wrong.
func New(o Options) (*Signer, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Signer{o: o}
	for _, k := range o.Keys {
		k, err := k.canonical()
		if err != nil {
			return nil, err
		}
		f := &keyFile{Key: k, log: o.Log}
		if err := f.read(); err != nil {
			return nil, err
		}
		s.keys = append(s.keys, f)
	}
	return s, nil
}

// canonical gives a key with its names in A-labels and lower case.
func (k Key) canonical() (Key, error) {
	var err error
	if k.Domain, err = canonical(k.Domain); err != nil {
		return k, fmt.Errorf("dkim: domain: %w", err)
	}
	if k.Selector, err = canonical(k.Selector); err != nil {
		return k, fmt.Errorf("dkim: selector: %w", err)
	}
	return k, nil
}

// canonical gives a domain in A-labels and lower case (RFC 5890).
func canonical(domain string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if err == nil && ascii == "" {
		err = errors.New("empty")
	}
	return strings.ToLower(ascii), err
}

const (
	// maxHeader bounds the header of a message that is signed, in octets.
	maxHeader = 4 << 20
	// maxBlank bounds the white space in a row that a body has: the
	// canonicalization holds it, since at the end it does not count (RFC 6376
	// §3.4.4).
	maxBlank = 1 << 20
)

// errUnsignable: the message has no header to speak of, or is made of space.
var errUnsignable = errors.New("dkim: the message cannot be signed")

// Sign reads a whole message as it will be sent and gives the DKIM-Signature
// fields to put in front of it, CRLF included: one for each key of the domain
// of its From field, nothing if there is none. A message that cannot be signed
// (Log says why) gets none: it is better sent without. The error is the message's.
func (s *Signer) Sign(msg io.Reader) ([]byte, error) {
	fields, err := s.sign(msg)
	if errors.Is(err, errUnsignable) {
		s.o.Log.Warn("a message is sent without DKIM signature", "err", err)
		return nil, nil
	}
	return fields, err
}

func (s *Signer) sign(msg io.Reader) ([]byte, error) {
	if len(s.keys) == 0 {
		return nil, nil
	}
	head, rest, err := readHeader(msg)
	if err != nil {
		return nil, err
	}
	keys := s.keysFor(authors(head))
	if len(keys) == 0 {
		return nil, nil
	}
	b := batch{}
	defer b.stop()
	fields := s.fields(head)
	for _, k := range keys {
		if err := b.add(k, fields); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnsignable, err)
		}
	}
	if err := b.write(head); err != nil {
		return nil, err
	}
	if _, err := io.Copy(&blankGuard{b: &b}, io.MultiReader(bytes.NewReader(rest), msg)); err != nil {
		return nil, err
	}
	return b.signatures()
}

// readHeader reads the header with its blank line, and what came with it.
func readHeader(r io.Reader) (head, rest []byte, err error) {
	for {
		from := max(len(head)-3, 0)
		head = append(head, make([]byte, 16<<10)...)
		n, err := io.ReadFull(r, head[len(head)-16<<10:])
		head = head[:len(head)-16<<10+n]
		if i := bytes.Index(head[from:], []byte("\r\n\r\n")); i >= 0 {
			return head[:from+i+4], head[from+i+4:], nil
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return nil, nil, fmt.Errorf("%w: no end of the header", errUnsignable)
		case err != nil:
			return nil, nil, err
		case len(head) > maxHeader:
			return nil, nil, fmt.Errorf("%w: the header is too large", errUnsignable)
		}
	}
}

// authors gives the domains of the From field.
func authors(head []byte) []string {
	const most = 10
	value, _ := message.FirstField(head, "from")
	var list []string
	r := message.NewAddressReader(value)
	for a := (message.Address{}); len(list) < most && r.Next(&a); {
		if a.Kind == message.Mailbox {
			list = append(list, string(a.Host))
		}
	}
	return list
}

// keysFor gives the keys of the domains, or of the nearest domain above.
func (s *Signer) keysFor(domains []string) []*keyFile {
	var list []*keyFile
	taken := make(map[*keyFile]bool)
	for _, d := range domains {
		d, err := canonical(d)
		for found := false; err == nil && d != "" && !found; {
			for _, k := range s.keys {
				if k.Domain != d {
					continue
				}
				found = true
				if !taken[k] {
					taken[k] = true
					list = append(list, k)
				}
			}
			_, d, _ = strings.Cut(d, ".")
		}
	}
	return list
}

// fields gives the names of the fields to be signed (RFC 6376 §5.4).
func (s *Signer) fields(head []byte) []string {
	count := make(map[string]int)
	for f := range message.Fields(head) {
		count[strings.ToLower(string(f.Name))]++
	}
	const most = 20 // of one name
	var list []string
	for _, name := range sealed {
		for range min(count[strings.ToLower(name)], most) + 1 {
			list = append(list, name)
		}
	}
	for _, name := range signed {
		for range min(count[strings.ToLower(name)], most) {
			list = append(list, name)
		}
	}
	return list
}

// batch is the signatures of one message while they are made.
type batch struct{ signers []*dkim.Signer }

func (b *batch) add(k *keyFile, fields []string) error {
	signer, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: k.Domain, Selector: k.Selector, Signer: k.current(), HeaderKeys: fields,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err == nil {
		b.signers = append(b.signers, signer)
	}
	return err
}

func (b *batch) write(p []byte) error {
	for _, s := range b.signers {
		if _, err := s.Write(p); err != nil {
			return fmt.Errorf("%w: %w", errUnsignable, err)
		}
	}
	return nil
}

// signatures ends the message.
func (b *batch) signatures() ([]byte, error) {
	var out []byte
	signers := b.signers
	for _, s := range signers {
		b.signers = b.signers[1:]
		if err := s.Close(); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnsignable, err)
		}
		out = append(out, s.Signature()...)
	}
	return out, nil
}

// stop ends those that are not finished; what they say is not asked.
func (b *batch) stop() {
	for _, s := range b.signers {
		_ = s.Close()
	}
}

// blankGuard writes a body whose white space is bounded.
type blankGuard struct {
	b     *batch
	blank int
}

func (g *blankGuard) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		text := bytes.TrimLeft(rest, " \t\r\n")
		if g.blank += len(rest) - len(text); g.blank > maxBlank {
			return 0, fmt.Errorf("%w: too much space", errUnsignable)
		}
		if len(text) == 0 {
			break
		}
		g.blank = 0
		n := bytes.IndexAny(text, "\r\n")
		if n < 0 {
			break
		}
		rest = text[n:]
	}
	return len(p), g.b.write(p)
}
