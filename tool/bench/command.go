package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Command is `citron bench`, for kong.
type Command struct {
	Deliver DeliverCmd `cmd:"" help:"Durable delivery by LMTP."`
	Submit  SubmitCmd  `cmd:"" help:"Durable submission by SMTP."`
	Relay   RelayCmd   `cmd:"" help:"Relay to other hosts, with and without mail queued for a domain that is down."`
	Append  AppendCmd  `cmd:"" help:"APPEND over IMAP."`
	Fetch   FetchCmd   `cmd:"" help:"FETCH of bodies, envelopes, body structures, header fields and flags."`
	Select  SelectCmd  `cmd:"" help:"SELECT of a large mailbox, and SELECT with QRESYNC after changes."`
	Search  SearchCmd  `cmd:"" help:"SEARCH in a mailbox."`
	Sort    SortCmd    `cmd:"" help:"SORT of a large mailbox."`
	Thread  ThreadCmd  `cmd:"" help:"THREAD of a large mailbox."`
	Sync    SyncCmd    `cmd:"" help:"A phone that comes back: connect, log in, learn what changed."`
	Idle    IdleCmd    `cmd:"" help:"Memory of sessions in IDLE, and how soon a delivery reaches them."`
	Fill    FillCmd    `cmd:"" help:"Fill mailboxes for the other measurements."`
}

// Common holds the flags of every workload.
type Common struct {
	Addr     []string `help:"Server to measure: [NAME=]HOST:PORT or [NAME=]unix:PATH. Repeat it to compare." required:"" sep:"none" placeholder:"[NAME=]HOST:PORT"`
	Server   []string `help:"Where the CPU, memory and writes of each server are read, in the order of --addr: pid:N or pidfile:PATH (with all descendants), proc:TEXT (command lines that contain it), cgroup:PATH, or none." sep:"none" placeholder:"SPEC"`
	Restart  []string `help:"Shell command that restarts each server, in the order of --addr; for --cold." sep:"none" placeholder:"COMMAND"`
	Cold     bool     `help:"Restart the server and drop the page cache before each run (needs root)."`
	Base     string   `help:"Name of the target that ratios refer to; default: the last." placeholder:"NAME"`
	Rounds   int      `help:"Recorded runs of each workload on each target." default:"5"`
	Warm     int      `help:"Unrecorded runs before." default:"1"`
	Users    string   `help:"Account names; %%d is a number from 1." default:"u%d@example.org"`
	Password string   `help:"Password of all accounts." default:"lemonade"`
	TLS      string   `help:"TLS of IMAP and submission: none, starttls or tls; certificates are not verified." enum:"none,starttls,tls" default:"none"`
	Conns    int      `help:"Connections at once." default:"8"`
	Accounts int      `help:"Accounts used; 0: as many as connections."`
	Seed     uint64   `help:"Seed of the messages." default:"1"`
	Size     string   `help:"Messages: small (1-2 KB), mix (70% 2-10 KB, 25% 30-100 KB, 5% 1-3 MB) or a length in bytes." default:"small"`
	Mailbox  string   `help:"Mailbox used." default:"INBOX"`

	out io.Writer // results; nil: standard output
}

func (c *Common) output() io.Writer {
	if c.out != nil {
		return c.out
	}
	return os.Stdout
}

// accounts is the number of accounts in use.
func (c *Common) accounts() int {
	if c.Accounts > 0 {
		return c.Accounts
	}
	return c.Conns
}

// user names account i, counted from 0.
func (c *Common) user(i int) string {
	return strings.Replace(c.Users, "%d", fmt.Sprint(i%c.accounts()+1), 1)
}

// targets reads the flags that come once per server, and gives the target that
// ratios refer to.
func (c *Common) targets() (all []*target, base *target, err error) {
	if c.Conns < 1 || c.Rounds < 1 || c.Warm < 0 || c.Accounts < 0 {
		return nil, nil, errors.New("--conns and --rounds must be 1 or more, --warm and --accounts not negative")
	}
	if len(c.Server) > len(c.Addr) || len(c.Restart) > len(c.Addr) {
		return nil, nil, errors.New("more --server or --restart than --addr; give them in the same order")
	}
	for i := range c.Addr {
		t, err := c.target(i)
		if err != nil {
			return nil, nil, err
		}
		if all = append(all, t); t.name == c.Base || c.Base == "" {
			base = t
		}
	}
	if base == nil {
		return nil, nil, fmt.Errorf("--base %s is none of the targets", c.Base)
	}
	return all, base, nil
}

// target reads the flags of server i.
func (c *Common) target(i int) (*target, error) {
	t, err := newTarget(c.Addr[i])
	if err != nil {
		return nil, err
	}
	if i < len(c.Server) {
		if t.server, err = parseServer(c.Server[i]); err != nil {
			return nil, err
		}
	}
	if i < len(c.Restart) {
		t.restart = c.Restart[i]
	}
	if c.Cold && t.restart == "" {
		return nil, fmt.Errorf("--cold needs a --restart for %s", t.name)
	}
	return t, nil
}

// rest waits, or ends early with the context.
func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
