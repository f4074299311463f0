package bench

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// FetchCmd measures FETCH over whole mailboxes: each connection asks in one
// command for an item of every message of its account.
type FetchCmd struct {
	Common   `embed:""`
	Messages int      `help:"Messages in the mailbox, which is filled if it holds fewer." default:"2000"`
	Item     []string `help:"What to fetch: body, header, envelope, bodystructure, fields, flags, all-header (what phones ask), or any fetch items in parentheses." default:"body,envelope,bodystructure,fields,flags"`
	Compress bool     `help:"Compress (RFC 4978) after login; bytes are then counted as they travel."`
	Repeat   int      `help:"FETCH commands per connection and run; more make the CPU figures finer." default:"5"`
}

// fetchItems are names for what is asked most.
var fetchItems = map[string]string{
	"body":          "(UID BODY.PEEK[])",
	"header":        "(UID BODY.PEEK[HEADER])",
	"envelope":      "(UID ENVELOPE)",
	"bodystructure": "(UID BODYSTRUCTURE)",
	"fields":        "(UID BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID REFERENCES)])",
	"flags":         "(UID FLAGS)",
	"all-header":    "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (REFERENCES)])",
}

// Run is called by kong.
func (cmd *FetchCmd) Run(ctx context.Context) error {
	if err := cmd.fillAll(ctx, cmd.Messages); err != nil {
		return err
	}
	var workloads []workload
	for _, item := range cmd.Item {
		items, ok := fetchItems[item]
		if !ok {
			if items = item; !strings.HasPrefix(item, "(") {
				return fmt.Errorf("--item %s: give one of the names or items in parentheses", item)
			}
		}
		workloads = append(workloads, workload{
			title: fmt.Sprintf("FETCH 1:* %s, %s%s, %d connections, %d accounts", items, heat(cmd.Cold), cmd.travel(), cmd.Conns, cmd.accounts()),
			unit:  "msg",
			setup: func(ctx context.Context, t *target) (any, error) { return cmd.ready(ctx, t) },
			run: func(ctx context.Context, _ *target, state any) (work, error) {
				return cmd.fetch(ctx, state.(sessions), items)
			},
			teardown: endSessions,
		})
	}
	return cmd.compare(ctx, workloads...)
}

func (cmd *FetchCmd) travel() string {
	if cmd.Compress {
		return ", compressed"
	}
	return ""
}

// ready gives sessions that have selected the mailbox and, if so wished,
// compress.
func (cmd *FetchCmd) ready(ctx context.Context, t *target) (sessions, error) {
	conns, err := cmd.selected(ctx, t)
	if err != nil || !cmd.Compress {
		return conns, err
	}
	for _, conn := range conns {
		if err := conn.compress(); err != nil {
			conns.close()
			return nil, err
		}
	}
	return conns, nil
}

func heat(cold bool) string {
	if cold {
		return "cold"
	}
	return "warm"
}

// fillAll fills the mailbox of every account on every target.
func (c *Common) fillAll(ctx context.Context, n int) error {
	all, _, err := c.targets()
	if err != nil {
		return err
	}
	messages, err := newPool(c.Size, c.Seed)
	if err != nil {
		return err
	}
	for _, t := range all {
		for i := range c.accounts() {
			if err := c.fill(ctx, t, i, n, messages); err != nil {
				return err
			}
		}
	}
	return nil
}

// selected gives sessions that have selected the mailbox.
func (c *Common) selected(ctx context.Context, t *target) (sessions, error) {
	conns, err := c.connectIMAP(ctx, t, c.Conns)
	if err != nil {
		return nil, err
	}
	for _, conn := range conns {
		if err := conn.do("SELECT %s", quote(c.Mailbox)); err != nil {
			conns.close()
			return nil, err
		}
	}
	return conns, nil
}

func (cmd *FetchCmd) fetch(ctx context.Context, conns sessions, items string) (work, error) {
	parts := make([]work, len(conns))
	err := each(ctx, len(conns), func(ctx context.Context, i int) error {
		conn := conns[i]
		before := conn.arrived()
		for range cmd.Repeat {
			err := conn.each(func(line []byte) {
				if _, ok := untagged(line, "FETCH"); ok {
					parts[i].ops++
				}
			}, "FETCH 1:* %s", items)
			if err != nil {
				return err
			}
		}
		parts[i].bytes = conn.arrived() - before
		return nil
	})
	sum := total(parts)
	if err == nil && sum.ops == 0 {
		err = fmt.Errorf("nothing was fetched")
	}
	return sum, err
}

// untagged reads the number of a response like "* 12 EXISTS".
func untagged(line []byte, word string) (n uint64, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("* "))
	if !ok {
		return 0, false
	}
	digits := slices.IndexFunc(rest, func(c byte) bool { return c < '0' || c > '9' })
	if digits <= 0 || !bytes.HasPrefix(rest[digits:], []byte(" "+word)) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(rest[:digits]), 10, 64)
	return n, err == nil
}
