package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"citron/admin/transfer"
)

// readPassword asks on the terminal, twice; from anything else it reads a line.
func readPassword() (string, error) {
	in := int(os.Stdin.Fd())
	if !term.IsTerminal(in) {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.Join(errors.New("no password given on standard input"), err)
		}
		return line, nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(os.Stderr, prompt)
		b, err := term.ReadPassword(in)
		fmt.Fprintln(os.Stderr)
		return string(b), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	second, err := ask("Once more: ")
	switch {
	case err != nil:
		return "", err
	case first != second:
		return "", errors.New("the two passwords differ")
	case first == "":
		return "", errors.New("an empty password is refused")
	}
	return first, nil
}

// progressLine shows progress on one line of a terminal, and nothing elsewhere.
func progressLine() func(transfer.Progress) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	return func(p transfer.Progress) {
		fmt.Fprintf(os.Stderr, "\r\033[K%s: %d messages, %d known, %d bad, %d MB", p.Mailbox, p.Added, p.Known, p.Bad, p.Bytes>>20)
	}
}
