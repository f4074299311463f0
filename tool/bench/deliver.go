package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// DeliverCmd measures delivery by LMTP: each connection sends one message
// after the other to an account of its own, and a message counts when its 250
// has come.
type DeliverCmd struct {
	Common   `embed:""`
	Messages int           `help:"Messages per run." default:"2000"`
	Rest     time.Duration `help:"Time after the last run whose writes still count." default:"0s"`
}

// Run is called by kong.
func (cmd *DeliverCmd) Run(ctx context.Context) error {
	all, err := cmd.targets()
	if err != nil {
		return err
	}
	base, err := cmd.base(all)
	if err != nil {
		return err
	}
	pool, err := newPool(cmd.Size, cmd.Seed)
	if err != nil {
		return err
	}
	ledger, err := openLedger(all)
	if err != nil {
		return err
	}
	w := workload{
		title: fmt.Sprintf("LMTP delivery of %d messages (%s), %d connections, %d accounts", cmd.Messages, cmd.Size, cmd.Conns, cmd.accounts()),
		unit:  "msg",
		setup: func(ctx context.Context, t *target) (any, error) { return cmd.connect(ctx, t) },
		run: func(ctx context.Context, t *target, state any) (work, error) {
			done, err := cmd.deliver(ctx, state.([]*lmtpConn), pool)
			ledger.add(t, done.bytes)
			return done, err
		},
		teardown: func(state any) {
			for _, c := range state.([]*lmtpConn) {
				c.quit()
			}
		},
	}
	r, err := measure(ctx, &cmd.Common, all, w)
	if err != nil {
		return err
	}
	if err := r.print(cmd.output(), all, base); err != nil {
		return err
	}
	return ledger.close(ctx, cmd.output(), cmd.Rest)
}

func (cmd *DeliverCmd) connect(ctx context.Context, t *target) ([]*lmtpConn, error) {
	conns := make([]*lmtpConn, cmd.Conns)
	err := each(ctx, cmd.Conns, func(ctx context.Context, i int) (err error) {
		conns[i], err = dialLMTP(ctx, t)
		return err
	})
	if err != nil {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
		return nil, err
	}
	return conns, nil
}

func (cmd *DeliverCmd) deliver(ctx context.Context, conns []*lmtpConn, messages *pool) (work, error) {
	var next atomic.Int64
	parts := make([]work, len(conns))
	err := each(ctx, len(conns), func(ctx context.Context, i int) error {
		var buf []byte
		recipient := cmd.user(i)
		part := &parts[i]
		for ctx.Err() == nil {
			if next.Add(1) > int64(cmd.Messages) {
				return nil
			}
			buf = messages.next(buf)
			start := time.Now()
			if err := conns[i].deliver(recipient, buf); err != nil {
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

// total adds up the parts of one run.
func total(parts []work) (sum work) {
	for _, p := range parts {
		sum.ops += p.ops
		sum.bytes += p.bytes
		sum.latency = append(sum.latency, p.latency...)
	}
	return sum
}
