package imapserver

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/ops/conn"
)

// A message whose record is lost or damaged hides no other: the rest is given,
// and the FETCH ends with NO.
func TestDamagedMessageHidesNoOther(t *testing.T) {
	f := newFixture(t)
	f.fill(3, []byte("Subject: hello\r\n\r\nHello.\r\n"))
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	var second kv.Pairs
	f.check(f.engine.Update(context.Background(), 1, func(tx kv.Tx) error {
		got, err := tx.Read(context.Background(), kv.Reads{Ranges: []kv.Range{{From: []byte{'b'}, To: []byte{'c'}}}})
		if second = got.Ranges[0]; err == nil {
			tx.Set(second.Key(1), append([]byte{1, 0}, "short"...))
		}
		return err
	}))
	for line, want := range map[string]string{
		"FETCH 1:3 (UID BODY.PEEK[])": "* 1 FETCH (UID 1 BODY[] {26}\r\nSubject: hello\r\n\r\nHello.\r\n)\r\n" +
			"* 3 FETCH (UID 3 BODY[] {26}\r\nSubject: hello\r\n\r\nHello.\r\n)\r\na NO [CORRUPTION] ",
		"FETCH 1:3 (UID BINARY.SIZE[1])":  "* 1 FETCH (UID 1 BINARY.SIZE[1] 8)\r\n* 3 FETCH (UID 3 BINARY.SIZE[1] 8)\r\na NO [CORRUPTION] ",
		"FETCH 1:3 (UID BODY.PEEK[TEXT])": "* 1 FETCH (UID 1 BODY[TEXT] {8}\r\nHello.\r\n)\r\n* 3 FETCH (UID 3 BODY[TEXT] {8}\r\nHello.\r\n)\r\na NO [CORRUPTION] ",
		"FETCH 1:3 (RFC822.SIZE)":         "* 1 FETCH (RFC822.SIZE 26)\r\n* 2 FETCH (RFC822.SIZE 26)\r\n* 3 FETCH (RFC822.SIZE 26)\r\na OK ",
		"SEARCH BODY hello":               "* SEARCH 1 3\r\na OK ",
		"SEARCH SUBJECT hello":            "* SEARCH 1 2 3\r\na OK ",
	} {
		if out := p.say(t, "a "+line); !strings.HasPrefix(out, want) {
			t.Errorf("%s: %s", line, out)
		}
	}
	if !strings.Contains(f.log.String(), "cannot be searched") {
		t.Error("not logged")
	}
}

// The header kept beside a message may be cut: all of it is still there.
func TestHeaderBeyondWhatIsKept(t *testing.T) {
	f := newFixture(t)
	filler := strings.Repeat("X-Filler: "+strings.Repeat("y", 60)+"\r\n", 5000)
	f.deliver("INBOX", []byte("Subject: long\r\n"+filler+"X-Last: here\r\n\r\nbody\r\n"))
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	for line, want := range map[string]string{
		"FETCH 1 BODY.PEEK[HEADER.FIELDS (X-LAST)]":                    "* 1 FETCH (BODY[HEADER.FIELDS (X-LAST)] {16}\r\nX-Last: here\r\n\r\n)\r\na OK ",
		"FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (X-Filler SUBJECT)]<0.9>": "* 1 FETCH (BODY[HEADER.FIELDS.NOT (X-Filler SUBJECT)]<0> {9}\r\nX-Last: h)\r\na OK ",
		"SEARCH HEADER X-Last here":                                    "* SEARCH 1\r\na OK ",
		"SEARCH NOT HEADER X-Last here":                                "* SEARCH\r\na OK ",
		"SEARCH TEXT \"last: here\"":                                   "* SEARCH 1\r\na OK ",
	} {
		if out := p.say(t, "a "+line); out != want+strings.Fields(line)[0]+" completed\r\n" {
			t.Errorf("%s: %.300s", line, out)
		}
	}
	head := fmt.Sprintf("* 1 FETCH (BODY[HEADER] {%d}\r\nSubject: long\r\n", len(filler)+31)
	if out := p.say(t, "a FETCH 1 BODY.PEEK[HEADER]"); !strings.HasPrefix(out, head) || !strings.Contains(out, "X-Last: here\r\n\r\n)\r\na OK") {
		t.Errorf("HEADER: %.100q", out)
	}
}

