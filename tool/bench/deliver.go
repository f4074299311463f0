package bench

import (
	"context"
	"fmt"
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
	messages, err := newPool(cmd.Size, cmd.Seed)
	if err != nil {
		return err
	}
	return cmd.measureWrites(ctx, cmd.Rest, func(add func(*target, int64)) workload {
		return workload{
			title: fmt.Sprintf("LMTP delivery of %d messages (%s), %d connections, %d accounts", cmd.Messages, cmd.Size, cmd.Conns, cmd.accounts()),
			unit:  "msg",
			setup: func(ctx context.Context, t *target) (any, error) {
				return connectMail(ctx, cmd.Conns, func(ctx context.Context, _ int) (*mailConn, error) { return dialLMTP(ctx, t) })
			},
			run: func(ctx context.Context, t *target, state any) (work, error) {
				done, err := cmd.deliver(ctx, state.([]*mailConn), messages)
				add(t, done.bytes)
				return done, err
			},
			teardown: quitAll,
		}
	})
}

// connectMail makes n connections.
func connectMail(ctx context.Context, n int, dial func(context.Context, int) (*mailConn, error)) ([]*mailConn, error) {
	conns := make([]*mailConn, n)
	err := each(ctx, n, func(ctx context.Context, i int) (err error) {
		conns[i], err = dial(ctx, i)
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

// quitAll is the teardown of workloads whose state is connections for mail.
func quitAll(state any) {
	for _, c := range state.([]*mailConn) {
		c.quit()
	}
}

// outsider is who sends what is delivered.
const outsider = "sender@example.net"

func (cmd *DeliverCmd) deliver(ctx context.Context, conns []*mailConn, messages *pool) (work, error) {
	return shareOut(ctx, len(conns), cmd.Messages, func(i int, buf []byte) ([]byte, error) {
		buf = messages.next(buf)
		return buf, conns[i].deliver(outsider, cmd.user(i), buf)
	})
}
