package session

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"citron/submission"
	"citron/wire/smtp"
)

// spool is a submission.Spool in memory, with faults. Like the real one it
// takes a message of one Origin once.
type spool struct {
	begin, write, commit error
	lost                 bool // commit queues the message, and says commit all the same

	mu     sync.Mutex
	queued []queued
	open   int
	pile   bool // keep nothing
}

type queued struct {
	id       string
	envelope submission.Envelope
	text     string
}

func (s *spool) Begin(context.Context, int64) (submission.Incoming, error) {
	if s.begin != nil {
		return nil, s.begin
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return &incoming{spool: s}, nil
}

type incoming struct {
	spool *spool
	text  bytes.Buffer
	over  bool
}

func (i *incoming) Write(p []byte) (int, error) {
	if i.spool.write != nil {
		return 0, i.spool.write
	}
	if i.spool.pile {
		return len(p), nil
	}
	return i.text.Write(p)
}

func (i *incoming) Commit(_ context.Context, e submission.Envelope) (string, error) {
	s := i.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.commit != nil && !s.lost {
		return "", s.commit
	}
	i.end()
	for _, q := range s.queued {
		if e.Origin != "" && q.envelope.Origin == e.Origin {
			return q.id, s.commit
		}
	}
	id := fmt.Sprintf("q%d", len(s.queued)+1)
	if !s.pile {
		s.queued = append(s.queued, queued{id, e, i.text.String()})
	}
	return id, s.commit
}

func (i *incoming) Abort() {
	i.spool.mu.Lock()
	defer i.spool.mu.Unlock()
	i.end()
}

func (i *incoming) end() {
	if !i.over {
		i.over = true
		i.spool.open--
	}
}

// check says that every message that was begun has ended.
func (s *spool) check(t testing.TB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != 0 {
		t.Errorf("%d messages neither committed nor aborted", s.open)
	}
}

// made are the lines that are different each time, or of each message.
var made = regexp.MustCompile(`(?m)^(Received: .*\r\n([\t ].*\r\n)*|Message-ID: <.*@mail.example.org>\r\n|Date: .* 2000 00:\d\d:\d\d .*\r\n)`)

// dump is what was queued for comparison with a dialogue: the envelope as a
// client would say it, and the message with LF for CRLF.
func (s *spool) dump() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, q := range s.queued {
		b := smtp.AppendMail(nil, q.envelope.Mail)
		for _, r := range q.envelope.Rcpts {
			b = smtp.AppendRcpt(b, r, q.envelope.Mail.UTF8)
		}
		if !q.envelope.HoldUntil.IsZero() {
			b = append(q.envelope.HoldUntil.UTC().AppendFormat(append(b, "hold until "...), "2006-01-02T15:04:05Z"), '\n')
		}
		b = append(b, '\n')
		b = append(b, made.ReplaceAllString(q.text, "")...)
		all = append(all, strings.ReplaceAll(string(b), "\r\n", "\n"))
	}
	return strings.Join(all, "=====\n")
}

// nonce is what differs each time of an exchange by SCRAM; date a field made.
var (
	nonce = regexp.MustCompile(`(?m)^334 .*$`)
	date  = regexp.MustCompile(`(?m)^Date: .*\r\n`)
)
