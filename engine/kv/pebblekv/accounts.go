package pebblekv

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"citron/engine/kv"
)

// shards spreads the accounts over locks that are held for moments only.
const shards = 64

// shard is the part of the engine's memory that concerns some accounts.
type shard struct {
	mu      sync.Mutex
	closed  bool
	running int       // Views and Updates
	idle    sync.Cond // running fell to zero, for Close
	// accounts holds those with an Update running or waiting, and no others.
	accounts map[kv.Account]*account
	free     []*account // for reuse
}

// account is the state of an account that is being updated.
type account struct {
	users int           // Updates running or waiting; guarded by shard.mu
	turn  chan struct{} // holds one token while an Update runs
	// before is what Views read while a commit may be visible in Pebble and
	// is not yet durable; nil at other times. Guarded by shard.mu.
	before *snapshot
}

// snapshot is a Pebble snapshot shared by some Views and a commit.
type snapshot struct {
	*pebble.Snapshot
	users atomic.Int32
}

// release closes the snapshot after its last user.
func (s *snapshot) release() {
	if s.users.Add(-1) == 0 {
		s.Snapshot.Close()
	}
}

func (e *Engine) shardOf(a kv.Account) *shard {
	// Accounts are numbered one after the other: the low bits spread them.
	return &e.shards[uint64(a)%shards]
}

// enter registers a running transaction; leave unregisters it.
func (sh *shard) enter() error {
	if sh.closed {
		return kv.ErrClosed
	}
	sh.running++
	return nil
}

func (sh *shard) leave() {
	if sh.running--; sh.running == 0 && sh.closed {
		sh.idle.Broadcast()
	}
}

// view gives a snapshot of everything that is durable of the account and
// nothing that is not. Taking it under the shard's lock is what makes that so:
// a commit sets before under the same lock, and only then goes to Pebble.
func (e *Engine) view(a kv.Account) (*snapshot, error) {
	sh := e.shardOf(a)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if err := e.Stopped(); err != nil {
		return nil, err
	}
	if err := sh.enter(); err != nil {
		return nil, err
	}
	if acct := sh.accounts[a]; acct != nil && acct.before != nil {
		acct.before.users.Add(1)
		return acct.before, nil
	}
	s := &snapshot{Snapshot: e.db.NewSnapshot()}
	s.users.Store(1)
	return s, nil
}

// viewed ends what view began.
func (e *Engine) viewed(a kv.Account, s *snapshot) {
	s.release()
	sh := e.shardOf(a)
	sh.mu.Lock()
	sh.leave()
	sh.mu.Unlock()
}

// acquire waits for the account's turn.
func (e *Engine) acquire(ctx context.Context, a kv.Account) (*account, error) {
	sh := e.shardOf(a)
	sh.mu.Lock()
	if err := sh.enter(); err != nil {
		sh.mu.Unlock()
		return nil, err
	}
	acct := sh.accounts[a]
	if acct == nil {
		acct = sh.newAccount()
		sh.accounts[a] = acct
	}
	acct.users++
	sh.mu.Unlock()

	select {
	case acct.turn <- struct{}{}:
		return acct, nil
	case <-ctx.Done():
		e.abandon(a, acct)
		return nil, ctx.Err()
	}
}

func (sh *shard) newAccount() *account {
	if n := len(sh.free); n > 0 {
		acct := sh.free[n-1]
		sh.free = sh.free[:n-1]
		return acct
	}
	return &account{turn: make(chan struct{}, 1)}
}

// release gives the turn to the next.
func (e *Engine) release(a kv.Account, acct *account) {
	<-acct.turn
	e.abandon(a, acct)
}

// abandon forgets one user of the account, and the account after the last.
func (e *Engine) abandon(a kv.Account, acct *account) {
	sh := e.shardOf(a)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if acct.users--; acct.users == 0 {
		delete(sh.accounts, a)
		sh.free = append(sh.free, acct)
	}
	sh.leave()
}

// hide makes Views of the account read what it was before the commit that
// follows. Only the holder of the turn calls it: Pebble's present is exactly
// what is durable of this account.
func (e *Engine) hide(a kv.Account, acct *account) {
	before := &snapshot{Snapshot: e.db.NewSnapshot()}
	before.users.Store(1)
	e.anchor.offer(before)
	sh := e.shardOf(a)
	sh.mu.Lock()
	acct.before = before
	sh.mu.Unlock()
}

// show ends hide: the commit is durable.
func (e *Engine) show(a kv.Account, acct *account) {
	sh := e.shardOf(a)
	sh.mu.Lock()
	before := acct.before
	acct.before = nil
	sh.mu.Unlock()
	before.release()
}
