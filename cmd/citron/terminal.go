package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"citron/admin/transfer"
)

// newPassword asks for one twice on the terminal; from anything else it reads a
// line.
func newPassword() (string, error) {
	first, err := askPassword("Password: ")
	if err != nil || !onTerminal(os.Stdin) {
		return first, err
	}
	second, err := askPassword("Once more: ")
	if err == nil && first != second {
		err = errors.New("the two passwords differ; nothing was changed")
	}
	return first, err
}

// askPassword asks on the terminal, without echo; from anything else it reads a
// line.
func askPassword(prompt string) (password string, err error) {
	if onTerminal(os.Stdin) {
		fmt.Fprint(os.Stderr, prompt)
		var typed []byte
		typed, err = term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(os.Stderr)
		password = string(typed)
	} else if password, err = bufio.NewReader(os.Stdin).ReadString('\n'); err == io.EOF {
		err = nil
	}
	if password = strings.TrimRight(password, "\r\n"); err == nil && password == "" {
		err = errors.New("no password given; type it, or give it as a line of standard input")
	}
	return password, err
}

func onTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// progressLine shows progress on one line of a terminal, and nothing elsewhere;
// clear takes it away.
func progressLine() (show func(transfer.Progress), clear func()) {
	if !onTerminal(os.Stderr) {
		return nil, func() {}
	}
	const again = "\r\033[K"
	show = func(p transfer.Progress) {
		fmt.Fprintf(os.Stderr, again+"%s: %d messages, %d known, %d bad, %d MB", p.Mailbox, p.Added, p.Known, p.Bad, p.Bytes>>20)
	}
	return show, func() { fmt.Fprint(os.Stderr, again) }
}
