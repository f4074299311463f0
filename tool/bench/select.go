package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// SelectCmd measures SELECT of one mailbox, and SELECT with QRESYNC (RFC 7162
// §3.2.5) for a client that is some flag changes behind.
type SelectCmd struct {
	Common   `embed:""`
	Messages int    `help:"Messages in the mailbox, which is filled if it holds fewer; 0: take it as it is." default:"2000"`
	Repeat   int    `help:"SELECTs per run; 1 with --cold." default:"200"`
	Changes  int    `help:"Messages whose flags changed since the client was there." default:"100"`
	Mode     string `help:"What to measure: plain, qresync or both." enum:"plain,qresync,both" default:"both"`
}

// Run is called by kong.
func (cmd *SelectCmd) Run(ctx context.Context) error {
	cmd.Conns, cmd.Accounts = 1, 1
	if cmd.Cold {
		cmd.Repeat = 1
	}
	if err := cmd.fillAll(ctx, cmd.Messages); err != nil {
		return err
	}
	var workloads []workload
	if cmd.Mode != "qresync" {
		workloads = append(workloads, cmd.workload("SELECT", func(*imapConn) (string, error) { return "", nil }))
	}
	if cmd.Mode != "plain" {
		behind, err := cmd.fallBehind(ctx)
		if err != nil {
			return err
		}
		title := fmt.Sprintf("SELECT with QRESYNC, %d changes behind", cmd.Changes)
		workloads = append(workloads, cmd.workload(title, func(c *imapConn) (string, error) {
			return fmt.Sprintf(" (QRESYNC (%d %d))", behind[c.target.name].validity, behind[c.target.name].modseq), c.do("ENABLE QRESYNC")
		}))
	}
	return cmd.compare(ctx, workloads...)
}

// workload repeats SELECT with a parameter, each time from the state of no
// mailbox.
func (cmd *SelectCmd) workload(title string, parameter func(*imapConn) (string, error)) workload {
	return workload{
		title:     fmt.Sprintf("%s of %s, %s", title, cmd.Mailbox, heat(cmd.Cold)),
		unit:      "select",
		byLatency: true,
		setup:     func(ctx context.Context, t *target) (any, error) { return cmd.connectIMAP(ctx, t, 1) },
		run: func(ctx context.Context, _ *target, state any) (w work, err error) {
			conn := state.(sessions)[0]
			suffix, err := parameter(conn)
			if err != nil {
				return w, err
			}
			before := conn.received
			for range cmd.Repeat {
				start := time.Now()
				if err := conn.do("SELECT %s%s", quote(cmd.Mailbox), suffix); err != nil {
					return w, err
				}
				w.latency = append(w.latency, time.Since(start))
				w.ops++
				if err := conn.leave(cmd.Mailbox); err != nil {
					return w, err
				}
			}
			w.bytes = conn.received - before
			return w, nil
		},
		teardown: endSessions,
	}
}

// leave goes back to no mailbox, expunging nothing.
func (c *imapConn) leave(mailbox string) error {
	if c.can("UNSELECT") {
		return c.do("UNSELECT")
	}
	if err := c.do("EXAMINE %s", quote(mailbox)); err != nil {
		return err
	}
	return c.do("CLOSE")
}

// point is what a client knows of a mailbox when it leaves.
type point struct {
	validity, modseq, next, exists uint64
}

// look selects the mailbox and tells where it stands.
func (c *imapConn) look(mailbox string) (p point, err error) {
	err = c.each(func(line []byte) {
		if n, ok := untagged(line, "EXISTS"); ok {
			p.exists = n
		}
		if !bytes.HasPrefix(line, []byte("* OK [")) {
			return
		}
		p.validity = max(p.validity, numberAfter(line, "[UIDVALIDITY "))
		p.modseq = max(p.modseq, numberAfter(line, "[HIGHESTMODSEQ "))
		p.next = max(p.next, numberAfter(line, "[UIDNEXT "))
	}, "SELECT %s", quote(mailbox))
	return p, err
}

// fallBehind notes where each target's mailbox stands and then changes flags.
func (cmd *SelectCmd) fallBehind(ctx context.Context) (map[string]point, error) {
	all, _, err := cmd.targets()
	if err != nil {
		return nil, err
	}
	points := map[string]point{}
	for _, t := range all {
		conns, err := cmd.connectIMAP(ctx, t, 1)
		if err != nil {
			return nil, err
		}
		p, err := conns[0].depart(cmd.Mailbox, cmd.Changes)
		endSessions(conns)
		if err != nil {
			return nil, err
		}
		points[t.name] = p
	}
	return points, nil
}

// depart notes where a mailbox stands and then changes flags. Some servers keep
// modseqs only once a client has asked for them, and take every message for
// changed then: so that comes first, with a change that makes it last.
func (c *imapConn) depart(mailbox string, changes int) (point, error) {
	if c.can("QRESYNC") {
		if err := c.do("ENABLE QRESYNC"); err != nil {
			return point{}, err
		}
	}
	p, err := c.look(mailbox)
	if err != nil {
		return p, err
	}
	if err := errors.Join(c.toggle(p, 1), c.leave(mailbox)); err != nil {
		return p, err
	}
	if p, err = c.look(mailbox); err != nil {
		return p, err
	}
	return p, c.toggle(p, changes)
}

// toggle changes a flag of messages spread over the selected mailbox.
func (c *imapConn) toggle(p point, changes int) error {
	set := spread(p.exists, changes)
	if set == "" {
		return fmt.Errorf("%s: the mailbox is empty", c.target.name)
	}
	if err := c.do(`STORE %s +FLAGS.SILENT (\Flagged)`, set); err != nil {
		return err
	}
	return c.do(`STORE %s -FLAGS.SILENT (\Flagged)`, set)
}

// spread writes a set of n sequence numbers at even distances up to exists.
func spread(exists uint64, n int) string {
	step := max(1, exists/uint64(max(n, 1)))
	var set []byte
	for i := uint64(1); i <= exists && n > 0; i += step {
		if len(set) > 0 {
			set = append(set, ',')
		}
		set = fmt.Append(set, i)
		n--
	}
	return string(set)
}
