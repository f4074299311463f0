package bench

import (
	"context"
	"fmt"
	"time"
)

// SearchCmd measures SEARCH in one mailbox.
type SearchCmd struct {
	Common   `embed:""`
	Messages int           `help:"Messages in the mailbox, which is filled if it holds fewer." default:"2000"`
	Repeat   int           `help:"SEARCHes per run." default:"10"`
	Key      []string      `help:"Search keys; repeat for several." sep:"none" default:"UNSEEN" placeholder:"KEYS"`
	Settle   time.Duration `help:"How long to wait after filling, for indexes that are built in the background." default:"0s"`
}

// searchKeys are measured unless others are asked for: flags and dates, header
// fields, then a word in most bodies, in none, in one of ten, in a single one.
var searchKeys = []string{
	"UNSEEN", "SINCE 12-Nov-2026", `FROM "chiara"`, `SUBJECT "zitrone"`,
	`HEADER MESSAGE-ID "00000000000000ff@bench"`, `BODY "harbour zitrone"`, `TEXT "no such words anywhere"`,
	`BODY "` + tenthWord + `"`, `BODY "` + rareWord(777) + `"`, `TEXT "` + rareWord(777) + `"`,
}

// Run is called by kong.
func (cmd *SearchCmd) Run(ctx context.Context) error {
	cmd.Conns, cmd.Accounts = 1, 1
	keys := cmd.Key
	if len(keys) == 1 && keys[0] == "UNSEEN" {
		keys = searchKeys
	}
	if err := cmd.fillAll(ctx, cmd.Messages); err != nil {
		return err
	}
	select {
	case <-time.After(cmd.Settle):
	case <-ctx.Done():
		return ctx.Err()
	}
	var workloads []workload
	for _, key := range keys {
		workloads = append(workloads, workload{
			title:     fmt.Sprintf("UID SEARCH %s, %s", key, heat(cmd.Cold)),
			unit:      "search",
			byLatency: true,
			setup:     func(ctx context.Context, t *target) (any, error) { return cmd.selected(ctx, t) },
			run: func(ctx context.Context, _ *target, state any) (w work, err error) {
				conn := state.(sessions)[0]
				for range cmd.Repeat {
					start := time.Now()
					if err := conn.do("UID SEARCH %s", key); err != nil {
						return w, err
					}
					w.latency = append(w.latency, time.Since(start))
					w.ops++
				}
				return w, nil
			},
			teardown: endSessions,
		})
	}
	return cmd.compare(ctx, workloads...)
}
