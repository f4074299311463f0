// Command citron is the lemonade mail server and its tools, as subcommands.
// Nothing but wiring lives here: this package alone names concrete engines.
//
// Results go to standard output, progress to standard error and only on a
// terminal; every error says what to do next.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"citron/tool/bench"
)

// version is set by the linker for releases.
var version = "0.1-dev"

// commands is the command line.
type commands struct {
	Serve   serveCmd         `cmd:"" help:"Run the server."`
	Demo    demoCmd          `cmd:"" help:"Run everything on loopback, with two accounts and mail in them, ready for a client."`
	Account accountCmd       `cmd:"" help:"Add, list and change accounts."`
	Domain  domainCmd        `cmd:"" help:"Add, list and remove domains."`
	Queue   queueCmd         `cmd:"" help:"Show and steer mail on its way out."`
	Dkim    dkimCmd          `cmd:"" help:"Make a key that mail is signed with (DKIM), and print its DNS record."`
	Import  importCmd        `cmd:"" help:"Bring mail into an account from mbox, Maildir, files or another IMAP server."`
	Export  exportCmd        `cmd:"" help:"Write an account's mail to Maildir or mbox."`
	Verify  verifyCmd        `cmd:"" help:"Prove that what is stored is whole; the server must be stopped."`
	Bench   bench.Command    `cmd:"" help:"Measure this or any other server, and compare several in one run."`
	Version kong.VersionFlag `help:"Print the version and end."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "citron:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	parser, err := newParser(ctx)
	if err != nil {
		return err
	}
	line, err := parser.Parse(args)
	var usage *kong.ParseError
	if errors.As(err, &usage) {
		return fmt.Errorf("%w; see citron --help", err)
	}
	if err != nil {
		return err
	}
	return line.Run()
}

func newParser(ctx context.Context) (*kong.Kong, error) {
	return kong.New(&commands{}, kong.Name("citron"), kong.UsageOnError(),
		kong.Description("The lemonade mail server: IMAP for phones (RFC 5550, RFC 5383)."),
		kong.Vars{"version": version}, kong.BindTo(ctx, (*context.Context)(nil)))
}
