// Package tlscert reads certificates from files, reads them again when the
// files change, and makes a self-signed one for a first start. Each change
// gives a new tls.Config with ticket keys of its own, so that no session is
// resumed across a change of certificate (RFC 5929 §4 binds to it).
package tlscert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pair names the PEM files of a certificate, its chain after it, and its key.
type Pair struct{ Cert, Key string }

// Options say what a Source reads.
type Options struct {
	// Pairs, at least one; the first is for clients that name no host we have.
	Pairs []Pair
	// ClientCAs is a PEM file of authorities whose client certificates are
	// asked for; empty: none are asked for.
	ClientCAs string
	// RequireClient refuses clients without such a certificate.
	RequireClient bool
	// Clients are peers known by their certificates, which others need not
	// have (Source.Client). Not together with ClientCAs.
	Clients []Client
	// Log is told when certificates were read anew or could not be; default
	// slog.Default().
	Log *slog.Logger
}

// lookEvery is how often, at most, a handshake looks at the files.
const lookEvery = 5 * time.Second

// Source gives the current configuration. Its methods may be called from any
// goroutine.
type Source struct {
	opt  Options
	live atomic.Pointer[generation]
	next atomic.Int64 // when to look again, Unix nanoseconds

	mu     sync.Mutex // one reader of files at a time
	failed []stamp    // the files' state when reading them failed last
}

// generation is what the files held at one time.
type generation struct {
	config  *tls.Config
	clients []client
	stamps  []stamp
}

// stamp tells one content of a file from another without reading it.
type stamp struct {
	modified time.Time
	size     int64
	id       fs.FileInfo
}

func (s stamp) same(o stamp) bool {
	return s.size == o.size && s.modified.Equal(o.modified) &&
		(s.id == nil) == (o.id == nil) && (s.id == nil || os.SameFile(s.id, o.id))
}

// Open reads the files. The error names the file and says what is wrong.
func Open(o Options) (*Source, error) {
	if len(o.Pairs) == 0 {
		return nil, errors.New("tlscert: no certificate named")
	}
	if o.RequireClient && o.ClientCAs == "" {
		return nil, errors.New("tlscert: client certificates required, but no authorities named")
	}
	if o.ClientCAs != "" && len(o.Clients) > 0 {
		return nil, errBothClients
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Source{opt: o}
	g, err := s.read(s.look())
	if err != nil {
		return nil, err
	}
	s.live.Store(g)
	s.next.Store(time.Now().Add(lookEvery).UnixNano())
	return s, nil
}

// Config returns the configuration for the next handshake, of TLS 1.2 and 1.3.
// Every few seconds it looks whether the files have changed. Files that cannot
// be used (a certificate without its key yet) leave the former ones in force.
func (s *Source) Config() *tls.Config { return s.current().config }

// current is what is in force, after a look at the files if that is due.
func (s *Source) current() *generation {
	now := time.Now()
	next := s.next.Load()
	if now.UnixNano() >= next && s.next.CompareAndSwap(next, now.Add(lookEvery).UnixNano()) {
		s.Reload()
	}
	return s.live.Load()
}

// Leaf returns the first certificate in force, for its names and its end.
func (s *Source) Leaf() *x509.Certificate {
	return s.live.Load().config.Certificates[0].Leaf
}

// Reload reads the files now, if they have changed. After an error the former
// certificates stay in force; the same files are not tried twice.
func (s *Source) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	stamps := s.look()
	if slices.EqualFunc(stamps, s.live.Load().stamps, stamp.same) || slices.EqualFunc(stamps, s.failed, stamp.same) {
		return nil
	}
	g, err := s.read(stamps)
	if err != nil {
		s.failed = stamps
		s.opt.Log.Error("certificates not read again, the former ones stay in force", "error", err)
		return err
	}
	s.failed = nil
	s.live.Store(g)
	s.opt.Log.Info("certificates read again", "file", s.opt.Pairs[0].Cert, "until", s.Leaf().NotAfter)
	return nil
}

// look stamps all files, in a fixed order.
func (s *Source) look() []stamp {
	var stamps []stamp
	add := func(path string) {
		var st stamp
		if fi, err := os.Stat(path); err == nil {
			st = stamp{fi.ModTime(), fi.Size(), fi}
		}
		stamps = append(stamps, st)
	}
	for _, p := range s.opt.Pairs {
		add(p.Cert)
		add(p.Key)
	}
	if s.opt.ClientCAs != "" {
		add(s.opt.ClientCAs)
	}
	for _, c := range s.opt.Clients {
		if c.CA != "" {
			add(c.CA)
		}
	}
	return stamps
}

// read makes a generation of the files. They are stamped before they are read:
// a change in between is seen as one at the next look.
func (s *Source) read(stamps []stamp) (*generation, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	for _, p := range s.opt.Pairs {
		cert, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s: %w", p.Cert, p.Key, err)
		}
		c.Certificates = append(c.Certificates, cert)
	}
	if s.opt.ClientCAs != "" {
		if err := addClientCAs(c, s.opt.ClientCAs); err != nil {
			return nil, err
		}
		if s.opt.RequireClient {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	clients, cas, err := readClients(s.opt.Clients)
	if err != nil {
		return nil, err
	}
	if len(clients) > 0 {
		askClients(c, cas)
	}
	return &generation{c, clients, stamps}, nil
}

func addClientCAs(c *tls.Config, path string) error {
	pem, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("client authorities: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("client authorities %s: no certificate in it", path)
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven
	return nil
}
