package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
)

// nextHop is the SMTP server of another site, which remembers what it took: in
// memory that outlives the server under test. Recipients say how they are
// treated: those that begin with "gone" are refused for good, those with "later"
// the first time.
type nextHop struct {
	net.Listener
	mu     sync.Mutex
	put    map[string]bool           // recipients that were put off
	taken  map[string]map[string]int // letter, recipient: how often
	texts  map[string][]byte         // letter: what came of it
	faults []string
}

func startNextHop(t *testing.T) *nextHop {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &nextHop{Listener: ln, put: map[string]bool{}, taken: map[string]map[string]int{}, texts: map[string][]byte{}}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go h.serve(c)
		}
	}()
	return h
}

// serve speaks as much SMTP as it takes.
func (h *nextHop) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	say := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
	say("220 remote.example ESMTP")
	var rcpts []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-remote.example\r\n250-8BITMIME\r\n250-SIZE\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES")
		case "MAIL", "RSET":
			rcpts = nil
			say("250 2.1.0 ok")
		case "RCPT":
			to := address(rest)
			if answer := h.treat(to); answer != "" {
				say(answer)
				continue
			}
			rcpts = append(rcpts, to)
			say("250 2.1.5 ok")
		case "DATA":
			say("354 go on")
			text, err := readData(r)
			if err != nil {
				return
			}
			h.take(text, rcpts)
			say("250 2.0.0 taken")
		case "QUIT":
			say("221 2.0.0 bye")
			return
		default:
			say("502 5.5.1 what?")
		}
	}
}

// address is what stands between the brackets.
func address(args string) string {
	_, rest, _ := strings.Cut(args, "<")
	to, _, _ := strings.Cut(rest, ">")
	return to
}

// treat gives the refusal of a recipient, if it gets one.
func (h *nextHop) treat(to string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case strings.HasPrefix(to, "gone"):
		return "550 5.1.1 no such user"
	case strings.HasPrefix(to, "later") && !h.put[to]:
		h.put[to] = true
		return "451 4.2.1 later"
	}
	return ""
}

func readData(r *bufio.Reader) ([]byte, error) {
	var text bytes.Buffer
	for {
		line, err := r.ReadBytes('\n')
		switch {
		case err != nil:
			return nil, err
		case string(line) == ".\r\n":
			return text.Bytes(), nil
		case line[0] == '.':
			line = line[1:]
		}
		text.Write(line)
	}
}

// take notes a message, as durable as this test needs it.
func (h *nextHop) take(text []byte, rcpts []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := letterID(text)
	if id == "" {
		h.faults = append(h.faults, fmt.Sprintf("the next hop got a message that is no letter: %.300q", text))
		return
	}
	if h.taken[id] == nil {
		h.taken[id] = map[string]int{}
	}
	for _, to := range rcpts {
		h.taken[id][to]++
	}
	h.texts[id] = text
}

// has is what was taken of a letter.
func (h *nextHop) has(id string) (map[string]int, []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.taken[id]), h.texts[id]
}
