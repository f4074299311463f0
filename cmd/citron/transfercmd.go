package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"citron/admin"
	"citron/admin/transfer"
)

// importCmd is `citron import ACCOUNT SOURCE…`.
type importCmd struct {
	dataFlags
	Account string   `arg:"" help:"Address of the account."`
	Sources []string `arg:"" name:"source" help:"An mbox file, a Maildir, message files, or imap://USER@HOST."`
	Mailbox string   `help:"Where messages of an mbox or of files go." default:"INBOX"`
	imapFlags
}

// Run imports all sources one after the other.
func (c *importCmd) Run(ctx context.Context) error {
	return c.withCaller(ctx, func(call admin.Caller) error {
		mail := &admin.Mail{Caller: call, Account: c.Account}
		sources, err := c.open(ctx)
		if err != nil {
			return err
		}
		var all transfer.Progress
		show, clear := progressLine()
		defer clear()
		for _, src := range sources {
			count, err := transfer.Import(ctx, src, mail, show)
			all.Add(count)
			if err := errors.Join(err, src.Close()); err != nil {
				return fmt.Errorf("%w; run the same command again to go on", err)
			}
		}
		clear()
		return report(all)
	})
}

// report prints the outcome; messages that could not be brought are an error.
func report(p transfer.Progress) error {
	fmt.Printf("%d imported, %d known already, %d refused, %d bytes\n", p.Added, p.Known, p.Bad, p.Bytes)
	for _, problem := range p.Problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	if len(p.Renumbered) > 0 {
		fmt.Fprintf(os.Stderr, "new UIDs in %s: mail was there before, and clients will fetch these messages anew\n",
			strings.Join(p.Renumbered, ", "))
	}
	if p.Bad > 0 {
		return fmt.Errorf("%d messages could not be imported", p.Bad)
	}
	return nil
}

// open finds out what the sources are. Single files are one source.
func (c *importCmd) open(ctx context.Context) (list []transfer.Source, err error) {
	defer func() {
		if err != nil {
			for _, src := range list {
				src.Close()
			}
		}
	}()
	var files []string
	for _, name := range c.Sources {
		src, err := c.openSource(ctx, name)
		if err != nil {
			return list, err
		}
		if src == nil {
			files = append(files, name)
			continue
		}
		list = append(list, src)
	}
	if len(files) > 0 {
		list = append(list, transfer.OpenFiles(files, c.Mailbox))
	}
	return list, nil
}

// openSource gives nil for a single message.
func (c *importCmd) openSource(ctx context.Context, name string) (transfer.Source, error) {
	if transfer.IsIMAP(name) {
		return c.openIMAP(ctx, name)
	}
	return openPath(name, c.Mailbox)
}

func openPath(name, mailbox string) (transfer.Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return transfer.OpenMaildir(name)
	}
	if filepath.Ext(name) == ".eml" {
		return nil, nil
	}
	src, err := transfer.OpenMbox(name, mailbox)
	if errors.Is(err, transfer.ErrNoMbox) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return src, nil
}

// exportCmd is `citron export ACCOUNT DIRECTORY`.
type exportCmd struct {
	dataFlags
	Account   string `arg:"" help:"Address of the account."`
	Directory string `arg:"" help:"New or empty directory." type:"path"`
	Format    string `help:"maildir or mbox." enum:"maildir,mbox" default:"maildir"`
}

// Run exports the whole account.
func (c *exportCmd) Run(ctx context.Context) error {
	return c.withCaller(ctx, func(call admin.Caller) error {
		sink, err := c.sink()
		if err != nil {
			return err
		}
		show, clear := progressLine()
		count, err := transfer.Export(ctx, &admin.Mail{Caller: call, Account: c.Account}, sink, show)
		clear()
		if err == nil {
			fmt.Printf("%d exported, %d bytes\n", count.Added, count.Bytes)
		}
		return err
	})
}

func (c *exportCmd) sink() (transfer.Sink, error) {
	if c.Format == "mbox" {
		return transfer.CreateMbox(c.Directory)
	}
	return transfer.CreateMaildir(c.Directory)
}
