package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"citron/auth"
	"citron/auth/directory"
	"citron/engine/body/segment"
	"citron/engine/kv"
	"citron/engine/kv/pebblekv"
	"citron/ops/config"
	"citron/store/account"
	"citron/submission/queue"
)

// node is everything durable of one process, open.
type node struct {
	dir       *dataDir
	engine    *pebblekv.Engine
	bodies    *segment.Store
	accounts  *account.Store
	directory *directory.Directory

	queue       *queue.Queue
	queueBodies *segment.Store
}

// revocation is told of a credential that lets nobody in any more; see
// directory.Options.
type revocation func(account uint64, credential auth.CredentialID)

// traceRoom is what delivery may put in front of a message of the largest size
// accepted: Return-Path, Delivered-To, Received.
const traceRoom = 64 << 10

// openNode opens the data directory and all that lives in it. An error of
// errInUse means that a server has it. revoked may be nil where there are no
// sessions.
func openNode(ctx context.Context, c *config.Config, revoked revocation, log *slog.Logger) (*node, error) {
	n := &node{}
	err := n.open(ctx, c, revoked, log)
	if err == nil {
		err = n.openQueue(ctx, c, log)
	}
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// openUnqueued opens a node for who looks at the queue's keys itself, sound or
// not.
func openUnqueued(ctx context.Context, c *config.Config, log *slog.Logger) (*node, error) {
	n := &node{}
	if err := n.open(ctx, c, nil, log); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// open opens one after the other; what is open after an error Close closes.
// Engine and bodies keep their default Options.Fatal: storage that failed ends
// the process, and its supervisor starts it anew (docs/operations.md).
func (n *node) open(ctx context.Context, c *config.Config, revoked revocation, log *slog.Logger) (err error) {
	if c.Hostname == "" {
		if c.Hostname, err = os.Hostname(); err != nil {
			return err
		}
	}
	if n.dir, err = openDataDir(c.Data); err != nil {
		return err
	}
	if n.engine, err = pebblekv.Open(n.dir.fs, "kv", pebblekv.Options{
		Cache: int64(c.Store.Cache), FreeFloor: uint64(c.Store.FreeFloor), LowFloor: uint64(c.Store.DeleteFloor), Log: log,
	}); err != nil {
		return fmt.Errorf("key-value engine: %w", err)
	}
	if n.bodies, err = segment.Open(n.dir.fs, "bodies", segment.Options{
		BufferSize: int(c.Store.BodyBuffer), FreeFloor: uint64(c.Store.FreeFloor), LowFloor: uint64(c.Store.DeleteFloor),
	}); err != nil {
		return fmt.Errorf("message bodies: %w", err)
	}
	if n.accounts, err = account.Open(n.engine, n.bodies, account.Options{
		InlineLimit: int(c.Store.InlineLimit), MaxMessage: max(c.IMAP.AppendLimit, c.Submission.MaxMessage) + traceRoom,
		MaxMailboxes: c.Limits.Mailboxes, ExpungeGrace: time.Duration(c.Store.ExpungedGrace),
		LogAge: time.Duration(c.Store.LogKeep), Log: log,
		MaxMetadataValue: int(c.Limits.MetadataValue), MaxMetadataEntries: c.Limits.MetadataEntries, MaxMetadataBytes: int(c.Limits.MetadataSize),
	}); err != nil {
		return fmt.Errorf("message store: %w", err)
	}
	o := directory.Options{Engine: n.engine, Store: mailMaker{n.accounts}, Iterations: c.Auth.ScramIterations, Revoked: revoked}
	if !c.LMTP.Subaddress {
		o.Separator = directory.NoSeparator
	}
	if n.directory, err = directory.Open(ctx, o); err != nil {
		return fmt.Errorf("directory of accounts: %w", err)
	}
	if n.queueBodies, err = segment.Open(n.dir.fs, "queue", segment.Options{
		BufferSize: int(c.Store.BodyBuffer), FreeFloor: uint64(c.Store.FreeFloor), LowFloor: uint64(c.Store.DeleteFloor),
	}); err != nil {
		return fmt.Errorf("queued messages: %w", err)
	}
	return nil
}

// Close closes what was opened, in the opposite order.
func (n *node) Close() error {
	var errs []error
	if n.queue != nil {
		errs = append(errs, n.queue.Close())
	}
	if n.queueBodies != nil {
		errs = append(errs, n.queueBodies.Close())
	}
	if n.accounts != nil {
		errs = append(errs, n.accounts.Close())
	}
	if n.bodies != nil {
		errs = append(errs, n.bodies.Close())
	}
	if n.engine != nil {
		errs = append(errs, n.engine.Close())
	}
	if n.dir != nil {
		errs = append(errs, n.dir.Close())
	}
	return errors.Join(errs...)
}

// openAccount opens an account for a session.
func (n *node) openAccount(ctx context.Context, number uint64) (*account.Account, error) {
	return n.accounts.Account(ctx, kv.Account(number))
}

// mailMaker makes and drops the mail of accounts for the directory.
type mailMaker struct{ store *account.Store }

// makingAtOnce bounds the accounts made at one time: they share the engine's
// syncs.
const makingAtOnce = 64

// MakeAccounts implements directory.Store.
func (m mailMaker) MakeAccounts(ctx context.Context, accounts []directory.Account) error {
	var wg sync.WaitGroup
	turn := make(chan struct{}, makingAtOnce)
	errs := make([]error, len(accounts))
	for i := range accounts {
		turn <- struct{}{}
		wg.Go(func() {
			errs[i] = m.make(ctx, &accounts[i])
			<-turn
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// make makes the account's mail, or gives the one that is there its quota.
func (m mailMaker) make(ctx context.Context, a *directory.Account) error {
	id := kv.Account(a.Number)
	if err := m.store.Create(ctx, id, account.CreateOptions{Quota: a.Quota, StandardFolders: true}); err != nil {
		return err
	}
	mail, err := m.store.Account(ctx, id)
	if err != nil {
		return err
	}
	defer mail.Close()
	if mail.Quota().Limit == a.Quota {
		return nil
	}
	return mail.SetQuota(ctx, a.Quota)
}

// DropAccount implements directory.Store.
func (m mailMaker) DropAccount(ctx context.Context, number uint64) error {
	err := m.store.Delete(ctx, kv.Account(number))
	if errors.Is(err, account.ErrNoAccount) {
		return nil // done before
	}
	return err
}
