package imapserver

import (
	"context"
	"strings"
	"testing"
	"time"

	"citron/engine/kv"
)

// inSteps is a server that takes 10 messages a transaction, with 100 in INBOX.
func inSteps(t *testing.T) *fixture {
	f := newFixture(t)
	f.step = 10
	f.openStore()
	for range 100 {
		f.deliver("INBOX", nil)
	}
	return f
}

// stepwise runs a command, each Step five seconds after the one before, and
// gives what was said and how many Steps it took.
func (p *peer) stepwise(t *testing.T, line string) (out string, steps int) {
	t.Helper()
	p.send(line + "\r\n")
	for p.due() && !p.closed {
		p.step(t)
		*p.clock = p.clock.Add(5 * time.Second)
		steps++
	}
	out, p.out = string(p.out), nil
	return out, steps
}

// What concerns very many messages takes many Steps, between which others have
// their turn, and says that it is at work (RFC 9585 §4).
func TestManyMessagesTakeManySteps(t *testing.T) {
	for _, c := range []struct{ before, line, end string }{
		{"", "a COPY 1:* Archive", "\r\na OK [COPYUID "},
		{"", "a MOVE 1:* Archive", "\r\na OK "},
		{"b STORE 1:* +FLAGS.SILENT (\\Deleted)", "a EXPUNGE", "\r\na OK "},
		{"b STORE 1:* +FLAGS.SILENT (\\Deleted)", "a CLOSE", "\r\na OK "},
		{"", "a RENAME INBOX Old", "\r\na OK "},
		{"", "a STORE 1:* +FLAGS.SILENT (\\Seen)", "\r\na OK "},
	} {
		f := inSteps(t)
		p := f.login()
		p.say(t, "- SELECT INBOX")
		if c.before != "" {
			p.say(t, c.before)
		}
		out, steps := p.stepwise(t, c.line)
		told := strings.Count(out, `* OK [INPROGRESS ("a" `)
		if steps < 10 || told < 2 || !strings.Contains(out, c.end) || !strings.Contains(out, ` 100)] `) {
			t.Errorf("%s: %d Steps, %s", c.line, steps, out)
		}
	}
}

// A client that goes away in the middle of COPY, MOVE or RENAME has copied
// nothing (RFC 9051 §6.4.7), and nothing is left behind.
func TestLeavingInTheMiddleOfSteps(t *testing.T) {
	for _, line := range []string{"a COPY 1:* Archive", "a MOVE 1:* Archive", "a RENAME INBOX Old"} {
		for after := range 12 {
			f := inSteps(t)
			p := f.login()
			p.say(t, "- SELECT INBOX")
			p.send(line + "\r\n")
			for range after {
				if p.due() {
					p.step(t)
				}
			}
			done := !p.due() || strings.Contains(string(p.out), "[COPYUID ") // and is telling of it
			p.hangUp()
			*f.clock = f.clock.Add(24 * time.Hour)
			f.maintain()
			a := f.alice()
			inbox, _ := a.Lookup("INBOX")
			for _, name := range []string{"Archive", "Old"} {
				if to, ok := a.Lookup(name); ok && to.Messages != 0 && !done {
					t.Errorf("%s, left after %d Steps: %d messages in %s", line, after, to.Messages, name)
				}
			}
			if inbox.Messages != 100 && !done {
				t.Errorf("%s, left after %d Steps: %d messages in INBOX", line, after, inbox.Messages)
			}
			if n := f.intents(); n != 0 {
				t.Errorf("%s, left after %d Steps: %d intents", line, after, n)
			}
		}
	}
}

// intents counts what of alice's is neither done nor undone.
func (f *fixture) intents() (n int) {
	err := f.engine.View(context.Background(), 1, func(r kv.Reader) error {
		got, err := r.Read(context.Background(), kv.Reads{Ranges: []kv.Range{
			{From: []byte("w"), To: []byte("x")}, {From: []byte("d"), To: []byte("e")}}})
		n = got.Ranges[0].Len() + got.Ranges[1].Len()
		return err
	})
	f.check(err)
	return n
}
