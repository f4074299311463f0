package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"citron/admin"
	"citron/admin/transfer"
	"citron/auth"
	"citron/auth/directory"
	"citron/ops/config"
)

// demoPassword is that of every account of the demo.
const demoPassword = "lemonade"

// demoMail is what alice and bob find: a directory per account, and in it one
// per mailbox.
//
//go:embed demomail
var demoMail embed.FS

// demoCmd is `citron demo`: everything on loopback and unprivileged ports.
type demoCmd struct {
	Data         string `help:"Where the demo keeps its state." default:"./citron-demo" type:"path"`
	ListenOffset int    `help:"Added to every port." default:"0"`
	Accounts     int    `help:"Also add accounts u1@example.org … of this number." default:"0"`
}

// Run serves until the context ends.
func (c *demoCmd) Run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	cfg := c.config()
	srv, err := newServer(ctx, cfg, log)
	if err != nil {
		return err
	}
	if err := c.seed(ctx, srv.node); err != nil {
		return errors.Join(fmt.Errorf("demo: %w", err), srv.close())
	}
	return srv.run(ctx, func() {
		fmt.Fprintf(os.Stderr, "IMAP %s (STARTTLS), %s (TLS), submission %s (STARTTLS), LMTP %s; alice@example.org and bob@example.org, password %q; mail for other domains stays in the queue\n",
			cfg.IMAP.Listen[0], cfg.IMAP.ListenTLS[0], cfg.Submission.Listen[0], cfg.LMTP.Listen[0], demoPassword)
		fmt.Println("ready")
	})
}

func (c *demoCmd) config() *config.Config {
	cfg := config.Default()
	at := func(port int) []string {
		return []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(port+c.ListenOffset))}
	}
	cfg.Hostname, cfg.Data = "localhost", c.Data
	cfg.IMAP.Listen, cfg.IMAP.ListenTLS, cfg.LMTP.Listen = at(1143), at(1993), at(1024)
	cfg.IMAP.PlaintextLogin, cfg.IMAP.ShareWithAll = true, true
	out := &cfg.Submission
	out.Hosts = []string{"localhost", "127.0.0.1", "[::1]", "example.org", "mail.example.org"}
	out.Listen, out.PlaintextLogin, cfg.Relay.Hold = at(1587), true, true
	// Who tries the demo out measures it, too.
	out.HourlyMessages, out.DailyMessages, out.HourlyRcpts, out.DailyRcpts = 0, 0, 0, 0
	return cfg
}

// seed makes the accounts that are missing, and the mail of a first start.
func (c *demoCmd) seed(ctx context.Context, n *node) error {
	secret, err := n.directory.Password(ctx, demoPassword)
	if err != nil {
		return err
	}
	names := []string{"alice@example.org", "bob@example.org"}
	for i := range c.Accounts {
		names = append(names, fmt.Sprintf("u%d@example.org", i+1))
	}
	list := make([]directory.NewAccount, len(names))
	for i, name := range names {
		list[i] = directory.NewAccount{Name: name, Secret: secret}
	}
	if _, err := n.directory.EnsureAccounts(ctx, list...); err != nil {
		return err
	}
	if err := n.directory.AddAlias(ctx, "postmaster@example.org", names[0]); err != nil && !errors.Is(err, auth.Exists) {
		return err
	}
	service := admin.NewService(n.directory, n.accounts, n.queue)
	for _, name := range names[:2] {
		user, _, _ := strings.Cut(name, "@")
		src, err := demoSource(user)
		if err != nil {
			return err
		}
		// An import remembers what it brought: mail is seeded once.
		if _, err := transfer.Import(ctx, src, &admin.Mail{Caller: service, Account: name}, nil); err != nil {
			return err
		}
	}
	return nil
}

// demoSource offers the embedded messages of one account.
func demoSource(account string) (transfer.Source, error) {
	src := &transfer.Fixed{SourceName: "demo"}
	root := path.Join("demomail", account)
	err := fs.WalkDir(demoMail, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		if d.IsDir() {
			src.List = append(src.List, &transfer.Mailbox{Name: d.Name(), Subscribed: true})
			return nil
		}
		text, err := demoMail.ReadFile(name)
		date := time.Date(2026, 11, 1, 9, len(src.List), 0, 0, time.UTC)
		src.List = append(src.List, transfer.NewItem(path.Base(path.Dir(name)), name, text, date))
		return err
	})
	return src, err
}
