package dsn

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"citron/mail/message"
	"citron/submission"
	"citron/wire/smtp"
)

var update = flag.Bool("update", false, "write testdata")

const original = "From: Alice@Example.ORG\r\nTo: many\r\nSubject: Lunch\r\nMessage-ID: <1@Example.ORG>\r\n\r\nAt noon?\r\n"

var zone = time.FixedZone("", -4*3600)

// example is what all examples of RFC 3461 §10 begin with.
func example(host string, rcpts ...Recipient) *Report {
	r := &Report{
		Hostname: host, QueueID: "q7", ID: "abcde", Now: time.Date(1994, 7, 7, 17, 16, 5, 0, zone), Recipients: rcpts,
		Envelope: &submission.Envelope{
			Sender: "alice", Account: 1,
			Mail:     smtp.Mail{From: smtp.Path{Local: "Alice", Domain: "Example.ORG"}, Return: smtp.ReturnHeaders, EnvelopeID: "QQ314159"},
			Received: time.Date(1994, 7, 2, 21, 10, 28, 0, time.UTC),
			Content:  submission.Content{MessageID: "<1@Example.ORG>"},
		},
	}
	for _, local := range []string{"Bob@Example.COM", "Carol@Ivory.EDU", "Dana@Ivory.EDU", "Eric@Bombs.AF.MIL"} {
		at := strings.IndexByte(local, '@')
		r.Envelope.Rcpts = append(r.Envelope.Rcpts, smtp.Rcpt{
			To: smtp.Path{Local: local[:at], Domain: local[at+1:]}, Original: smtp.OriginalRecipient{Type: "rfc822", Address: local},
		})
	}
	return r
}

func write(t testing.TB, r *Report, original string) (string, submission.Content) {
	var b bytes.Buffer
	c, err := Write(&b, r, strings.NewReader(original), int64(len(original)))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), c
}

// RFC 2045 §6.4: what is around parts with 8 bits, or binary, says so.
func TestOuterEncoding(t *testing.T) {
	for want, c := range map[string]struct {
		text string
		is   submission.Content
		from string
		ret  smtp.Return
	}{
		"":       {original, submission.Content{}, "alice", smtp.ReturnFull},
		"8bit":   {strings.Replace(original, "noon", "no\xc3\xb6n", 1), submission.Content{EightBit: true}, "alice", smtp.ReturnFull},
		"binary": {strings.Replace(original, "noon", "no\x00n", 1), submission.Content{Binary: true}, "alice", smtp.ReturnFull},
		" 8bit":  {original, submission.Content{}, "älice", smtp.ReturnHeaders},
		"  8bit": {strings.Replace(original, "Lunch", "Süßes", 1), submission.Content{UTF8Header: true}, "älice", smtp.ReturnHeaders},
		" ":      {strings.Replace(original, "Lunch", "Süßes", 1), submission.Content{UTF8Header: true}, "alice", smtp.ReturnHeaders},
	} {
		r := example("Example.ORG", Recipient{Index: 1, Status: smtp.Status{Class: 5, Subject: 1, Detail: 1}})
		if c.from == "älice" {
			r.Envelope.Rcpts[1] = smtp.Rcpt{To: smtp.Path{Local: "jörg", Domain: "example.com"}}
		}
		r.Envelope.Mail.From.Local, r.Envelope.Mail.Return, r.Envelope.Content = c.from, c.ret, c.is
		got, is := write(t, r, c.text)
		head, _, _ := strings.Cut(got, "\r\n\r\n")
		value, _ := message.FirstField([]byte(head+"\r\n"), "content-transfer-encoding")
		if said := strings.TrimSpace(string(value)); said != strings.TrimSpace(want) {
			t.Errorf("%q, not %q, of %+v", said, want, c)
		}
		if is.Binary != (want == "binary") || is.EightBit != strings.HasSuffix(want, "8bit") {
			t.Errorf("%q: %+v", want, is)
		}
	}
}

