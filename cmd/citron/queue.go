package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"citron/admin"
	"citron/ops/config"
)

// queueCmd is `citron queue …`.
type queueCmd struct {
	List   queueListCmd   `cmd:"" help:"List the messages in the queue."`
	Show   queueShowCmd   `cmd:"" help:"Show all that is known of a message."`
	Retry  queueRetryCmd  `cmd:"" help:"Try now what waits."`
	Hold   queueHoldCmd   `cmd:"" help:"Keep messages from being tried until unhold; they do not grow too old meanwhile."`
	Unhold queueUnholdCmd `cmd:"" help:"Take back hold."`
	Delete queueDeleteCmd `cmd:"" help:"Delete messages from the queue."`
}

type queueListCmd struct {
	dataFlags
	Domain  string `help:"Only messages with recipients there."`
	Account string `help:"Only messages of this account."`
	State   string `help:"Only messages in this state: waiting, due, out or held."`
}

// Run prints a table, page by page.
func (c *queueListCmd) Run(ctx context.Context) error {
	return c.withCaller(ctx, func(call admin.Caller) error {
		w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tRECEIVED\tSIZE\tFROM\tTO\tSTATE\tNEXT\tWHY")
		request := admin.QueueRequest{Domain: c.Domain, Account: c.Account, State: c.State}
		for {
			var page []admin.QueueMessage
			if err := call.Call(ctx, "queue.list", request, nil, &page); err != nil {
				return err
			}
			for i := range page {
				m := &page[i]
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.80s\n", m.ID, moment(m.Received), config.Size(m.Size), author(m.From), recipients(m), m.State, moment(m.Next), printable(why(m)))
			}
			if err := w.Flush(); err != nil || len(page) == 0 { // nothing holds a million lines
				return err
			}
			request.After = page[len(page)-1].ID
		}
	})
}

// moment is a time in a table.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func author(from string) string {
	if from == "" {
		return "<>"
	}
	return printable(from)
}

// recipients says how many there are, and where.
func recipients(m *admin.QueueMessage) string {
	return fmt.Sprintf("%d at %s", m.Recipients, printable(strings.Join(m.Domains, " ")))
}

// why is what keeps a message, and how the last try ended.
func why(m *admin.QueueMessage) string {
	if m.Why != "" && m.Last != "" {
		return m.Why + "; " + m.Last
	}
	return m.Why + m.Last
}

// printable keeps what others said off the terminal's own commands.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

type queueShowCmd struct {
	dataFlags
	ID string `arg:"" help:"As in queue list."`
}

// Run prints a line for each thing known, and a block for each recipient.
func (c *queueShowCmd) Run(ctx context.Context) error {
	return c.withCaller(ctx, func(call admin.Caller) error {
		var d admin.QueueDetails
		if err := call.Call(ctx, "queue.show", admin.QueueRequest{ID: c.ID}, nil, &d); err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		field := func(name, value string) {
			if value != "" && value != "-" {
				fmt.Fprintf(w, "%s\t%s\n", name, printable(value))
			}
		}
		field("id", d.ID)
		field("state", d.State)
		field("account", d.Account)
		field("from", author(d.From))
		field("received", moment(d.Received))
		field("size", config.Size(d.Size).String())
		field("message-id", d.MessageID)
		field("envelope-id", d.EnvelopeID)
		field("deliver by", moment(d.Deadline))
		field("given up at", moment(d.GiveUp))
		for i := range d.Pending {
			showRecipient(w, field, &d.Pending[i])
		}
		return w.Flush()
	})
}

func showRecipient(w io.Writer, field func(name, value string), r *admin.QueueRecipient) {
	fmt.Fprintln(w)
	field("to", r.Address)
	field("state", r.State)
	field("why", r.Why)
	field("tries", fmt.Sprint(r.Attempts))
	field("next", moment(r.Next))
	field("last try", r.Last)
	for _, h := range r.HandedOver {
		field("may be at", h)
	}
}

// queueSelection is what a command is about.
type queueSelection struct {
	dataFlags
	ID      string `arg:"" optional:"" help:"A message, as in queue list."`
	Domain  string `help:"All messages for this domain."`
	Account string `help:"All messages of this account."`
}

func (c *queueSelection) run(ctx context.Context, op, done string, r admin.QueueRequest) error {
	r.ID, r.Domain, r.Account = c.ID, c.Domain, c.Account
	return c.withCaller(ctx, func(call admin.Caller) error {
		var count admin.QueueCount
		if err := call.Call(ctx, op, r, nil, &count); err != nil {
			return err
		}
		fmt.Printf("%d %s\n", count.Messages, done)
		return nil
	})
}

// runHold runs hold or unhold. A domain is held as a whole, whatever waits for it.
func (c *queueSelection) runHold(ctx context.Context, op, done string, r admin.QueueRequest) error {
	if c.Domain != "" && c.ID == "" && c.Account == "" {
		r.Domain = c.Domain
		return c.withCaller(ctx, func(call admin.Caller) error {
			if err := call.Call(ctx, op, r, nil, nil); err != nil {
				return err
			}
			fmt.Printf("mail for %s is %s\n", c.Domain, done)
			return nil
		})
	}
	return c.run(ctx, op, done, r)
}

type queueRetryCmd struct {
	queueSelection
	All bool `help:"All messages."`
}

// Run makes messages due.
func (c *queueRetryCmd) Run(ctx context.Context) error {
	return c.run(ctx, "queue.retry", "to be tried now", admin.QueueRequest{All: c.All})
}

type queueHoldCmd struct{ queueSelection }

// Run holds messages, those of a domain or an account that come later, too.
func (c *queueHoldCmd) Run(ctx context.Context) error {
	return c.runHold(ctx, "queue.hold", "held", admin.QueueRequest{})
}

type queueUnholdCmd struct{ queueSelection }

// Run takes back hold.
func (c *queueUnholdCmd) Run(ctx context.Context) error {
	return c.runHold(ctx, "queue.unhold", "no longer held", admin.QueueRequest{})
}

type queueDeleteCmd struct {
	queueSelection
	All    bool `help:"All messages."`
	Report bool `help:"The senders are told that their messages were not delivered."`
	Yes    bool `help:"Needed for more than one message, because they are gone for good."`
}

// Run deletes messages.
func (c *queueDeleteCmd) Run(ctx context.Context) error {
	if (c.Domain != "" || c.Account != "" || c.All) && !c.Yes {
		return errors.New("this deletes many messages for good; say --yes if that is meant")
	}
	return c.run(ctx, "queue.delete", "deleted", admin.QueueRequest{All: c.All, Report: c.Report})
}
