package account

import "context"

// Progress hears, between two steps of an operation that works in steps, how
// many of how many messages are done. It may take its time: nothing is locked,
// and what the steps so far have prepared is there for as long. An error of it
// ends the operation, which gives that error back: COPY and MOVE have then done
// nothing, StoreFlags and Expunge their steps so far.
type Progress func(done, goal uint64) error

// progressKey is the key of WithProgress.
type progressKey struct{}

// WithProgress has StoreFlags, Copy, Move, CopyTo, MoveTo, Expunge and the RENAME of INBOX tell
// p of each step. It travels in the context because steps are deep inside:
// most callers do not care.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// stepped tells whoever wants to know.
func stepped(ctx context.Context, done, goal uint64) error {
	if p, ok := ctx.Value(progressKey{}).(Progress); ok {
		return p(done, goal)
	}
	return nil
}
