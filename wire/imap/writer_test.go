package imap_test

import (
	"strings"
	"testing"
	"time"

	"citron/wire/imap"
)

func TestAppendString(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for _, c := range []struct {
		in          string
		plain, utf8 string // AppendString without and with UTF-8; "" for the same
		astring     string // AppendAString without UTF-8; "" for the same
	}{
		{in: "", plain: `""`},
		{in: "a b", plain: `"a b"`},
		{in: "atom]", plain: `"atom]"`},
		{in: "atom", plain: `"atom"`, astring: "atom"},
		{in: "nil", plain: `"nil"`},
		{in: "nile", plain: `"nile"`, astring: "nile"},
		{in: `a"\`, plain: `"a\"\\"`},
		{in: "a\r\nb", plain: "{4}\r\na\r\nb"},
		{in: "a\tb", plain: "\"a\tb\""},
		{in: "a\x00b", plain: "{3}\r\na\x80b"},
		{in: "é", plain: "{2}\r\né", utf8: `"é"`},
		{in: "\xff", plain: "{1}\r\n\xff"},
		{in: long, plain: "{2000}\r\n" + long},
	} {
		if c.utf8 == "" {
			c.utf8 = c.plain
		}
		if c.astring == "" {
			c.astring = c.plain
		}
		if got := string(imap.AppendString(nil, c.in, false)); got != c.plain {
			t.Errorf("AppendString(%.20q) = %.30q", c.in, got)
		}
		if got := string(imap.AppendString(nil, []byte(c.in), true)); got != c.utf8 {
			t.Errorf("AppendString(%.20q, UTF-8) = %.30q", c.in, got)
		}
		if got := string(imap.AppendAString(nil, c.in, false)); got != c.astring {
			t.Errorf("AppendAString(%.20q) = %.30q", c.in, got)
		}
	}
	if got := string(imap.AppendNString(nil, nil, false)); got != "NIL" {
		t.Errorf("AppendNString(nil) = %q", got)
	}
	if got := string(imap.AppendNString(nil, []byte{}, false)); got != `""` {
		t.Errorf("AppendNString(empty) = %q", got)
	}
}

func TestAppendDateTime(t *testing.T) {
	for want, in := range map[string]time.Time{
		`"17-Jul-1996 02:44:25 -0700"`: time.Date(1996, 7, 17, 2, 44, 25, 0, time.FixedZone("", -7*3600)),
		`" 1-Jan-2020 23:59:59 +0530"`: time.Date(2020, 1, 1, 23, 59, 59, 9, time.FixedZone("", 5*3600+1800)),
		`"31-Dec-9999 00:00:00 +0000"`: time.Date(12000, 12, 31, 0, 0, 0, 0, time.UTC),
		`"10-Oct-1900 00:00:00 -0001"`: time.Date(1900, 10, 10, 0, 0, 0, 0, time.FixedZone("", -75)),
	} {
		if got := string(imap.AppendDateTime(nil, in)); got != want {
			t.Errorf("AppendDateTime(%v) = %s, want %s", in, got, want)
		}
	}
}

// TestWriterText: what a status response says cannot break the protocol.
func TestWriterText(t *testing.T) {
	var w imap.Writer
	w.Status("a", imap.NO, imap.CodeLimit, "one\r\n* BYE\x00é")
	if got, want := string(w.Buf), "a NO [LIMIT] one??* BYE???\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	w = imap.Writer{UTF8: true}
	w.Status("", imap.OK, nil, "é")
	w.Continue("go on")
	w.ContinueBase64("")
	if got, want := string(w.Buf), "* OK é\r\n+ go on\r\n+ \r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWriterMailboxNames(t *testing.T) {
	for _, c := range []struct{ name, rev1, rev2 string }{
		{"INBOX", "INBOX", "INBOX"},
		{"a&b", "a&-b", "a&b"},
		{"Entwürfe", "Entw&APw-rfe", `"Entwürfe"`},
		{"a b", `"a b"`, `"a b"`},
		{"", `""`, `""`},
	} {
		if got := string(imap.AppendMailbox(nil, c.name, false)); got != c.rev1 {
			t.Errorf("%q: %s, want %s", c.name, got, c.rev1)
		}
		if got := string(imap.AppendMailbox(nil, c.name, true)); got != c.rev2 {
			t.Errorf("%q: %s, want %s", c.name, got, c.rev2)
		}
	}
}

// TestWriterStreams: the session may take Buf away at any point of a FETCH.
func TestWriterStreams(t *testing.T) {
	var w imap.Writer
	var sent []byte
	flush := func() {
		sent = append(sent, w.Buf...)
		w.Buf = w.Buf[:0]
	}
	w.FetchStart(12)
	flush()
	w.FetchUID(7)
	flush()
	item := &imap.FetchItem{Kind: imap.FetchSection, Section: imap.Section{Part: []uint32{1}, Text: imap.SectionMIME}, Partial: &imap.Partial{Offset: 3, Length: 9}}
	w.FetchBodyHead(item, 4, false)
	flush()
	sent = append(sent, "octe"...)
	w.FetchFlags(imap.FlagSeen|imap.FlagDraft, []string{"$a", "b"})
	w.FetchFlags(0, []string{"c"})
	w.FetchFlags(0, nil)
	w.FetchSize(0)
	w.FetchEnd()
	flush()
	want := "* 12 FETCH (UID 7 BODY[1.MIME]<3> {4}\r\nocte FLAGS (\\Seen \\Draft $a b) FLAGS (c) FLAGS () RFC822.SIZE 0)\r\n"
	if string(sent) != want {
		t.Errorf("%q, want %q", sent, want)
	}
}

// TestWriterDoesNotAllocate: FETCH of flags and sizes is the hot path.
func TestWriterDoesNotAllocate(t *testing.T) {
	w := imap.Writer{Buf: make([]byte, 0, 4096)}
	keywords := []string{"$Forwarded", "$Junk"}
	now := time.Now()
	envelope := []byte("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)")
	item := &imap.FetchItem{Kind: imap.FetchSection, Section: imap.Section{Text: imap.SectionHeaderFields, Fields: []string{"Subject"}}}
	n := testing.AllocsPerRun(100, func() {
		w.Buf = w.Buf[:0]
		w.FetchStart(1)
		w.FetchUID(5)
		w.FetchFlags(imap.FlagSeen, keywords)
		w.FetchInternalDate(now)
		w.FetchSize(1234)
		w.FetchModSeq(99)
		w.FetchPreview("some text", true)
		w.FetchRaw(imap.FetchEnvelope, envelope)
		w.FetchBody(item, envelope, false)
		w.FetchEnd()
		w.Status("a1", imap.OK, imap.CodeReadOnly, "done")
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkWriterFetch(b *testing.B) {
	w := imap.Writer{Buf: make([]byte, 0, 4096)}
	keywords := []string{"$Forwarded"}
	for b.Loop() {
		w.Buf = w.Buf[:0]
		w.FetchStart(1)
		w.FetchUID(5)
		w.FetchFlags(imap.FlagSeen, keywords)
		w.FetchSize(1234)
		w.FetchEnd()
	}
}

func BenchmarkParseFetch(b *testing.B) {
	var s imap.Scanner
	input := []byte("a17 UID FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)])\r\n")
	b.ReportAllocs()
	for b.Loop() {
		s.Feed(input)
		if _, _, err := (imap.Parser{}).Parse(s.Frame()); err != nil {
			b.Fatal(err)
		}
		s.Release()
	}
}
