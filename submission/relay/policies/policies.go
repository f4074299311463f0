// Package policies keeps the policies of domains (MTA-STS, RFC 8461) that
// submission/relay/route fetched, in the reserved account kv.Policies of the
// engine: one key a domain (docs/key-layout.md). How many there are is route's
// to bound, which deletes what it has no room for.
package policies

import (
	"context"
	"log/slog"

	"citron/engine/kv"
	"citron/submission/relay/route"
)

// Store implements route.Policies. Its methods may be called concurrently.
type Store struct {
	engine kv.Engine
	log    *slog.Logger
}

// New makes a Store. The log gets what cannot be read.
func New(engine kv.Engine, log *slog.Logger) *Store { return &Store{engine, log} }

// keyPolicy begins a policy's key; the domain follows.
const keyPolicy = 'p'

func policyKey(domain string) []byte { return append([]byte{keyPolicy}, domain...) }

// Load implements route.Policies. One line of the log is for all that cannot be
// read.
func (s *Store) Load(ctx context.Context, each func(route.KeptPolicy)) error {
	damaged, example, cause := 0, "", error(nil)
	err := s.walk(ctx, func(key, value []byte) error {
		k, err := read(key, value)
		if err == nil {
			each(k)
			return nil
		}
		if damaged++; damaged == 1 {
			example, cause = string(key), err
		}
		return nil
	})
	if damaged > 0 {
		s.log.Error("policies of domains (MTA-STS) cannot be read and are ignored; run citron verify", "records", damaged, "first", example, "err", cause)
	}
	return err
}

// Save implements route.Policies.
func (s *Store) Save(ctx context.Context, k route.KeptPolicy) error {
	if err := k.Check(); err != nil {
		return err
	}
	return s.engine.Update(ctx, kv.Policies, func(tx kv.Tx) error {
		tx.Set(policyKey(k.Domain), appendPolicy(nil, &k))
		return nil
	})
}

// Delete implements route.Policies.
func (s *Store) Delete(ctx context.Context, domains []string) error {
	return s.engine.Update(kv.MakingRoom(ctx), kv.Policies, func(tx kv.Tx) error {
		for _, domain := range domains {
			tx.Delete(policyKey(domain))
		}
		return nil
	})
}

// page is how many records are read at a time, of 33 KB each at most.
const page = 100

// walk goes through all keys of the account.
func (s *Store) walk(ctx context.Context, each func(key, value []byte) error) error {
	for r := (kv.Range{Limit: page}); ; {
		var p kv.Pairs
		err := s.engine.View(ctx, kv.Policies, func(rd kv.Reader) error {
			got, err := rd.Read(ctx, kv.Reads{Ranges: []kv.Range{r}})
			if err == nil {
				p = got.Ranges[0]
			}
			return err
		})
		if err != nil {
			return err
		}
		for i := range p.Len() {
			if err := each(p.Key(i), p.Value(i)); err != nil {
				return err
			}
		}
		if p.Len() < r.Limit {
			return nil
		}
		r.From = append(p.Key(p.Len()-1), 0)
	}
}
