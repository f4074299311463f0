package bench

import (
	"context"
	"fmt"
	"time"
)

// SyncCmd measures a phone that comes back: it connects, logs in and learns
// what has changed in one mailbox since it left: flags, new messages with what
// a list shows of them, and expunges. Where the server has QRESYNC that is one
// SELECT; elsewhere the flags of all messages are fetched, as such clients do.
type SyncCmd struct {
	Common   `embed:""`
	Messages int `help:"Messages in the mailbox, which is filled if it holds fewer." default:"2000"`
	Changes  int `help:"Flag changes, and a quarter as many new messages, since the phone left." default:"100"`
	Repeat   int `help:"Returns per run." default:"10"`
}

// Run is called by kong.
func (cmd *SyncCmd) Run(ctx context.Context) error {
	cmd.Conns, cmd.Accounts = 1, 1
	if err := cmd.fillAll(ctx, cmd.Messages); err != nil {
		return err
	}
	messages, err := newPool(cmd.Size, cmd.Seed+1)
	if err != nil {
		return err
	}
	return cmd.compare(ctx, workload{
		title:     fmt.Sprintf("Return of a phone, TLS %s, %d changes behind, %s; MB/s is what it receives", cmd.TLS, cmd.Changes, heat(cmd.Cold)),
		unit:      "return",
		byLatency: true,
		setup:     func(ctx context.Context, t *target) (any, error) { return cmd.depart(ctx, t, messages) },
		run: func(ctx context.Context, t *target, state any) (w work, err error) {
			for range cmd.Repeat {
				start := time.Now()
				bytes, err := cmd.comeBack(ctx, t, state.(point))
				if err != nil {
					return w, err
				}
				w.latency = append(w.latency, time.Since(start))
				w.bytes += bytes
				w.ops++
			}
			return w, nil
		},
	})
}

// depart notes where the mailbox stands and then makes the changes.
func (cmd *SyncCmd) depart(ctx context.Context, t *target, messages *pool) (point, error) {
	conn, err := dialIMAP(ctx, t, cmd.TLS, cmd.user(0), cmd.Password)
	if err != nil {
		return point{}, err
	}
	defer conn.logout()
	p, err := conn.depart(cmd.Mailbox, cmd.Changes)
	if err != nil {
		return p, err
	}
	arrivals := make([][]byte, max(1, cmd.Changes/4))
	for i := range arrivals {
		arrivals[i] = messages.next(nil)
	}
	if err := conn.appendMessages(cmd.Mailbox, "", arrivals...); err != nil {
		return p, err
	}
	if err := conn.do(`STORE 1:%d +FLAGS.SILENT (\Deleted)`, len(arrivals)); err != nil {
		return p, err
	}
	return p, conn.do("EXPUNGE")
}

// comeBack is the phone's session; it gives the bytes received.
func (cmd *SyncCmd) comeBack(ctx context.Context, t *target, p point) (int64, error) {
	conn, err := dialIMAP(ctx, t, cmd.TLS, cmd.user(0), cmd.Password)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if conn.can("QRESYNC") && p.modseq > 0 {
		if err = conn.do("ENABLE QRESYNC"); err == nil {
			err = conn.do("SELECT %s (QRESYNC (%d %d))", quote(cmd.Mailbox), p.validity, p.modseq)
		}
	} else if err = conn.do("SELECT %s", quote(cmd.Mailbox)); err == nil {
		err = conn.do("UID FETCH 1:* (FLAGS)")
	}
	if err != nil {
		return 0, err
	}
	err = conn.do("UID FETCH %d:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)", p.next)
	if err == nil {
		err = conn.do("LOGOUT")
	}
	return conn.received, err
}
