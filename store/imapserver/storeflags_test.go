package imapserver

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"citron/store/account"
	"citron/store/uidset"
)

var flagsTold = regexp.MustCompile(`(?m)^\* (\d+) FETCH \((?:UID \d+ )?FLAGS \(([^)]*)\)`)

// A client that STOREs in silence still knows all flags, although another
// client changes them at the very same time: what it was told and what it did
// itself add up to the truth.
func TestSilenceHidesNothingOfOthers(t *testing.T) {
	const messages, rounds = 20, 200
	f := newFixture(t)
	f.fill(messages, []byte("Subject: x\r\n\r\n"))
	p := f.login()
	p.say(t, "x SELECT INBOX")
	stop := f.disturb(messages)
	known := make([]map[string]bool, messages+1)
	for i := range known {
		known[i] = map[string]bool{}
	}
	hear := func(out string) {
		for _, m := range flagsTold.FindAllStringSubmatch(out, -1) {
			set := map[string]bool{}
			for _, flag := range strings.Fields(m[2]) {
				set[flag] = flag != `\Recent`
			}
			known[number(m[1])] = set
		}
	}
	for round := range rounds {
		op, on := "+", true
		if round%2 == 1 {
			op, on = "-", false
		}
		first := 1 + round%messages
		for uid := first; uid <= messages; uid++ {
			known[uid][`\Draft`] = on
		}
		hear(p.say(t, fmt.Sprintf(`a STORE %d:* %sFLAGS.SILENT (\Draft)`, first, op)))
		hear(p.say(t, fmt.Sprintf("b FETCH %d BODY[]", 1+round*7%messages)))
	}
	stop()
	hear(p.say(t, "c NOOP"))
	for _, m := range flagsTold.FindAllStringSubmatch(p.say(t, "d FETCH 1:* (UID FLAGS)"), -1) {
		for _, flag := range []string{`\Draft`, `\Flagged`, `\Answered`, `\Seen`} {
			if truth, thinks := strings.Contains(m[2], flag), known[number(m[1])][flag]; thinks != truth {
				t.Errorf("message %s: %s is %v, the client thinks %v", m[1], flag, truth, thinks)
			}
		}
	}
}

// disturb changes flags of messages in another goroutine until it is stopped.
func (f *fixture) disturb(messages int) (stop func()) {
	a, done := f.alice(), make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			uids := uidset.Ranges{{First: uidset.UID(1 + i%messages), Last: uidset.UID(messages)}}
			change := account.FlagChange{Op: account.FlagOp(1 + i%2), System: account.Flagged}
			if i%5 == 0 {
				change.System = account.Answered
			}
			if _, err := a.StoreFlags(context.Background(), account.Actor{Account: 1}, account.Inbox, uids, change, nil); err != nil {
				f.t.Error(err)
				return
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}
