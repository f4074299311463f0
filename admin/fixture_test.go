package admin

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"citron/admin/transfer"
	"citron/auth/directory"
	"citron/engine/body/segment"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/engine/vfs/osfs"
	"citron/ops/conn"
	"citron/ops/tlscert"
	"citron/store/account"
	"citron/store/imapserver"
)

const (
	alice    = "alice@example.org"
	password = "lemonade"
)

// mailStore makes the accounts' mail as the command citron does.
type mailStore struct{ store *account.Store }

func (m mailStore) MakeAccounts(ctx context.Context, list []directory.Account) error {
	for _, a := range list {
		if err := m.store.Create(ctx, kv.Account(a.Number), account.CreateOptions{StandardFolders: true}); err != nil {
			return err
		}
	}
	return nil
}

func (m mailStore) DropAccount(ctx context.Context, number uint64) error {
	return m.store.Delete(ctx, kv.Account(number))
}

// newSystem is a whole mail store in memory with the account alice. Systems
// begin at different times, as servers do: their UIDVALIDITYs differ.
func newSystem(t *testing.T, begun time.Time) *Service {
	t.Helper()
	disk, err := osfs.New(t.TempDir())
	check(t, err)
	bodies, err := segment.Open(disk, "bodies", segment.Options{})
	check(t, err)
	engine := memkv.New(memkv.Options{})
	store, err := account.Open(engine, bodies, account.Options{MaxMessage: 1 << 20, Now: func() time.Time { return begun }})
	check(t, err)
	t.Cleanup(func() {
		store.Close()
		bodies.Close()
	})
	users, err := directory.Open(t.Context(), directory.Options{Engine: engine, Store: mailStore{store}, Iterations: 4096})
	check(t, err)
	secret, err := users.Password(t.Context(), password)
	check(t, err)
	_, err = users.AddAccounts(t.Context(), directory.NewAccount{Name: alice, Secret: secret})
	check(t, err)
	return NewService(users, store, nil) // commands of the queue are tested in cmd/citron
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serveIMAP has the system speak IMAP on loopback, with STARTTLS or, if
// implicit, TLS from the start.
func serveIMAP(t *testing.T, s *Service, implicit bool) transfer.IMAPAddress {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	open := func(ctx context.Context, number uint64) (*account.Account, error) {
		return s.Store.Account(ctx, kv.Account(number))
	}
	imap := imapserver.New(imapserver.Config{PlaintextLogin: true}, open, s.Directory)
	dir := t.TempDir()
	pair := tlscert.Pair{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	_, err := tlscert.EnsureSelfSigned(pair, []string{"localhost"}, time.Now())
	check(t, err)
	cert, err := tlscert.Open(tlscert.Options{Pairs: []tlscert.Pair{pair}, Log: quiet})
	check(t, err)
	server := conn.NewServer(conn.Options{Log: quiet})
	ln, err := conn.Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(ln, &conn.Listener{Name: "imap", NewSession: imap.NewSession, TLS: cert.Config, Implicit: implicit})
	}()
	t.Cleanup(func() {
		server.Shutdown(context.Background())
		imap.Stop()
		<-ended
	})
	return transfer.IMAPAddress{User: alice, Host: ln.Addr().String(), Implicit: implicit}
}

// inAccount runs fn on alice's account.
func inAccount(t *testing.T, s *Service, fn func(*account.Account, account.Actor)) {
	t.Helper()
	a, actor, err := s.open(t.Context(), alice)
	check(t, err)
	defer a.Close()
	fn(a, actor)
}

// file appends messages with the flags given to a mailbox, made if need be.
func file(t *testing.T, s *Service, mailbox string, texts ...string) {
	t.Helper()
	inAccount(t, s, func(a *account.Account, actor account.Actor) {
		box, ok := a.Lookup(mailbox)
		if !ok {
			var err error
			box, err = a.CreateMailbox(t.Context(), actor, mailbox, account.CreateMailboxOptions{})
			check(t, err)
		}
		for i, text := range texts {
			in, err := a.NewMessage(t.Context())
			check(t, err)
			_, err = io.Copy(in, strings.NewReader(text))
			check(t, err)
			item := account.AppendItem{Incoming: in, InternalDate: time.Date(2020, 1, 2, 3, 4, i, 0, time.FixedZone("", 3600))}
			if i%2 == 0 {
				item.Flags, item.Keywords = account.Seen|account.Flagged, []string{"$Work"}
			}
			_, err = a.Append(t.Context(), actor, box.ID, []account.AppendItem{item})
			check(t, err)
		}
	})
}

// contents says all that a client could see of the account's mail.
func contents(t *testing.T, s *Service) (said []string) {
	t.Helper()
	src := &Mail{Caller: s, Account: alice}
	for {
		next, err := src.Next(t.Context())
		if err == io.EOF {
			return said
		}
		check(t, err)
		switch next := next.(type) {
		case *transfer.Mailbox:
			said = append(said, describeMailbox(t, s, next))
		case *transfer.Item:
			said = append(said, describeMessage(t, next))
		}
	}
}

func describeMailbox(t *testing.T, s *Service, box *transfer.Mailbox) (said string) {
	inAccount(t, s, func(a *account.Account, _ account.Actor) {
		info, _ := a.Lookup(box.Name)
		said = join(info.Name, info.UIDValidity, info.UIDNext, info.SpecialUse, info.Subscribed)
	})
	return said
}

func describeMessage(t *testing.T, item *transfer.Item) string {
	r, err := item.Open(t.Context())
	check(t, err)
	defer r.Close()
	var text bytes.Buffer
	_, err = io.Copy(&text, r)
	check(t, err)
	shown := text.String()
	if len(shown) > 40 {
		shown = join(len(shown), shown[:40])
	}
	return join(item.Mailbox, item.UID, item.Flags, item.InternalDate.Format(time.RFC3339), shown)
}
