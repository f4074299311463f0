package imap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"citron/wire/imap"
)

func inline(text string) imap.Literal {
	return imap.Literal{Size: int64(len(text)), Sink: -1, Data: []byte(text)}
}

func inline8(text string) imap.Literal {
	l := inline(text)
	l.Binary = true
	return l
}

func urlPart(url string) imap.CatenatePart {
	return imap.CatenatePart{URL: url, Text: imap.Literal{Sink: -1}}
}

// urlCommandTests are the commands of RFC 4467, RFC 4469, RFC 5524 and RFC
// 8508; a nil want is a command to be refused.
var urlCommandTests = []struct {
	text string
	want imap.Command
}{
	{"A3 APPEND Drafts (\\Seen) CATENATE (URL \"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER\" TEXT {4}\r\n\r\n--)",
		&imap.Append{Mailbox: "Drafts", Messages: []imap.AppendMessage{{Flags: flags(imap.FlagSeen), Catenate: []imap.CatenatePart{
			urlPart("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER"), {Text: inline("\r\n--")}}}}}},
	{"a append x catenate (text ~{3+}\r\na\x00b utf8 (~{2+}\r\n\xc3\xa4) url {2+}\r\n/x) {1+}\r\ny CATENATE (URL /y)",
		&imap.Append{Mailbox: "x", Messages: []imap.AppendMessage{
			{Catenate: []imap.CatenatePart{{Text: inline8("a\x00b")}, {Text: inline8("\xc3\xa4"), UTF8: true}, urlPart("/x")}},
			{Message: inline("y")}, {Catenate: []imap.CatenatePart{urlPart("/y")}}}}},
	{"a APPEND x CATENATE ()", nil},
	{"a APPEND x CATENATE (URL \"\")", nil},
	{"a APPEND x CATENATE (URL /x", nil},
	{"a APPEND x CATENATE (TEXT x)", nil},
	{"a APPEND x CATENATE (UTF8 ({1+}\r\nx))", nil},
	{"a APPEND x CATENATE URL /x", nil},
	{"a APPEND x CATENATE (NIL)", nil},
	{"a APPEND x CATENATE (" + strings.Repeat("URL /x ", 1000) + "URL /x)", nil},
	{"A003 REPLACE 4 Drafts (\\Seen \\Draft) {5}\r\nhello", &imap.Replace{Number: 4, Mailbox: "Drafts",
		With: imap.AppendMessage{Flags: flags(imap.FlagSeen | imap.FlagDraft), Message: inline("hello")}}},
	{"A011 UID REPLACE 3002 Drafts CATENATE (TEXT {2}\r\nhi URL \"/Drafts/;UID=3002\")", &imap.Replace{UID: true, Number: 3002, Mailbox: "Drafts",
		With: imap.AppendMessage{Catenate: []imap.CatenatePart{{Text: inline("hi")}, urlPart("/Drafts/;UID=3002")}}}},
	{"a replace * x UTF8 (~{1}\r\ny)", &imap.Replace{Mailbox: "x", With: imap.AppendMessage{UTF8: true, Message: inline8("y")}}},
	{"a REPLACE 1:2 x {1}\r\ny", nil},
	{"a REPLACE 0 x {1}\r\ny", nil},
	{"a REPLACE 1 x {1}\r\ny {1}\r\nz", nil},
	{"a REPLACE 1 x", nil},
	{"a31 RESETKEY", &imap.ResetKey{}},
	{"a32 RESETKEY inbox", &imap.ResetKey{Mailbox: "INBOX"}},
	{"a33 RESETKEY INBOX xsample INTERNAL", &imap.ResetKey{Mailbox: "INBOX", Mechanisms: []string{"XSAMPLE", "INTERNAL"}}},
	{"a RESETKEY INBOX a=b", nil},
	{`a777 GENURLAUTH "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred" internal x Y`, &imap.GenURLAuth{URLs: []imap.URLToAuthorize{
		{URL: "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred", Mechanism: "INTERNAL"}, {URL: "x", Mechanism: "Y"}}}},
	{"a GENURLAUTH", nil},
	{"a GENURLAUTH x", nil},
	{"a GENURLAUTH" + strings.Repeat(" x Y", 1001), nil},
	{`a002 URLFETCH "imap://joe@example.com/INBOX/;uid=20" (u2) (u3 BODYPARTSTRUCTURE binary) (u4 BODY)`, &imap.URLFetch{URLs: []imap.URLToFetch{
		{URL: "imap://joe@example.com/INBOX/;uid=20"}, {URL: "u2"}, {URL: "u3", Items: imap.URLBodyPartStructure | imap.URLBinary}, {URL: "u4", Items: imap.URLBody}}}},
	{"a URLFETCH", nil},
	{"a URLFETCH (u BODY BINARY)", nil},
	{"a URLFETCH (u BODY BODY)", nil},
	{"a URLFETCH (u ENVELOPE)", nil},
	{"a URLFETCH" + strings.Repeat(" x", 1001), nil},
}

