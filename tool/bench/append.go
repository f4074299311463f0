package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// AppendCmd measures APPEND: each connection appends one message after the
// other to the mailbox of an account of its own.
type AppendCmd struct {
	Common   `embed:""`
	Messages int           `help:"Messages per run." default:"2000"`
	Rest     time.Duration `help:"Time after the last run whose writes still count." default:"0s"`
}

// Run is called by kong.
func (cmd *AppendCmd) Run(ctx context.Context) error {
	messages, err := newPool(cmd.Size, cmd.Seed)
	if err != nil {
		return err
	}
	return cmd.measureWrites(ctx, cmd.Rest, func(add func(*target, int64)) workload {
		return workload{
			title: fmt.Sprintf("APPEND of %d messages (%s), %d connections, %d accounts", cmd.Messages, cmd.Size, cmd.Conns, cmd.accounts()),
			unit:  "msg",
			setup: func(ctx context.Context, t *target) (any, error) { return cmd.connectIMAP(ctx, t, cmd.Conns) },
			run: func(ctx context.Context, t *target, state any) (work, error) {
				done, err := cmd.append(ctx, state.(sessions), messages)
				add(t, done.bytes)
				return done, err
			},
			teardown: endSessions,
		}
	})
}

func (cmd *AppendCmd) append(ctx context.Context, conns sessions, messages *pool) (work, error) {
	return shareOut(ctx, len(conns), cmd.Messages, func(i int, buf []byte) ([]byte, error) {
		buf = messages.next(buf)
		return buf, conns[i].appendMessages(cmd.Mailbox, "", buf)
	})
}

// shareOut has n workers do count operations between them. Each operation
// handles one message, in a buffer that it gets back the next time.
func shareOut(ctx context.Context, n, count int, op func(worker int, buf []byte) ([]byte, error)) (work, error) {
	var next atomic.Int64
	parts := make([]work, n)
	err := each(ctx, n, func(ctx context.Context, i int) error {
		var buf []byte
		part := &parts[i]
		for ctx.Err() == nil && next.Add(1) <= int64(count) {
			start := time.Now()
			var err error
			if buf, err = op(i, buf); err != nil {
				return err
			}
			part.latency = append(part.latency, time.Since(start))
			part.ops++
			part.bytes += int64(len(buf))
		}
		return nil
	})
	return total(parts), err
}

// sessions are logged-in connections.
type sessions []*imapConn

// connectIMAP logs n connections in, one account after the other.
func (c *Common) connectIMAP(ctx context.Context, t *target, n int) (sessions, error) {
	conns := make(sessions, n)
	err := each(ctx, n, func(ctx context.Context, i int) (err error) {
		conns[i], err = dialIMAP(ctx, t, c.TLS, c.user(i), c.Password)
		return err
	})
	if err != nil {
		conns.close()
		return nil, err
	}
	return conns, nil
}

func (s sessions) close() {
	for _, c := range s {
		if c != nil {
			c.Close()
		}
	}
}

// endSessions is the teardown of workloads whose state is sessions.
func endSessions(state any) {
	for _, c := range state.(sessions) {
		c.logout()
	}
}
