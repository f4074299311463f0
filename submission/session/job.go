package session

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"citron/ops/conn"
)

// job is work that runs in a goroutine beside the session, because it may take
// long. While it runs it alone has the transaction, and the session reads
// nothing.
type job struct {
	cancel context.CancelFunc
	then   func(*conn.Turn)

	mu          sync.Mutex
	ended, left bool
}

// beside starts work; when it has ended, then answers in a Step of the session.
// If the session is closed meanwhile, the message is forgotten.
func (s *session) beside(work func(context.Context) (id string, err error), then func(t *conn.Turn, id string, err error)) {
	ctx, cancel := context.WithTimeout(s.service.ctx, s.service.FetchTimeout)
	var id string
	var err error
	j := &job{cancel: cancel}
	j.then = func(t *conn.Turn) { then(t, id, err) }
	s.job = j
	x := s.trans
	go func() {
		defer cancel()
		id, err = s.service.guarded(ctx, work)
		if j.end() {
			x.abort()
			return
		}
		s.conn.Wake()
	}()
}

// guarded keeps a defect from costing others their sessions.
func (s *Service) guarded(ctx context.Context, work func(context.Context) (string, error)) (id string, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.Error("submission ended by a defect", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return work(ctx)
}

// end notes that the work has ended; left: nobody waits for it any more.
func (j *job) end() (left bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = true
	return j.left
}

// leave gives the work up. What it leaves of the message it throws away itself,
// unless it has ended: then it is done here.
func (j *job) leave() (ended bool) {
	j.cancel()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.left = true
	return j.ended
}

// collect takes over what a job has done; false while it runs.
func (s *session) collect(t *conn.Turn) bool {
	j := s.job
	j.mu.Lock()
	ended := j.ended
	j.mu.Unlock()
	if !ended {
		return false
	}
	s.job = nil
	s.heard = s.now // it was we who took so long
	j.then(t)
	return true
}
