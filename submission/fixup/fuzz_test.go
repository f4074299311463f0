package fixup

import (
	"bytes"
	"strings"
	"testing"

	"citron/mail/message"
)

// FuzzFilter: however the message is cut, the outcome is the same; no bare CR or
// LF comes out and no Bcc; and what came out needs no more mending.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		whole + "\r\nhello\r\n", whole + "Bcc: x@y\r\n\r\nx", "hello\nworld", "\r\r\n\r", whole + "Subject : a\n \n b\r\r\n\r\n.\r.\n",
		"From x\nBcc: a\n\n", whole + "To: a@b\nTo: c@d\n\n\x00", whole + "Bcc :a\r\n b\r\n\r\n",
	} {
		f.Add([]byte(s), 3, false, false)
		f.Add([]byte(s), 1, true, true)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int, utf8, binary bool) {
		o := options()
		o.UTF8, o.Binary = utf8, binary
		o.MaxHeader = 4096
		at := 0
		if len(in) > 0 {
			at = max(cut, -cut) % len(in)
		}
		if at < 0 {
			at = 0
		}
		once, c1, err1 := run(o, string(in))
		twice, c2, err2 := run(o, string(in[:at]), string(in[at:]))
		var pieces []string
		for _, b := range in {
			pieces = append(pieces, string([]byte{b}))
		}
		each, c3, err3 := run(o, pieces...)
		if err1 != err2 || err1 != err3 {
			t.Fatalf("%v, %v, %v", err1, err2, err3)
		}
		if err1 != nil {
			return
		}
		if !strings.Contains(strings.ReplaceAll(once, "\r\n", ""), c1.MessageID) {
			t.Fatalf("%q is not in the message", c1.MessageID)
		}
		made := strings.HasSuffix(c1.MessageID, "@mail.example.org>")
		same := func(a, b string) bool { return a == b || made && len(a) == len(b) }
		if !same(once, twice) || !same(once, each) {
			t.Fatalf("cut:\n%q\n%q\n%q", once, twice, each)
		}
		if c1.MessageID, c2.MessageID, c3.MessageID = "", "", ""; c1 != c2 || c1 != c3 {
			t.Fatalf("%+v, %+v, %+v", c1, c2, c3)
		}
		clean(t, []byte(once), binary)
		again, _, err := run(o, once)
		if err != nil || again != receivedAgain(o)+once {
			t.Fatalf("again: %v\n%q\n%q", err, once, again)
		}
	})
}

func receivedAgain(o Options) string { return string(o.appendReceived(nil)) }

func clean(t *testing.T, out []byte, binary bool) {
	end := bytes.Index(out, []byte("\r\n\r\n"))
	head := out
	if end >= 0 {
		head = out[:end+4]
	}
	for fd := range message.Fields(head) {
		switch strings.ToLower(string(fd.Name)) {
		case "":
			t.Fatalf("no field: %q", fd.Raw)
		case "bcc", "resent-bcc", "return-path":
			t.Fatalf("%q", fd.Raw)
		}
	}
	if binary {
		out = head
	}
	if rest := bytes.ReplaceAll(out, crlf, nil); bytes.ContainsAny(rest, "\r\n") {
		t.Fatalf("bare CR or LF: %q", out)
	}
}
