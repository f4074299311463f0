package relay

import (
	"context"
	"sync"
	"time"

	"citron/store"
)

// memo is the store's memory of a copy that will not be delivered again.
type memo struct {
	account uint64
	once    store.Once
}

// memos gathers them, so that forgetting costs an account one transaction for
// many. What is lost of them in a crash, or beyond maxMemos, goes by itself
// (store.OnceFiling).
type memos struct {
	mu   sync.Mutex
	by   map[uint64][]store.Once
	n    int
	more chan struct{} // of room for one
}

const (
	// forgetAfter is how long memos gather.
	forgetAfter = 2 * time.Second
	maxMemos    = 100_000
	// forgetAtOnce is how many of one account go in one call.
	forgetAtOnce = 1000
)

func (m *memos) add(list []memo) {
	if len(list) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range list {
		if m.n < maxMemos {
			m.by[x.account] = append(m.by[x.account], x.once)
			m.n++
		}
	}
	select {
	case m.more <- struct{}{}:
	default:
	}
}

func (m *memos) take() map[uint64][]store.Once {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.by
	m.by, m.n = make(map[uint64][]store.Once), 0
	return taken
}

// forget has the store forget what is settled, until ctx is done.
func (r *Relay) forget(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.memos.more:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(forgetAfter):
		}
		r.forgetAll(ctx)
	}
}

func (r *Relay) forgetAll(ctx context.Context) {
	for account, once := range r.memos.take() {
		for len(once) > 0 && ctx.Err() == nil {
			n := min(len(once), forgetAtOnce)
			if err := r.opt.Filing.Forget(ctx, account, once[:n]...); err != nil {
				r.opt.Log.Warn("the store does not forget what was filed once", "account", account, "err", err)
			}
			once = once[n:]
		}
	}
}
