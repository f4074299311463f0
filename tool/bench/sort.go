package bench

import (
	"context"
	"fmt"
	"time"
)

// SortCmd measures SORT of one mailbox.
type SortCmd struct {
	Common   `embed:""`
	Messages int      `help:"Messages in the mailbox, which is filled if it holds fewer." default:"100000"`
	Repeat   int      `help:"SORTs per run." default:"3"`
	By       []string `help:"Sort criteria; repeat for several." sep:"none" default:"DATE,SUBJECT,FROM" placeholder:"KEYS"`
	Keys     string   `help:"Search keys that say what is sorted." default:"ALL"`
}

// Run is called by kong.
func (cmd *SortCmd) Run(ctx context.Context) error {
	by := cmd.By
	if len(by) == 1 && by[0] == "DATE,SUBJECT,FROM" {
		by = []string{"DATE", "SUBJECT", "FROM"}
	}
	var commands []string
	for _, criteria := range by {
		commands = append(commands, fmt.Sprintf("UID SORT (%s) UTF-8 %s", criteria, cmd.Keys))
	}
	return cmd.inOrder(ctx, cmd.Messages, cmd.Repeat, commands)
}

// ThreadCmd measures THREAD of one mailbox.
type ThreadCmd struct {
	Common    `embed:""`
	Messages  int      `help:"Messages in the mailbox, which is filled if it holds fewer." default:"100000"`
	Repeat    int      `help:"THREADs per run." default:"3"`
	Algorithm []string `help:"Algorithms." default:"REFERENCES"`
	Keys      string   `help:"Search keys that say what is threaded." default:"ALL"`
}

// Run is called by kong.
func (cmd *ThreadCmd) Run(ctx context.Context) error {
	var commands []string
	for _, algorithm := range cmd.Algorithm {
		commands = append(commands, fmt.Sprintf("UID THREAD %s UTF-8 %s", algorithm, cmd.Keys))
	}
	return cmd.inOrder(ctx, cmd.Messages, cmd.Repeat, commands)
}

// inOrder measures commands whose answer is the mailbox in some order.
func (c *Common) inOrder(ctx context.Context, messages, repeat int, commands []string) error {
	c.Conns, c.Accounts = 1, 1
	if err := c.fillAll(ctx, messages); err != nil {
		return err
	}
	var workloads []workload
	for _, command := range commands {
		workloads = append(workloads, workload{
			title:     fmt.Sprintf("%s, %d messages, %s", command, messages, heat(c.Cold)),
			unit:      "command",
			byLatency: true,
			setup:     func(ctx context.Context, t *target) (any, error) { return c.selected(ctx, t) },
			run: func(ctx context.Context, _ *target, state any) (w work, err error) {
				conn := state.(sessions)[0]
				for range repeat {
					start := time.Now()
					if err := conn.do("%s", command); err != nil {
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
	return c.compare(ctx, workloads...)
}
