package account

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/engine/kv/line"
	"citron/mail/message"
)

// Store is all accounts of this process. All methods of Store and Account may
// be called concurrently.
type Store struct {
	engine kv.Engine
	bodies body.Store
	opt    Options

	parsers sync.Pool // *message.Parser
	buffers sync.Pool // *[]byte with the capacity of the inline limit
	scratch sync.Pool // *[]byte for what is copied by the engine before a commit returns

	mu       sync.Mutex
	accounts map[kv.Account]*Account
	idle     *list.List // accounts without handles, the least recent in front
	closed   bool
	care     care
	indexing indexing
	outboxes outboxes

	nothingPublic atomic.Bool // nothing was ever shared with anyone
	publicFeed    publicFeed
}

// Open gives a Store over an engine and a body store, which it does not close.
func Open(e kv.Engine, b body.Store, o Options) (*Store, error) {
	s := &Store{engine: e, bodies: b, opt: o.withDefaults(), accounts: make(map[kv.Account]*Account), idle: list.New()}
	s.parsers.New = func() any { return message.NewParser(s.opt.Parser) }
	s.buffers.New = func() any {
		buf := make([]byte, 0, s.opt.InlineLimit)
		return &buf
	}
	s.scratch.New = func() any { return new([]byte) }
	s.care.start(s.opt.Now())
	s.indexing.start(s.opt.Now())
	return s, nil
}

// MaxMessage is the longest message accepted, in bytes (RFC 7889).
func (s *Store) MaxMessage() int64 { return s.opt.MaxMessage }

// Close refuses new handles. The caller closes its handles and then the engine
// and the body store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Account gives a handle on an account, read from the engine if it is not in
// memory. ErrNoAccount if it was never created. The caller calls Close once.
func (s *Store) Account(ctx context.Context, id kv.Account) (*Account, error) {
	a, fresh, err := s.take(id)
	if err != nil {
		return nil, err
	}
	if fresh {
		a.loadErr = a.load(context.WithoutCancel(ctx))
		close(a.loaded)
	}
	select {
	case <-a.loaded:
	case <-ctx.Done():
		a.Close()
		return nil, ctx.Err()
	}
	if err := a.loadErr; err != nil {
		s.forget(a)
		return nil, err
	}
	return a, nil
}

// take finds or makes the account and counts the handle.
func (s *Store) take(id kv.Account) (a *Account, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, &Error{Kind: Temporary, Text: ErrTemporary.Text, Cause: kv.ErrClosed}
	}
	a = s.accounts[id]
	if a == nil {
		a = &Account{store: s, id: id, loaded: make(chan struct{})}
		a.line = line.New(s.engine, id, leader{a})
		s.accounts[id], fresh = a, true
	}
	if a.handles++; a.place != nil {
		s.idle.Remove(a.place)
		a.place = nil
	}
	return a, fresh, nil
}

// forget takes an account out of memory that is of no use any more; handles
// on it stay valid for what they can still do.
func (s *Store) forget(a *Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts[a.id] == a {
		delete(s.accounts, a.id)
	}
}

// Close gives the handle back.
func (a *Account) Close() {
	s := a.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.handles--; a.handles > 0 || s.accounts[a.id] != a {
		return
	}
	a.place = s.idle.PushBack(a)
	for s.idle.Len() > s.opt.IdleAccounts {
		old := s.idle.Remove(s.idle.Front()).(*Account)
		old.place = nil
		delete(s.accounts, old.id)
	}
}

// hold counts one more handle, for work that outlives its caller.
func (a *Account) hold() {
	a.store.mu.Lock()
	a.handles++
	a.store.mu.Unlock()
}

// maxScratch is the largest buffer that is kept for the next use.
const maxScratch = 64 << 10

// giveBack keeps a scratch buffer for the next use.
func (s *Store) giveBack(scratch *[]byte, used []byte) {
	if cap(used) <= maxScratch {
		*scratch = used[:0]
	}
	s.scratch.Put(scratch)
}
