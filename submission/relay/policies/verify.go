package policies

import (
	"context"
	"fmt"

	"citron/engine/kv"
)

// Finding is one thing that is not as docs/key-layout.md says.
type Finding struct {
	Text string // a sentence
}

// Verify reads all policies and reports those that cannot be read. The error is
// of reading.
func Verify(ctx context.Context, engine kv.Engine, report func(Finding)) error {
	_, err := inspect(ctx, engine, report)
	return err
}

// Repair deletes what Verify reports: nothing else says what it was, and the
// next mail to the domain has its policy fetched.
func Repair(ctx context.Context, engine kv.Engine, report func(Finding)) error {
	bad, err := inspect(ctx, engine, report)
	if err != nil || len(bad) == 0 {
		return err
	}
	return engine.Update(kv.MakingRoom(ctx), kv.Policies, func(tx kv.Tx) error {
		for _, key := range bad {
			tx.Delete(key)
		}
		return nil
	})
}

func inspect(ctx context.Context, engine kv.Engine, report func(Finding)) (bad [][]byte, err error) {
	s := &Store{engine: engine}
	err = s.walk(ctx, func(key, value []byte) error {
		if _, err := read(key, value); err != nil {
			bad = append(bad, key)
			report(Finding{fmt.Sprintf("The policy %q cannot be read: %v.", key, err)})
		}
		return nil
	})
	return bad, err
}