// TestReports compares whole reports with testdata (RFC 3464 §2, §2.1).
func TestReports(t *testing.T) {
	utf8 := example("mail.example.net", Recipient{Index: 0, Status: smtp.Status{Class: 5, Subject: 6, Detail: 7}, Code: 553, Text: "Non-ASCII address not permitted \u2013 sorry", Host: "mx.example.com"})
	utf8.Envelope.Rcpts[0] = smtp.Rcpt{To: smtp.Path{Local: "jörg", Domain: "exämple.com"}, Original: smtp.OriginalRecipient{Type: "utf-8", Address: "jörg@exämple.com"}}
	utf8.Envelope.Content.UTF8Header, utf8.Envelope.Mail.UTF8 = true, true
	utf8.Envelope.Mail.Return = smtp.ReturnFull
	own := *utf8
	envelope := *utf8.Envelope
	own.Envelope = &envelope
	own.Envelope.Mail.From = smtp.Path{Local: "älice", Domain: "example.org"}
	mixed := example("Example.ORG",
		Recipient{Index: 1, Status: smtp.Status{Class: 5, Subject: 1, Detail: 1}, Code: 550, Text: "error - no such recipient", Host: "Ivory.EDU", Attempted: time.Date(1994, 7, 7, 21, 15, 49, 0, time.UTC)},
		Recipient{Index: 3, Action: Delayed, Text: "connection timed out", Attempted: time.Date(1994, 7, 7, 21, 15, 49, 0, time.UTC), RetryUntil: time.Date(1994, 7, 9, 21, 10, 28, 0, time.UTC)})
	mixed.Envelope.Mail.Return = smtp.ReturnFull
	ended := example("Example.ORG",
		Recipient{Index: 0, Status: smtp.Status{Class: 5, Subject: 7, Detail: 1}, Code: 451, Text: "greylisted", Host: "mx.Example.COM", Ended: "no delivery was possible for 5 days"},
		Recipient{Index: 1, Status: smtp.Status{Class: 5, Subject: 4, Detail: 2}, Text: "the connection broke", Host: "Ivory.EDU", Ended: "no delivery was possible for 5 days"},
		Recipient{Index: 3, Status: smtp.Status{Class: 5}, Ended: "the operator removed the message"})
	lines := example("Example.ORG",
		Recipient{Index: 0, Code: 550, Text: "mailbox unavailable\nuser has moved with no forwarding address", Host: "mx.example.com"},
		Recipient{Index: 1, Status: smtp.Status{Class: 5, Subject: 1, Detail: 1}, Code: 550, Host: "Ivory.EDU",
			Text: "5.1.1 The address that you tried to reach  does not exist.\n5.1.1\n5.1.1 See https://ivory.edu/no-such-user"},
		Recipient{Index: 3, Code: 554, Text: "Not\r here\n" + strings.Repeat("x", 2000) + "\n\x00 – Status: 2.0.0\n", Host: "Bombs.AF.MIL"})
	mixed.Envelope.Mail.By = smtp.DeliverBy{Mode: smtp.ByReturn, Within: time.Hour}
	mixed.Envelope.Mail.Hold = smtp.Hold{For: time.Minute}
	for name, c := range map[string]struct {
		r        *Report
		original string
		content  submission.Content
	}{
		// RFC 3461 §10.6, §10.7 and §10.8, with this server's text and header.
		"rfc3461-10.6": {example("mail.Example.COM", Recipient{Action: Delivered, Status: smtp.Status{Class: 2}}), original, submission.Content{}},
		"rfc3461-10.7": {example("Example.ORG", Recipient{Index: 1, Code: 550, Text: "error - no such recipient", Host: "Ivory.EDU"}), original, submission.Content{}},
		"rfc3461-10.8": {example("Ivory.EDU", Recipient{Index: 2, Action: Relayed, Status: smtp.Status{Class: 2}}), original, submission.Content{}},
		"mixed":        {mixed, original, submission.Content{}},
		// RFC 6533 §4.5, §6.3, §6.4, §6.5: a way back that may not do SMTPUTF8, and one that must.
		// Diagnostic-Code is what the host said, and nothing else (RFC 3464 §2.3.6).
		"ended": {ended, original, submission.Content{}},
		// RFC 3461 §9.2: a transcription, line by line, enhanced codes and all.
		"rfc3461-9.2": {lines, original, submission.Content{}},
		"utf8":        {utf8, strings.Replace(original, "Lunch", "Süßes", 1), submission.Content{}},
		"utf8-own":    {&own, strings.Replace(original, "Lunch", "Süßes", 1), submission.Content{EightBit: true, UTF8Header: true}},
	} {
		got, content := write(t, c.r, c.original)
		c.content.MessageID = "<abcde@" + c.r.Hostname + ">"
		if content != c.content {
			t.Errorf("%s: %+v", name, content)
		}
		file := filepath.Join("testdata", name+".eml")
		if *update {
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(got, "\r\n", "\n")), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), strings.ReplaceAll(got, "\r\n", "\n")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if err := wellFormed(got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// wellFormed checks what every report is made of (RFC 3464 §2).
func wellFormed(report string) error {
	m, _ := message.Parse(strings.NewReader(report))
	tree := m.Tree()
	if typ, sub := m.MediaType(0); typ != "multipart" || sub != "report" {
		return fmt.Errorf("%s/%s", typ, sub)
	}
	var kinds []string
	for c := tree[0].Child; c >= 0; c = tree[c].Next {
		typ, sub := m.MediaType(int(c))
		kinds = append(kinds, typ+"/"+sub)
		if len(kinds) == 2 {
			status, err := message.AppendDecoded(nil, []byte(report[tree[c].Body:tree[c].End]), tree[c].Encoding, false)
			if err == nil {
				err = statusFields(string(status))
			}
			if err != nil {
				return err
			}
		}
	}
	if len(kinds) != 3 || kinds[0] != "text/plain" || !strings.HasSuffix(kinds[1], "delivery-status") {
		return fmt.Errorf("parts %q", kinds)
	}
	return nil
}

// statusFields checks that the fields are those that there must be, and that
// hostile values made no others.
func statusFields(status string) error {
	groups := strings.Split(strings.TrimSuffix(status, "\r\n"), "\r\n\r\n")
	for i, g := range groups {
		need := map[string]bool{"Reporting-MTA": true}
		if i > 0 {
			need = map[string]bool{"Final-Recipient": true, "Action": true, "Status": true}
		}
		seen := make(map[string]bool)
		for f := range message.Fields([]byte(g)) {
			name := string(f.Name)
			if !known[name] || seen[name] {
				return fmt.Errorf("field %q in %q", f.Raw, status)
			}
			seen[name] = true
			delete(need, name)
		}
		if len(need) > 0 {
			return fmt.Errorf("no %v in %q", need, g)
		}
		for line := range strings.SplitSeq(g, "\r\n") {
			if len(line) > message.MaxLine || strings.ContainsAny(line, "\r\n\x00") {
				return fmt.Errorf("line %q", line)
			}
		}
	}
	return nil
}

// RFC 3464 §2.4: registered, or with X- in front.
var known = map[string]bool{
	"Original-Envelope-Id": true, "Reporting-MTA": true, "Arrival-Date": true, "Deliver-By-Date": true, "Future-Release-Request": true,
	"X-Citron-Queue-ID": true, "Original-Recipient": true, "Final-Recipient": true, "Action": true, "Status": true, "Remote-MTA": true,
	"Diagnostic-Code": true, "Localized-Diagnostic": true, "Last-Attempt-Date": true, "Will-Retry-Until": true,
}

// TestFields: which fields there are, and which there must not be.
func TestFields(t *testing.T) {
	at := time.Date(1994, 7, 7, 21, 15, 49, 0, time.UTC)
	r := example("Example.ORG",
		Recipient{Index: 0, Action: Delayed, Attempted: at, RetryUntil: at},
		Recipient{Index: 1, Action: Failed, RetryUntil: at, Status: smtp.Status{Class: 3}, Text: "two\r\nlines"},
		Recipient{Index: 2, Action: Delivered, Status: smtp.Status{Class: 2, Subject: 1, Detail: 5}},
	)
	r.Envelope.Mail.EnvelopeID = "Case+Kept = so"
	r.Envelope.Mail.Hold.Until = at
	r.Envelope.Rcpts[0] = smtp.Rcpt{To: smtp.Path{Local: "two  words", Domain: "Example.COM"}}
	r.Envelope.Rcpts[1].Original = smtp.OriginalRecipient{Type: "utf-8", Address: "a+b@example.com"}
	for _, c := range []struct{ has, not, why string }{
		{"Original-Envelope-Id: Case+Kept = so\r\n", "", "RFC 3461 §6.3, RFC 3464 §2.2.1"},
		{"Reporting-MTA: dns; Example.ORG\r\n", "", "RFC 3461 §6.3"},
		{"Arrival-Date: Sat, 2 Jul 1994 17:10:28 -0400\r\n", "DSN-Gateway", "RFC 3464 §2.2.3, §2.2.5, RFC 4865 §5.1.2"},
		{"Future-Release-Request: until;1994-07-07T21:15:49Z\r\n", "Deliver-By-Date", "RFC 4865 §5.1.2"},
		// RFC 3461 §6.3, §9.1, RFC 3464 §2.3.2, §3: exactly what was in the envelope.
		{"\r\n\r\nFinal-Recipient: rfc822;\"two  words\"@Example.COM\r\nAction: delayed\r\nStatus: 4.0.0\r\nLast-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400\r\nWill-Retry-Until: Thu, 7 Jul 1994 17:15:49 -0400\r\n\r\n", "", "RFC 3464 §2.3.3, §2.3.4, §2.3.7, §2.3.9"},
		// RFC 6533 §3: only ASCII where the whole is message/delivery-status.
		{"\r\n\r\nOriginal-Recipient: utf-8;a\\x{2B}b@example.com\r\nFinal-Recipient: rfc822;Carol@Ivory.EDU\r\nAction: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: x-citron; two lines\r\n\r\n", "Remote-MTA", "RFC 3464 §2.3.5, §2.3.7, §2.3.9"},
		{"Action: delivered\r\nStatus: 2.1.5\r\n", "", "RFC 3464 §2.3.3"},
	} {
		got := string(r.status())
		if !strings.Contains(got, c.has) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: %q\n%s", c.why, c.has, got)
		}
	}
	// RFC 3464 §2: to the very address.
	r.Envelope.Mail.From.Local = "al  ice"
	if got := string(r.header("7bit")); !strings.Contains(got, "\r\nTo: <\"al  ice\"@Example.ORG>\r\n") {
		t.Error(got)
	}
	r.Envelope.Mail.EnvelopeID = ""
	if got := string(r.status()); strings.Contains(got, "Original-Envelope-Id") { // RFC 3464 §2.2.1
		t.Error(got)
	}
	// RFC 6533 §4.1: in message/global-delivery-status addresses are as they are.
	r.Envelope.Rcpts[2].To.Local = "dänä"
	if got := string(r.status()); !strings.Contains(got, ": utf-8;a+b@example.com\r\n") || !strings.Contains(got, ": utf-8;dänä@Ivory.EDU\r\n") {
		t.Error(got)
	}
}

// TestReturned: what of the message is in the report.
func TestReturned(t *testing.T) {
	big := original + strings.Repeat("x\r\n", 100_000)
	signed := "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xfc\r\n--b--\r\n"
	failed := Recipient{Index: 1}
	for name, c := range map[string]struct {
		ret      smtp.Return
		change   func(*Report)
		original string
		kind     string
		content  submission.Content
	}{
		"unsaid":        {smtp.ReturnUnsaid, nil, original, "message/rfc822", submission.Content{}},
		"unsaid, big":   {smtp.ReturnUnsaid, nil, big, "text/rfc822-headers", submission.Content{}},
		"FULL, big":     {smtp.ReturnFull, nil, big, "message/rfc822", submission.Content{}},
		"HDRS":          {smtp.ReturnHeaders, nil, original, "text/rfc822-headers", submission.Content{}},
		"too large":     {smtp.ReturnFull, func(r *Report) { r.MaxReturn = 1000 }, big, "text/rfc822-headers", submission.Content{}},
		"no failure":    {smtp.ReturnFull, func(r *Report) { r.Recipients[0].Action = Delayed }, original, "text/rfc822-headers", submission.Content{}},  // RFC 3461 §6.2
		"REQUIRETLS":    {smtp.ReturnFull, func(r *Report) { r.Envelope.Mail.RequireTLS = true }, original, "text/rfc822-headers", submission.Content{}}, // RFC 8689 §5
		"8bit":          {smtp.ReturnFull, func(r *Report) { r.Envelope.Content.EightBit = true }, original + "\xfc", "message/rfc822", submission.Content{EightBit: true}},
		"binary":        {smtp.ReturnFull, func(r *Report) { r.Envelope.Content.Binary = true }, original + "\x00", "message/rfc822", submission.Content{Binary: true}},
		"unconvertible": {smtp.ReturnFull, func(r *Report) { r.Envelope.Content.EightBit = true }, signed, "text/rfc822-headers", submission.Content{}}, // RFC 6522 §3
		"no header":     {smtp.ReturnHeaders, nil, "\r\nx", "text/rfc822-headers", submission.Content{}},
		"no text":       {smtp.ReturnHeaders, nil, "Subject: x\r\n", "text/rfc822-headers", submission.Content{}},
		"no line":       {smtp.ReturnHeaders, nil, "Subject: x", "text/rfc822-headers", submission.Content{}},
		"large header":  {smtp.ReturnHeaders, nil, strings.Repeat("X: y\r\n", 300_000) + "\r\n", "text/rfc822-headers", submission.Content{}},
	} {
		r := example("example.org", failed)
		r.Envelope.Mail.Return = c.ret
		if c.change != nil {
			c.change(r)
		}
		got, content := write(t, r, c.original)
		content.MessageID = ""
		m, _ := message.Parse(strings.NewReader(got))
		tree := m.Tree()
		third := tree[tree[tree[0].Child].Next].Next
		typ, sub := m.MediaType(int(third))
		if typ+"/"+sub != c.kind || content != c.content {
			t.Errorf("%s: %s/%s, %+v", name, typ, sub, content)
		}
		if body := got[tree[third].Body:tree[third].End]; sub == "rfc822" && body != c.original {
			t.Errorf("%s: %q", name, body)
		} else if sub != "rfc822" && !strings.HasPrefix(c.original, body) {
			t.Errorf("%s: %.100q", name, body)
		}
		if err := wellFormed(got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// RFC 3461 §6.1, RFC 3464 §2, RFC 6710 §4.6, RFC 8689 §5
func TestEnvelope(t *testing.T) {
	r := example("example.org", Recipient{})
	r.Envelope.Mail.Priority = smtp.Priority{Said: true, Level: 4}
	r.Envelope.Mail.RequireTLS = true
	got := r.NewEnvelope(submission.Content{Binary: true})
	want := submission.Envelope{
		Mail:     smtp.Mail{Body: smtp.BodyBinary, Priority: r.Envelope.Mail.Priority, RequireTLS: true},
		Rcpts:    []smtp.Rcpt{{To: r.Envelope.Mail.From, Notify: smtp.NotifyNever}},
		Received: r.Now, Content: submission.Content{Binary: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if e := r.NewEnvelope(submission.Content{EightBit: true, UTF8Header: true}); !e.Mail.UTF8 || e.Mail.Body != smtp.Body8Bit {
		t.Errorf("%+v", e)
	}
}

func TestFaults(t *testing.T) {
	r := example("example.org", Recipient{})
	r.Envelope.Mail.Return = smtp.ReturnFull
	fault := errors.New("disk")
	if _, err := Write(iotest.TruncateWriter(io.Discard, 0), r, brokenAt{fault}, 100); !errors.Is(err, fault) {
		t.Error(err)
	}
	if _, err := Write(io.Discard, r, strings.NewReader(original), int64(len(original))+1); err == nil {
		t.Error("a message that ends too early is returned")
	}
	r.Envelope.Mail.From = smtp.Path{} // RFC 3461 §5.2
	if _, err := Write(io.Discard, r, strings.NewReader(original), int64(len(original))); !errors.Is(err, ErrNoSender) {
		t.Error(err)
	}
}

type brokenAt struct{ err error }

func (b brokenAt) ReadAt([]byte, int64) (int, error) { return 0, b.err }

// FuzzReport: whatever next hops and envelopes say, a report is well-formed.
func FuzzReport(f *testing.F) {
	f.Add("5.1.1 no\n\n5.1.1   such  user \n\nAction: delivered\n", "host", "q", "id", "bob", "rfc822", "x", original, byte(0), 550)
	f.Add("no\r\n\r\nAction: delivered", "host\r\nX: y", "q\r\n", "id", "bob", "rfc822", "x@y", original, byte(0), 550)
	f.Add("\xff\u202e", "\x00", "", "\r", "ö ö\r\n", "utf-8", "ö", "Subject: =?utf-8?q?=0d=0a--report-abcde?=\r\n\r\n", byte(1), 0)
	f.Add("no", "host", "q", "id", "bob\r\nAction: delivered\r\nX", "rfc822", "x", original, byte(0), 0)
	f.Fuzz(func(t *testing.T, text, host, queue, id, local, kind, address, original string, action byte, code int) {
		if strings.Contains(original, "--report-") {
			return // nobody can foresee the boundary
		}
		r := example("example.org", Recipient{Index: 0, Action: Action(action % 4), Text: text, Host: host, Code: code})
		r.QueueID = queue
		r.Envelope.Mail.EnvelopeID = id
		r.Envelope.Mail.Return = smtp.ReturnFull
		r.Envelope.Rcpts[0] = smtp.Rcpt{To: smtp.Path{Local: local, Domain: "example.com"}, Original: smtp.OriginalRecipient{Type: kind, Address: address}}
		got, c := write(t, r, original)
		if err := wellFormed(got); err != nil {
			t.Fatalf("%v\n%q", err, got)
		}
		if again, c2 := write(t, r, original); again != got || c2 != c {
			t.Fatal("again something else")
		}
	})
}
