package bench

import (
	"context"
	"fmt"
)

// FillCmd fills mailboxes: accounts × messages.
type FillCmd struct {
	Common      `embed:""`
	Messages    int  `help:"Messages that the mailbox of each account shall hold." default:"2000"`
	ExpungeHalf bool `help:"Then expunge every second message."`
}

// Run is called by kong.
func (cmd *FillCmd) Run(ctx context.Context) error {
	all, _, err := cmd.targets()
	if err != nil {
		return err
	}
	messages, err := newPool(cmd.Size, cmd.Seed)
	if err != nil {
		return err
	}
	for _, t := range all {
		workers := min(cmd.Conns, cmd.accounts())
		err := each(ctx, workers, func(ctx context.Context, w int) error {
			for i := w; i < cmd.accounts() && ctx.Err() == nil; i += workers {
				if err := cmd.fill(ctx, t, i, cmd.Messages, messages); err != nil {
					return err
				}
				if cmd.ExpungeHalf {
					if err := cmd.expungeHalf(ctx, t, i); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(cmd.output(), "%s: %d messages in %s of %d accounts\n", t.name, cmd.Messages, cmd.Mailbox, cmd.accounts()); err != nil {
			return err
		}
	}
	return nil
}

// fillBatch messages, or as few as have this many bytes, go in one APPEND.
const (
	fillBatch = 100
	fillBytes = 4 << 20
)

// fill appends until the mailbox of account i holds n messages.
func (c *Common) fill(ctx context.Context, t *target, i, n int, messages *pool) error {
	conn, err := dialIMAP(ctx, t, c.TLS, c.user(i), c.Password)
	if err != nil {
		return err
	}
	defer conn.logout()
	if c.Mailbox != "INBOX" {
		_ = conn.do("CREATE %s", quote(c.Mailbox)) // it may be there already
	}
	held, err := conn.status(c.Mailbox, "MESSAGES")
	if err != nil {
		return err
	}
	for missing := n - int(held); missing > 0; {
		var batch [][]byte
		for size := 0; len(batch) < min(missing, fillBatch) && size < fillBytes; {
			text := messages.next(nil)
			batch = append(batch, text)
			size += len(text)
		}
		if err := conn.appendMessages(c.Mailbox, "", batch...); err != nil {
			return err
		}
		missing -= len(batch)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// expungeHalf leaves a mailbox with a gap after each UID.
func (c *Common) expungeHalf(ctx context.Context, t *target, i int) error {
	conn, err := dialIMAP(ctx, t, c.TLS, c.user(i), c.Password)
	if err != nil {
		return err
	}
	defer conn.logout()
	exists := uint64(0)
	err = conn.each(func(line []byte) {
		if n, ok := untagged(line, "EXISTS"); ok {
			exists = n
		}
	}, "SELECT %s", quote(c.Mailbox))
	if err != nil {
		return err
	}
	set := make([]byte, 0, 8<<10)
	for n := uint64(1); n <= exists; n += 2 {
		set = fmt.Appendf(set, "%d", n)
		if len(set) > 7<<10 || n+2 > exists {
			if err := conn.do(`STORE %s +FLAGS.SILENT (\Deleted)`, set); err != nil {
				return err
			}
			set = set[:0]
			continue
		}
		set = append(set, ',')
	}
	return conn.do("EXPUNGE")
}
