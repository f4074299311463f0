package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"citron/submission/sign"
)

// dkimCmd is `citron dkim`.
type dkimCmd struct {
	Domain    string `arg:"" help:"Domain of the senders' addresses."`
	Selector  string `arg:"" help:"Name of the key below _domainkey of the domain; a new one for each key."`
	Key       string `help:"File of the private key, made if it is not there." required:"" type:"path"`
	Algorithm string `help:"Of a new key: rsa, which everybody understands, or ed25519, to go beside one." enum:"rsa,ed25519" default:"rsa"`
}

// Run prints the DNS record of the key, which it makes if there is none.
func (c *dkimCmd) Run() error {
	place := sign.Key{Domain: c.Domain, Selector: c.Selector}
	if err := place.Check(); err != nil {
		return err
	}
	key, err := os.ReadFile(c.Key)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = c.make()
	}
	if err != nil {
		return err
	}
	record, err := sign.Record(key)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Key, err)
	}
	fmt.Println(place.ZoneLine(record))
	return nil
}

// make writes a new key that only its owner can read.
func (c *dkimCmd) make() ([]byte, error) {
	key, err := sign.Generate(sign.Algorithm(c.Algorithm))
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(c.Key, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(key)
	return key, errors.Join(err, f.Sync(), f.Close())
}