// What holds NULs is in base64 for all items but BINARY, and is said to be (RFC
// 3516 §6).
func TestBinaryMessageIsShownInBase64(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", []byte("MIME-Version: 1.0\r\nContent-Type: image/gif\r\nContent-Transfer-Encoding: binary\r\n\r\nab\x00\x01\r\n\x00\xff\n\xfe"))
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	const header = "MIME-Version: 1.0\r\nContent-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	for items, want := range map[string]string{
		"RFC822.SIZE BODYSTRUCTURE":      `RFC822.SIZE 97 BODYSTRUCTURE ("IMAGE" "GIF" NIL NIL NIL "BASE64" 16 NIL NIL NIL NIL)`,
		"BODY.PEEK[]":                    "BODY[] {97}\r\n" + header + "YWIAAQ0KAP8K/g==",
		"BODY.PEEK[HEADER]":              "BODY[HEADER] {81}\r\n" + header,
		"BODY.PEEK[1.MIME]":              "BODY[1.MIME] {81}\r\n" + header,
		"BODY.PEEK[1] BODY.PEEK[1]<4.4>": "BODY[1] {16}\r\nYWIAAQ0KAP8K/g== BODY[1]<4> {4}\r\nAQ0K",
		"BINARY.SIZE[1] BINARY.PEEK[1]":  "BINARY.SIZE[1] 10 BINARY[1] ~{10}\r\nab\x00\x01\r\n\x00\xff\n\xfe",
		"BINARY.PEEK[1]<5.3>":            "BINARY[1]<5> ~{3}\r\n\n\x00\xff",
	} {
		if out := p.say(t, "a FETCH 1 ("+items+")"); out != "* 1 FETCH ("+want+")\r\na OK FETCH completed\r\n" {
			t.Errorf("%s: %q", items, out)
		}
	}
}

// A disk that is full keeps nobody from reading; only \Seen is not set then.
func TestFullDiskKeepsNobodyFromReading(t *testing.T) {
	full := false
	f := newFixtureOn(t, memkv.New(memkv.Options{Decide: func(kv.Account, kv.TxID) (memkv.Fate, error) {
		if full {
			return memkv.Refuse, kv.ErrNoSpace
		}
		return memkv.Commit, nil
	}}))
	f.deliver("INBOX", nil)
	p := f.login()
	p.say(t, "x SELECT INBOX")
	full = true
	if out := p.say(t, "a FETCH 1 BODY[TEXT]"); out != "* 1 FETCH (BODY[TEXT] {8}\r\nHello.\r\n)\r\na OK FETCH completed\r\n" {
		t.Error(out)
	}
	full = false
	if out := p.say(t, "a FETCH 1 BODY[TEXT]"); !strings.HasPrefix(out, `* 1 FETCH (FLAGS (\Seen \Recent) BODY[TEXT]`) {
		t.Error(out)
	}
}

// An index of another version is made anew from the message.
func TestIndexOfAnotherVersion(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	want := p.say(t, "a FETCH 1 (ENVELOPE BODYSTRUCTURE PREVIEW BODY.PEEK[1])")
	f.check(f.engine.Update(context.Background(), 1, func(tx kv.Tx) error {
		got, err := tx.Read(context.Background(), kv.Reads{Ranges: []kv.Range{{From: []byte{'x'}, To: []byte{'y'}}}})
		if err == nil {
			tx.Set(got.Ranges[0].Key(0), binary.AppendUvarint(nil, 77))
		}
		return err
	}))
	if got := p.say(t, "a FETCH 1 (ENVELOPE BODYSTRUCTURE PREVIEW BODY.PEEK[1])"); got != want {
		t.Errorf("%s, before it was %s", got, want)
	}
}

// largeMailbox makes a mailbox that takes many slices to search.
func largeMailbox(f *fixture) *peer {
	f.fill(60, []byte("Subject: large\r\n\r\n"+strings.Repeat("0123456789abcdef\r\n", 20_000)))
	p := f.login()
	p.say(f.t, "x EXAMINE INBOX")
	return p
}

// RFC 9585: a long SEARCH says how far it is.
func TestSearchTellsProgress(t *testing.T) {
	f := newFixture(t)
	p := largeMailbox(f)
	p.in = append(p.in, "a SEARCH BODY nothing\r\n"...)
	steps := 0
	for ; !strings.Contains(string(p.out), "\r\na OK"); steps++ {
		p.step(t)
		if steps < 10 { // less than the autologout
			*f.clock = f.clock.Add(progressEvery)
		}
	}
	out := string(p.out)
	if n := strings.Count(out, `* OK [INPROGRESS ("a" `); n < 1 {
		t.Errorf("%d steps: %s", steps, out)
	}
	if !strings.Contains(out, "* SEARCH\r\na OK SEARCH completed\r\n") {
		t.Error(out)
	}
}

