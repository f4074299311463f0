package imapserver

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"citron/engine/kv"
	"citron/engine/kv/memkv"
)

var changing = []string{
	"CREATE new", "SUBSCRIBE new", "RENAME new newer", "APPEND INBOX {14+}\r\nSubject: a\r\n\r\n",
	`STORE 1 +FLAGS (\Deleted)`, `STORE 2:3 FLAGS.SILENT ($Junk)`, "COPY 2 newer", "MOVE 3 newer", "EXPUNGE",
	"GENURLAUTH imap://alice@h/newer/;UID=1;URLAUTH=anonymous INTERNAL", "RESETKEY newer", "RESETKEY",
	"APPEND newer CATENATE (URL /INBOX/;UID=4)", "REPLACE 1 newer {14+}\r\nSubject: a\r\n\r\n", "DELETE newer",
}

// Nothing is acknowledged, nor told to anybody, before it is durable: when the
// engine is about to commit, the session has written nothing.
func TestNothingIsAcknowledgedBeforeDurable(t *testing.T) {
	var watched *peer
	commits := 0
	f := newFixtureOn(t, memkv.New(memkv.Options{Decide: func(kv.Account, kv.TxID) (memkv.Fate, error) {
		if watched != nil {
			commits++
			if s := watched.session.(*Session); len(s.w.Buf) > 0 || len(watched.out) > 0 {
				t.Errorf("already written: %q %q", watched.out, s.w.Buf)
			}
		}
		return memkv.Commit, nil
	}}))
	for range 4 {
		f.deliver("INBOX", nil)
	}
	p := f.login()
	p.say(t, "x SELECT INBOX")
	watched = p
	for _, line := range changing {
		before := commits
		out := p.say(t, "a "+line)
		if !strings.Contains("\r\n"+out, "\r\na OK ") || commits == before {
			t.Errorf("%s: %d commits, %q", line, commits-before, out)
		}
	}
}

// What the engine refuses is a NO, with UNAVAILABLE, and changes nothing.
func TestRefusedCommits(t *testing.T) {
	fate := memkv.Commit
	f := newFixtureOn(t, memkv.New(memkv.Options{Decide: func(kv.Account, kv.TxID) (memkv.Fate, error) {
		return fate, errors.New("injected")
	}}))
	for range 4 {
		f.deliver("INBOX", nil)
	}
	p := f.login()
	p.say(t, "x SELECT INBOX", "x CREATE newer")
	fate = memkv.Refuse
	for _, line := range changing {
		if strings.HasPrefix(line, "RENAME") {
			line = "RENAME newer newest"
		}
		if line == "EXPUNGE" {
			fate = memkv.Commit
			p.say(t, `x STORE 1 +FLAGS.SILENT (\Deleted)`)
			fate = memkv.Refuse
		}
		if out := p.say(t, "a "+line); out != "a NO [UNAVAILABLE] temporary storage failure, try again later\r\n" {
			t.Errorf("%s: %q", line, out)
		}
	}
	fate = memkv.Commit
	if out := p.say(t, "a STATUS INBOX (MESSAGES)"); !strings.Contains(out, "MESSAGES 4") {
		t.Error(out)
	}
	if !bytes.Contains(f.log.Bytes(), []byte("injected")) {
		t.Error("the cause is not in the log")
	}
}
