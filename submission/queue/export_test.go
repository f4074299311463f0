package queue

import (
	"context"

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
