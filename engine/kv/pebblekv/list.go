package pebblekv

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"citron/engine/kv"
)

// Accounts implements kv.Engine. Like a View it shows what is durable: an
// account in the middle of a commit is looked up as it was before.
func (e *Engine) Accounts(ctx context.Context, after kv.Account, limit int) ([]kv.Account, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if limit <= 0 || after == math.MaxUint64 {
		return nil, nil
	}
	now, committing, err := e.viewAll()
	if err != nil {
		return nil, err
	}
	defer e.viewed(0, now)
	var found []kv.Account
	for a, before := range committing {
		defer before.release()
		if a <= after {
			continue
		}
		some, err := list(ctx, before, a, 1, nil)
		if err != nil {
			return nil, err
		}
		if len(some) > 0 && some[0] == a {
			found = append(found, a)
		}
	}
	settled, err := list(ctx, now, after+1, limit, committing)
	if err != nil {
		return nil, err
	}
	found = append(found, settled...)
	slices.Sort(found)
	return found[:min(len(found), limit)], nil
}

// viewAll is view for all accounts: a snapshot, and for each account in the
// middle of a commit the snapshot to read instead. It counts as running in the
// shard of account 0.
func (e *Engine) viewAll() (*snapshot, map[kv.Account]*snapshot, error) {
	for i := range e.shards {
		e.shards[i].mu.Lock()
		defer e.shards[i].mu.Unlock()
	}
	if err := e.Stopped(); err != nil {
		return nil, nil, err
	}
	if err := e.shardOf(0).enter(); err != nil {
		return nil, nil, err
	}
	committing := make(map[kv.Account]*snapshot)
	for i := range e.shards {
		for a, acct := range e.shards[i].accounts {
			if acct.before != nil {
				acct.before.users.Add(1)
				committing[a] = acct.before
			}
		}
	}
	s := &snapshot{Snapshot: e.db.NewSnapshot()}
	s.users.Store(1)
	return s, committing, nil
}

// list gives up to limit accounts from one on that hold any key, without those
// in except.
func list(
	ctx context.Context, s *snapshot, from kv.Account, limit int, except map[kv.Account]*snapshot,
) (found []kv.Account, err error) {
	iter, err := s.NewIter(&pebble.IterOptions{KeyTypes: pebble.IterKeyTypePointsOnly})
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	defer iter.Close()
	valid := iter.SeekGE(appendFrom(nil, from, nil))
	for valid && len(found) < limit && ctx.Err() == nil {
		key := iter.Key()
		a := accountOf(key)
		if len(key) == accountLen { // a head: is there anything behind it?
			valid = iter.SeekGE(appendFrom(nil, a, nil))
			continue
		}
		if except[a] == nil {
			found = append(found, a)
		}
		if a == math.MaxUint64 {
			break
		}
		valid = iter.SeekGE(appendFrom(nil, a+1, nil))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := iter.Error(); err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return found, nil
}
