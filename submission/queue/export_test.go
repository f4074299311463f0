package queue

import (
	"context"
	"runtime"

	"citron/submission"
)

// Take is Next that does not wait: nil if no job is due.
func (q *Queue) Take(ctx context.Context) (submission.Job, error) {
	j, err := q.take(ctx, false)
	if j == nil {
		return nil, err
	}
	return j, nil
}

// AwaitWriters waits until so many writers stand in the line.
func (q *Queue) AwaitWriters(n int) {
	for {
		q.line.mu.Lock()
		waiting := len(q.line.waiting)
		q.line.mu.Unlock()
		if waiting >= n {
			return
		}
		runtime.Gosched()
	}
}
