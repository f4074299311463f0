package imapserver

import (
	"context"
	"strings"
	"testing"
	"time"

	"citron/engine/kv"
)

// change rewrites the values of alice's records of a letter.
func (f *fixture) change(letter byte, change func(i int, value []byte) []byte) {
	f.t.Helper()
	f.check(f.engine.Update(context.Background(), 1, func(tx kv.Tx) error {
		got, err := tx.Read(context.Background(), kv.Reads{Ranges: []kv.Range{{From: []byte{letter}, To: []byte{letter + 1}}}})
		if err != nil {
			return err
		}
		p := got.Ranges[0]
		for i := range p.Len() {
			if value := change(i, append([]byte(nil), p.Value(i)...)); value != nil {
				tx.Set(append([]byte(nil), p.Key(i)...), value)
			}
		}
		return nil
	}))
}

// A message that cannot be read is sorted by what the mailbox knows of it, and
// hides no other; one whose index is of another version is read anew.
func TestSortOfDamagedMessages(t *testing.T) {
	f := newFixture(t)
	for _, subject := range []string{"c", "b", "a"} {
		f.deliver("INBOX", []byte("Subject: "+subject+"\r\nDate: 1 Jan 2001 00:00:00 +0000\r\n\r\n"+subject+"\r\n"))
	}
	f.change('x', func(i int, value []byte) []byte {
		if i < 2 {
			value[0] = 200
			return value
		}
		return nil
	})
	f.change('b', func(i int, value []byte) []byte {
		if i == 1 {
			return []byte{1, 0}
		}
		return nil
	})
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	for line, want := range map[string]string{
		"SORT (SUBJECT) UTF-8 ALL":             "* SORT 2 3 1\r\n",
		"SORT (DATE) UTF-8 ALL":                "* SORT 1 3 2\r\n",
		"THREAD ORDEREDSUBJECT UTF-8 ALL":      "* THREAD (1)(3)(2)\r\n",
		"SORT RETURN (COUNT) (FROM) UTF-8 ALL": "* ESEARCH (TAG \"a\") COUNT 3\r\n",
	} {
		if out := p.say(t, "a "+line); out != want+"a OK "+strings.Fields(line)[0]+" completed\r\n" {
			t.Errorf("%s: %s", line, out)
		}
	}
	if n := strings.Count(f.log.String(), "cannot be sorted"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// A message that was expunged elsewhere, and swept long since, is still there
// for a client that was not told (RFC 9051 §7.5.1).
func TestSortOfSweptMessages(t *testing.T) {
	f := newFixture(t)
	for _, subject := range []string{"b", "c", "a"} {
		f.deliver("INBOX", []byte("Subject: "+subject+"\r\n\r\n"))
	}
	p, other := f.login(), f.login()
	p.say(t, "x EXAMINE INBOX")
	other.say(t, "x SELECT INBOX", `y STORE 2 +FLAGS.SILENT (\Deleted)`, "z EXPUNGE")
	*f.clock = f.clock.Add(90 * 24 * time.Hour)
	f.maintain()
	if out := p.say(t, "a SORT (SUBJECT) UTF-8 ALL"); !strings.HasPrefix(out, "* SORT 2 3 1\r\na OK ") {
		t.Errorf("%q", out)
	}
}

// A client that leaves in the middle of a long SORT leaves nothing behind that
// keeps others from sorting.
func TestSortLeft(t *testing.T) {
	f := newFixture(t)
	f.fill(3000, []byte("Subject: hello\r\n\r\n"))
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	p.send("a SORT (SUBJECT) UTF-8 ALL\r\n")
	p.step(t)
	p.hangUp()
	other := f.login()
	other.say(t, "x EXAMINE INBOX")
	out := other.say(t, "a UID SORT (REVERSE SUBJECT) UTF-8 UID 2999:*", "b THREAD ORDEREDSUBJECT UTF-8 1:3")
	if out != "* SORT 2999 3000\r\na OK SORT completed\r\n* THREAD (1 (2)(3))\r\nb OK THREAD completed\r\n" {
		t.Errorf("%q", out)
	}
}
