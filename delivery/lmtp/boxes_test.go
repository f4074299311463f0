package lmtp

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"sync"

	"citron/store"
)

// boxes is a store.Filing in memory, with faults.
type boxes struct {
	begin, write error
	file         map[uint64]error

	mu   sync.Mutex
	mail map[uint64][]string
	open int
	pile bool // keep nothing
}

func newBoxes() *boxes {
	return &boxes{file: map[uint64]error{}, mail: map[uint64][]string{}}
}

func (b *boxes) Begin(_ context.Context, to []store.Recipient, _ int64) (store.Incoming, error) {
	if b.begin != nil {
		return nil, b.begin
	}
	b.mu.Lock()
	b.open++
	b.mu.Unlock()
	return &incoming{boxes: b, to: to}, nil
}

type incoming struct {
	boxes *boxes
	to    []store.Recipient
	text  bytes.Buffer
	over  bool
}

func (i *incoming) Write(p []byte) (int, error) {
	if i.boxes.write != nil {
		return 0, i.boxes.write
	}
	if i.boxes.pile {
		return len(p), nil
	}
	return i.text.Write(p)
}

func (i *incoming) Commit(context.Context) []error {
	i.end()
	if i.boxes.pile {
		return nil
	}
	errs := make([]error, len(i.to))
	i.boxes.mu.Lock()
	defer i.boxes.mu.Unlock()
	for n, r := range i.to {
		if errs[n] = i.boxes.file[r.Account]; errs[n] == nil {
			message := string(r.Prefix) + i.text.String()
			if r.Detail != "" {
				message = "Detail: " + r.Detail + "\r\n" + message
			}
			i.boxes.mail[r.Account] = append(i.boxes.mail[r.Account], message)
		}
	}
	return errs
}

func (i *incoming) Abort() {
	if !i.over {
		i.end()
	}
}

func (i *incoming) end() {
	i.over = true
	i.boxes.mu.Lock()
	i.boxes.open--
	i.boxes.mu.Unlock()
}

var received = regexp.MustCompile(`Received: [^\r]*\r\n(\t[^\r]*\r\n)+`)

// text is an account's mail for comparison with a dialogue.
func (b *boxes) text(account uint64) string {
	var all []string
	for _, m := range b.mail[account] {
		m = received.ReplaceAllString(m, "")
		all = append(all, strings.ReplaceAll(m, "\r\n", "\n"))
	}
	return strings.Join(all, "=====\n")
}
