package account

import (
	"context"
	"runtime"
	"time"
)

// The worker takes all of a processor's time when nobody else wants the engine,
// and an eighth when somebody does, so that mail comes in and is read as fast
// as without it. It looks after each slice of work.
const (
	workSlice = 4 * time.Millisecond
	restShare = 7                      // times the work, of rest
	maxWork   = 100 * time.Millisecond // counted at once: a commit may take long
)

// Index keeps the search index of all accounts up with their mail until ctx
// ends.
func (s *Store) Index(ctx context.Context) {
	s.indexing.step.Lock()
	s.indexing.pace = s.newPace()
	s.indexing.step.Unlock()
	for ctx.Err() == nil {
		now := s.opt.Now()
		next, err := s.IndexStep(ctx, now)
		if err != nil && ctx.Err() == nil {
			s.opt.Log.Error("indexing failed; it will be tried again", "error", err)
		}
		if next.IsZero() {
			next = now.Add(time.Hour)
		}
		if pause := next.Sub(s.opt.Now()); pause > 0 {
			s.indexing.rest(ctx, pause)
		}
	}
}

// rest waits for the time to pass or for new work.
func (x *indexing) rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-x.wake:
	}
}

// newPace gives what the worker calls between two small pieces of work.
func (s *Store) newPace() func(context.Context) error {
	x := &s.indexing
	began, seen, own := time.Now(), s.engine.Stats(), x.calls
	return func(ctx context.Context) error {
		worked := time.Since(began)
		if worked < workSlice {
			return ctx.Err()
		}
		now := s.engine.Stats()
		calls := now.Views + now.Updates - seen.Views - seen.Updates
		if calls > x.calls-own {
			timer := time.NewTimer(restShare * min(worked, maxWork))
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
			timer.Stop()
		} else {
			runtime.Gosched()
		}
		began, seen, own = time.Now(), now, x.calls
		return ctx.Err()
	}
}