// A SEARCH whose client goes away ends with it.
func TestSearchEndsWithItsClient(t *testing.T) {
	f := newFixture(t)
	p := largeMailbox(f)
	p.in = append(p.in, "a SEARCH BODY nothing\r\n"...)
	p.step(t)
	if s := p.session.(*Session); s.task == nil {
		t.Fatal("SEARCH is not under way")
	}
	p.hangUp()
	if n := f.server.Sessions(); n != 0 {
		t.Errorf("%d sessions left", n)
	}
	if strings.Contains(f.log.String(), "defect") {
		t.Error(f.log)
	}
}

// A large message is sent in pieces that fit the output, and ends when its
// client goes.
func TestLargeBodyIsDrained(t *testing.T) {
	f := newFixture(t)
	body := strings.Repeat("0123456789abcdef\r\n", 100_000)
	f.deliver("INBOX", []byte("Content-Transfer-Encoding: 8bit\r\n\r\n"+body))
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	for _, item := range []string{"BODY.PEEK[TEXT]", "BINARY.PEEK[1]"} {
		p.in = append(p.in, "a FETCH 1 "+item+"\r\n"...)
		var out strings.Builder
		for p.due() {
			p.step(t)
			if len(p.out) > 2*conn.HighWater {
				t.Fatalf("%s: one Step wrote %d bytes", item, len(p.out))
			}
			out.Write(p.out)
			p.out = p.out[:0]
		}
		name := strings.Replace(item, ".PEEK", "", 1)
		if want := fmt.Sprintf("* 1 FETCH (%s {%d}\r\n%s)\r\na OK FETCH completed\r\n", name, len(body), body); out.String() != want {
			t.Errorf("%s: %d bytes", item, out.Len())
		}
	}
	p.in = append(p.in, "a FETCH 1 BODY.PEEK[]\r\n"...)
	p.step(t)
	p.hangUp()
	if n := f.server.Sessions(); n != 0 {
		t.Errorf("%d sessions left", n)
	}
}

// So is a long list of numbers.
func TestLongSearchIsDrained(t *testing.T) {
	const n = 30_000
	f := newFixture(t)
	f.fill(n, []byte("Subject: x\r\n\r\n"))
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	p.in = append(p.in, "a SEARCH ALL\r\n"...)
	var out strings.Builder
	for p.due() {
		p.step(t)
		if len(p.out) > conn.HighWater+8*numbersPerBreath {
			t.Fatalf("one Step wrote %d bytes", len(p.out))
		}
		out.Write(p.out)
		p.out = p.out[:0]
	}
	if !strings.HasSuffix(out.String(), fmt.Sprintf(" %d %d\r\na OK SEARCH completed\r\n", n-1, n)) || strings.Count(out.String(), " ") != n+4 {
		t.Errorf("%d bytes", out.Len())
	}
}

// A message that turns out to be cut off when a part of it has been announced
// and sent ends the connection: nothing else would be understood. What can be
// seen before is refused.
func TestDamageInTheMiddleEndsTheConnection(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", []byte("Subject: x\r\n\r\n"+strings.Repeat("0123456789abcdef\r\n", 100_000)))
	files, err := filepath.Glob(filepath.Join(filepath.Dir(t.TempDir()), "*", "bodies", "*"))
	f.check(err)
	cutOff := 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		f.check(err)
		if at := bytes.LastIndex(b, []byte("cdef\r\n0123456789")); at > 1_500_000 {
			f.check(os.Truncate(name, int64(at)))
			cutOff++
		}
	}
	if cutOff != 1 {
		t.Fatalf("%d of %v cut off", cutOff, files)
	}
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	if out := p.say(t, "a FETCH 1 BODY.PEEK[]<1790000.20000>"); out != "a NO [CORRUPTION] Some of the messages cannot be read\r\n" {
		t.Errorf("%d bytes, %.100q", len(out), out)
	}
	if out := p.say(t, "b FETCH 1 BODY.PEEK[]"); !p.closed || strings.Contains(out, "b ") || len(out) < 1_000_000 {
		t.Errorf("closed %v after %d bytes", p.closed, len(out))
	}
}
