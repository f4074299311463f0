package bench

import (
	"context"
	"fmt"
	"io"
	"time"
)

// ledger sets what a server wrote to its disk, from the first run to a rest
// after the last, against the bodies it was given.
type ledger struct {
	all    []*target
	before map[*target]usage
	bodies map[*target]int64
}

func openLedger(all []*target) (*ledger, error) {
	l := &ledger{all: all, before: map[*target]usage{}, bodies: map[*target]int64{}}
	for _, t := range all {
		u, err := t.server.usage()
		if err != nil {
			return nil, err
		}
		l.before[t] = u
	}
	return l, nil
}

func (l *ledger) add(t *target, bytes int64) { l.bodies[t] += bytes }

// close waits and prints; nothing where no server is known.
func (l *ledger) close(ctx context.Context, w io.Writer, after time.Duration) error {
	if err := rest(ctx, after); err != nil {
		return err
	}
	out := newTable(w)
	rows := 0
	out.row([]string{"", "bodies MB", "written MB", "written / bodies"})
	for _, t := range l.all {
		now, err := t.server.usage()
		if err != nil {
			return err
		}
		spent := now.since(l.before[t])
		if !spent.known || l.bodies[t] == 0 {
			continue
		}
		rows++
		out.row([]string{t.name, fmt.Sprintf("%.1f", float64(l.bodies[t])/1e6), fmt.Sprintf("%.1f", float64(spent.written)/1e6),
			fmt.Sprintf("%.2f", float64(spent.written)/float64(l.bodies[t]))})
	}
	if rows == 0 {
		return nil
	}
	fmt.Fprintf(w, "Written to disk over all runs, and %v after them\n", after)
	return out.flush()
}
