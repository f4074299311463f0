package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"citron/ops/config"
	"citron/submission"
	"citron/submission/burl"
)

// fetcher finds what BURL names, in this process and in other stores.
func (s *server) fetcher() (*burl.Stores, error) {
	c := &s.cfg.Submission
	hosts := c.Hosts
	if len(hosts) == 0 {
		hosts = []string{s.cfg.Hostname}
	}
	stores := map[string]submission.Fetcher{}
	for i := range c.Stores {
		store, err := newIMAPStore(&c.Stores[i], s.log)
		if err != nil {
			return nil, fmt.Errorf("submission.stores: %s: %w", c.Stores[i].Host, err)
		}
		s.stores = append(s.stores, store)
		stores[c.Stores[i].Host] = store
	}
	f, err := burl.New(burl.Config{Own: burl.Local{URLs: s.imap.URLs()}, OwnHosts: hosts, Stores: stores, Names: s.node.directory})
	if err != nil {
		return nil, fmt.Errorf("submission.hosts, submission.stores: %w", err)
	}
	return f, nil
}

// newIMAPStore makes the way to a store elsewhere.
func newIMAPStore(u *config.URLHost, log *slog.Logger) (*burl.IMAP, error) {
	c := burl.IMAPConfig{Address: cmp.Or(u.Address, u.Host), Implicit: u.TLS == "tls", User: u.User}
	if u.CA != "" {
		roots, err := authorities(u.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		c.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	if u.Cert != "" {
		c.Certificate = func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(u.Cert, u.Key)
			return &pair, err
		}
		if _, err := c.Certificate(); err != nil {
			return nil, err
		}
		warnOfOpenFile(log, u.Key)
	} else {
		c.Password = func() (string, error) { return readSecret(u.PasswordFile) }
		if _, err := c.Password(); err != nil {
			return nil, err
		}
		warnOfOpenFile(log, u.PasswordFile)
	}
	return burl.NewIMAP(c)
}

// authorities reads a PEM file of certificates.
func authorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no PEM certificate in it", file)
	}
	return pool, nil
}

// readSecret reads a file that holds a password and perhaps the end of a line.
func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	secret := strings.TrimRight(string(text), "\r\n")
	if err == nil && secret == "" {
		err = fmt.Errorf("%s: no password in it", file)
	}
	return secret, err
}

// warnOfOpenFile tells of a file with a secret that others can read.
func warnOfOpenFile(log *slog.Logger, file string) {
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("a secret can be read by others: chmod 600", "file", file)
	}
}