// arrive has a Scanner take an APPEND or REPLACE as a session does, and gives
// what ParseAppend said at each literal of a message, and the whole command.
func arrive(t *testing.T, text string) (said []string, whole imap.Command) {
	t.Helper()
	var s imap.Scanner
	var at imap.AppendPoint
	for rest := []byte(text); ; {
		n, ev, err := s.Feed(rest)
		if err != nil {
			t.Fatal(err)
		}
		switch rest = rest[n:]; ev {
		case imap.FrameReady:
			_, whole, err = imap.Parser{}.Parse(s.Frame())
			if err != nil {
				t.Fatal(err)
			}
			return said, whole
		case imap.LiteralStart:
			_, a, err := imap.Parser{}.ParseAppend(s.Frame(), at)
			switch {
			case err != nil:
				t.Fatal(err)
			case a == nil:
				s.Inline()
				continue
			}
			at = a.At
			said = append(said, describe(a))
			s.Sink()
		case imap.NeedMore:
			if len(rest) == 0 {
				t.Fatal("the command does not end")
			}
		}
	}
}

func describe(a *imap.Arriving) string {
	s := fmt.Sprintf("%s %s %d", a.Name(), a.Mailbox, a.Literal().Size)
	if a.Continues {
		s += " more of it"
	}
	for i := range a.Messages {
		s += ":"
		for _, p := range a.Messages[i].Catenate {
			if p.URL != "" {
				s += " " + p.URL
			} else {
				s += fmt.Sprint(" ", p.Text.Size)
			}
		}
	}
	return s
}

func TestParseAppendSoFar(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"a APPEND {5+}\r\ninbox (\\Seen) {3+}\r\nabc UTF8 (~{2+}\r\nhi) {1+}\r\nx\r\n",
			[]string{"APPEND INBOX 3:", "APPEND INBOX 2:", "APPEND INBOX 1:"}},
		{"a APPEND x CATENATE (URL {2+}\r\n/1 TEXT {3+}\r\nabc URL /2 UTF8 (~{2+}\r\nhi) URL /3) CATENATE (URL /4) CATENATE (TEXT ~{1+}\r\nx URL {2+}\r\n/5) UTF8 (~{4+}\r\n1234)\r\n",
			[]string{"APPEND x 3: /1 3", "APPEND x 2 more of it: /2 2", "APPEND x 1 more of it: /3: /4: 1", "APPEND x 4 more of it: /5:"}},
		{"a APPEND x CATENATE (UTF8 (~{2+}\r\nhi) UTF8 (~{2+}\r\nhi)) UTF8 (~{2+}\r\nhi) UTF8 (~{2+}\r\nhi)\r\n",
			[]string{"APPEND x 2: 2", "APPEND x 2 more of it: 2", "APPEND x 2 more of it::", "APPEND x 2:"}},
		{"a UID REPLACE 7 x CATENATE (TEXT {1+}\r\n1 TEXT {2+}\r\n22)\r\n", []string{"REPLACE x 1: 1", "REPLACE x 2 more of it: 2"}},
		{"a REPLACE 7 x {1+}\r\n1\r\n", []string{"REPLACE x 1:"}},
	} {
		said, _ := arrive(t, tt.text)
		if diff := cmp.Diff(tt.want, said); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
	}
}

// What was taken apart at the literals is the whole command.
func TestAfterSink(t *testing.T) {
	_, whole := arrive(t, "a APPEND x {1+}\r\n1 CATENATE (URL /1 TEXT {1+}\r\n1 URL /2) CATENATE (URL /3)\r\n")
	all := whole.(*imap.Append).Messages
	for sink, want := range map[int]string{-1: "3 false", 0: "2 false", 1: "2 true", 2: "0 false"} {
		rest, continues := imap.AfterSink(all, sink)
		if got := fmt.Sprint(len(rest), continues); got != want {
			t.Errorf("after %d: %s", sink, got)
		}
	}
	rest, _ := imap.AfterSink(all, 1)
	if diff := cmp.Diff([]imap.CatenatePart{urlPart("/2")}, rest[0].Catenate); diff != "" {
		t.Error(diff)
	}
}

func TestAppendCuts(t *testing.T) {
	_, whole := arrive(t, "t APPEND INBOX (\\Seen) {5+}\r\nhello UTF8 (~{5+}\r\nhello) CATENATE (TEXT {2+}\r\nhi)\r\n")
	out, cuts := imap.AppendCommand(nil, "t", whole, false)
	if want := "t APPEND INBOX (\\Seen) {5+}\r\n UTF8 (~{5+}\r\n) CATENATE (TEXT {2+}\r\n)\r\n"; string(out) != want {
		t.Errorf("encoded as %q", out)
	}
	if diff := cmp.Diff([]int{29, 43, 66}, cuts); diff != "" {
		t.Errorf("cuts: %s", diff)
	}
}

// TestParseAppendRefuses has what can be answered before the literal comes.
func TestParseAppendRefuses(t *testing.T) {
	for text, wantErr := range map[string]bool{
		"a APPEND a&b {5}\r\n":                    true,
		"a APPEND x (\\Recent) {5}\r\n":           true,
		"a APPEND x \"nonsense\" {5}\r\n":         true,
		"a APPEND x CATENATE (URL /1 FOO {5}\r\n": true,
		"a APPEND x CATENATE (TEXT {5}\r\n":       false,
		"a REPLACE 0 x {5}\r\n":                   true,
		"a LOGIN {5}\r\n":                         false,
		"a UID {5}\r\n":                           false,
		"{5}\r\n":                                 false,
	} {
		var s imap.Scanner
		if _, ev, err := s.Feed([]byte(text)); ev != imap.LiteralStart || err != nil {
			t.Fatalf("%q: %v, %v", text, ev, err)
		}
		if _, _, err := (imap.Parser{}).ParseAppend(s.Frame(), imap.AppendPoint{}); (err != nil) != wantErr {
			t.Errorf("%q: %v", text, err)
		}
	}
}
