package line

import (
	"context"
	"errors"
	"fmt"

	"citron/engine/kv"
)

// Batch is the requests of one transaction.
type Batch[F any] []*Request[F]

// ErrNothing is what Owner.Update returns when nothing was written and so
// nothing committed: the requests' errors, and none, are as they are.
var ErrNothing = errors.New("nothing was written")

// Read brings what all requests have declared, in one round trip.
func (b Batch[F]) Read(ctx context.Context, r kv.Reader) error {
	var want kv.Reads
	for _, r := range b {
		want.Gets = append(want.Gets, r.Gets...)
	}
	if len(want.Gets) == 0 {
		return nil
	}
	got, err := r.Read(ctx, want)
	if err != nil {
		return err
	}
	at := 0
	for _, r := range b {
		r.Got = got.Values[at : at+len(r.Gets)]
		at += len(r.Gets)
	}
	return nil
}

// Run has each request run whose context is not over, and sets its Err. A
// request that fails is refused alone, unless it has written: then the error is
// that of the transaction.
func (b Batch[F]) Run(run func(r *Request[F]) (wrote bool, err error)) error {
	for _, r := range b {
		if r.Err = r.Ctx.Err(); r.Err != nil {
			continue
		}
		var wrote bool
		if wrote, r.Err = run(r); wrote && r.Err != nil {
			return fmt.Errorf("an operation failed after it had written: %w", r.Err)
		}
	}
	return nil
}

// fail gives an error to all requests that have none yet.
func (b Batch[F]) fail(err error) {
	for _, r := range b {
		if r.Err == nil {
			r.Err = err
		}
	}
}
