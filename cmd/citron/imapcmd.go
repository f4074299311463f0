package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"citron/admin/transfer"
)

// imapFlags say how to import from an IMAP server.
type imapFlags struct {
	PasswordFile string `help:"File whose first line is the password at the IMAP server. Otherwise CITRON_IMPORT_PASSWORD, or the command asks." type:"existingfile"`
	Insecure     bool   `help:"Accept any certificate of the IMAP server."`
	NoTLS        bool   `name:"no-tls" help:"Speak to an IMAP server on this machine without TLS."`
}

// openIMAP logs in to another server.
func (f *imapFlags) openIMAP(ctx context.Context, address string) (transfer.Source, error) {
	at, err := transfer.ParseIMAPAddress(address)
	if err != nil {
		return nil, err
	}
	password, err := f.password(at)
	if err != nil {
		return nil, err
	}
	src, err := transfer.OpenIMAP(ctx, at, transfer.IMAPOptions{Password: password, Insecure: f.Insecure, Plain: f.NoTLS})
	if err != nil {
		return nil, err
	}
	return src, nil
}

func (f *imapFlags) password(at transfer.IMAPAddress) (string, error) {
	if f.PasswordFile != "" {
		text, err := os.ReadFile(f.PasswordFile)
		line, _, _ := strings.Cut(string(text), "\n")
		return strings.TrimSuffix(line, "\r"), err
	}
	if password := os.Getenv("CITRON_IMPORT_PASSWORD"); password != "" {
		return password, nil
	}
	return askPassword(fmt.Sprintf("Password of %s at %s: ", at.User, at.Host))
}
