package message

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// addresses gives the addresses of a value, one a line.
func addresses(value string) string {
	r := NewAddressReader([]byte(value))
	var out []string
	for a := (Address{}); r.Next(&a); {
		switch a.Kind {
		case GroupStart:
			out = append(out, fmt.Sprintf("group %s", a.Name))
		case GroupEnd:
			out = append(out, "end")
		default:
			s := fmt.Sprintf("%s|%s|%s", a.Name, a.Mailbox, a.Host)
			if len(a.Route) > 0 {
				s += "|" + string(a.Route)
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{" \r\n", ""},
		{",,;,", ""},
		// RFC 5322 appendix A.1 and A.2
		{"John Doe <jdoe@machine.example>", "John Doe|jdoe|machine.example"},
		{`"Joe Q. Public" <john.q.public@example.com>`, "Joe Q. Public|john.q.public|example.com"},
		{"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
			"Mary Smith|mary|x.test\n|jdoe|example.org\nWho?|one|y.test"},
		{`<boss@nil.test>, "Giant; \"Big\" Box" <sysservices@example.net>`,
			"|boss|nil.test\nGiant; \"Big\" Box|sysservices|example.net"},
		{"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
			"group A Group\nEd Jones|c|a.test\n|joe|where.test\nJohn|jdoe|one.test\nend"},
		{"Undisclosed recipients:;", "group Undisclosed recipients\nend"},
		// A.5, A.6
		{"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|pete|silly.test"},
		{"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
			"group A Group\nChris Jones|c|public.example\n|joe|example.org\nJohn|jdoe|one.test\nend"},
		{"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "group Hidden recipients\nend"},
		{"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|john.q.public|example.com"},
		{"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
			"Mary Smith|mary|example.net|@node.test\n|jdoe|test.example"},
		{"<@a.test, @b.test:x@y>", "|x|y|@a.test,@b.test"},
		{"John Doe <jdoe@machine(comment).  example>", "John Doe|jdoe|machine.example"},
		{"joe@example.org (Joe Miller)", "Joe Miller|joe|example.org"},
		{"joe@[192.0.2.1]", "|joe|[192.0.2.1]"},
		{`"quoted local"@example.org`, "|quoted local|example.org"},
		{`"at@sign"@example.org`, "|at@sign|example.org"},
		// broken ones
		{"alice", "|alice|"},
		{"two words", "|two words|"},
		{"Name <>", "Name||"},
		{`"Unclosed <a@b>`, "\"Unclosed|a|b"},
		{"Open <a@b, c@d", "Open|a|b\n|c|d"},
		{"a@b; c@d", "|a|b\n|c|d"},
		{"a@b@c", "|a@b|c"},
		{"(unclosed a@b", "|unclosed a|b"},
		{"<a@b> <c@d>", "|a|b\n|c|d"},
		{"=?utf-8?Q?Doe,_Jane?= <jane@x>", "=?utf-8?Q?Doe,_Jane?=|jane|x"},
		{"group: a@b", "group group\n|a|b\nend"},
		{"g1: g2: a@b;", "group g1\n|g2: a|b\nend"},
		{"Jörg <j@x>", "Jörg|j|x"},
	} {
		if got := addresses(c.in); got != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestDate(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T09:55:06-06:00"},
		{"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)", "1969-02-13T23:32:00-03:30"},
		{"21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06Z"},
		{"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T09:55:06-06:00"},
		{"31 Dec 2000 16:01:33 -0800", "2000-12-31T16:01:33-08:00"}, // RFC 5256 §2.2
		{"Sun, 21 Mar 1993 23:56:48 -0800 (PST)", "1993-03-21T23:56:48-08:00"},
		{"1 Jan 49 00:00 EST", "2049-01-01T00:00:00-05:00"},
		{"1 Jan 101 00:00 Z", "2001-01-01T00:00:00Z"},
		{"Mon Nov 23 15:24:54 2026", "2026-11-23T15:24:54Z"},
		{"Mon, 23 November 2026 15.24.54 +0100", "2026-11-23T15:24:54+01:00"},
		{"2026-11-23T15:24:54.123+02:00", "2026-11-23T15:24:54+02:00"},
		{"2026-11-23 15:24:54Z", "2026-11-23T15:24:54Z"},
		{"23-Nov-2026 15:24:54 +0000", "2026-11-23T15:24:54Z"},
		{"Tue, 1 Jul 2003 10:52:37 GMT+0200", "2003-07-01T10:52:37+02:00"},
		{"Tue, 1 Jul 2003 10:52:37 A", "2003-07-01T10:52:37Z"}, // military: unknown
		{"Tue, 1 Jul 2003 10:52:37 +9999", "2003-07-01T10:52:37Z"},
		{"Tue, 1 Jul 2003 25:00:00 +0200", "2003-07-01T00:00:00+02:00"},
		{"Tue, 1 Jul 2003", "2003-07-01T00:00:00Z"},
		{"Sat, 31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00Z"},
		{"", ""},
		{"yesterday", ""},
		{"32 Jan 2003 10:00:00 +0000", ""},
		{"1 Foo 2003 10:00:00 +0000", ""},
	} {
		got := ""
		if d, ok := ParseDate([]byte(c.in)); ok {
			got = d.Time().Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%q: %s, not %s", c.in, got, c.want)
		}
	}
	d, _ := ParseDate([]byte("1 Jan 1970 00:30 +0100"))
	if d.Day() != 0 || d.Unix >= 0 {
		t.Errorf("day %d at %d", d.Day(), d.Unix)
	}
}

func TestDecodeHeader(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		// RFC 2047 §8
		{"=?ISO-8859-1?Q?a?=", "a"},
		{"=?ISO-8859-1?Q?a?= b", "a b"},
		{"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
		{"=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"},
		{"=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"},
		{"=?ISO-8859-1?Q?a_b?=", "a b"},
		{"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"},
		{"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"},
		{"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"},
		{"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
			"If you can read this you understand the example."},
		{"=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=", "םולש ןב ילטפנ"},
		{"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"}, // RFC 2231 §5
		// as seen
		{"plain", "plain"},
		{"  folded\r\n\tvalue \r\n", "folded\tvalue"},
		{"=?utf-8?B?w?= =?utf-8?B?7w=?=", "\ufffd"},
		{"=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü"},
		{"x=?utf-8?q?=C3=BC?=y", "xüy"},
		{"=?utf-8?q?two words?=", "two words"},
		{"=?no-such?q?a=C3=BC?=", "aü"},
		{"=?utf-8?x?a?=", "=?utf-8?x?a?="},
		{"=?utf-8?q?open", "=?utf-8?q?open"},
		{"raw latin \xe4", "raw latin ä"},
		{"raw utf-8 ä", "raw utf-8 ä"},
		{"=?koi8-r?B?79TQ1dPL?=", "Отпуск"},
		{"=?UTF-7?Q?+AOQ-bc?=", "äbc"},
		{"=?gb2312?B?xOO6ww==?=", "你好"},
		{"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
	} {
		if c.in == "=?utf-8?B?w?= =?utf-8?B?7w=?=" {
			if got := DecodeHeader([]byte(c.in)); !utf8.ValidString(got) {
				t.Errorf("%q: %q", c.in, got)
			}
			continue
		}
		if got := DecodeHeader([]byte(c.in)); got != c.want {
			t.Errorf("%q: %q, not %q", c.in, got, c.want)
		}
	}
}

func TestParams(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []Param
	}{
		{"; charset=us-ascii (Plain text)", []Param{{Name: "charset", Value: "us-ascii"}}},
		{`; charset="us-ascii"`, []Param{{Name: "charset", Value: "us-ascii"}}},
		// RFC 2231 §3, §4, §4.1
		{"; access-type=URL;\r\n URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
			[]Param{{Name: "access-type", Value: "URL"}, {Name: "url", Value: "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"}}},
		{"; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
			[]Param{{Name: "title", Value: "This is ***fun***", Extended: true, Charset: "us-ascii", Language: "en-us"}}},
		{"\r\n title*0*=us-ascii'en'This%20is%20even%20more%20\r\n title*1*=%2A%2A%2Afun%2A%2A%2A%20\r\n title*2=\"isn't it!\"",
			[]Param{{Name: "title", Value: "This is even more ***fun*** isn't it!", Extended: true, Charset: "us-ascii", Language: "en"}}},
		// sections in any order, gaps, both forms
		{"; a*1=b; a*0=a; a*3=d", []Param{{Name: "a", Value: "ab"}}},
		{"; filename=fallback.txt; filename*=utf-8''%C3%A4.txt", []Param{{Name: "filename", Value: "ä.txt", Extended: true, Charset: "utf-8"}}},
		{"; a*=no quotes%20", []Param{{Name: "a", Value: "no quotes ", Extended: true}}},
		{"; a*=latin1''%E4%zz", []Param{{Name: "a", Value: "ä%zz", Extended: true, Charset: "latin1"}}},
		// broken
		{"; name=my file.pdf; x=1", []Param{{Name: "name", Value: "my file.pdf"}, {Name: "x", Value: "1"}}},
		{"; name=a b=c", []Param{{Name: "name", Value: "a"}, {Name: "b", Value: "c"}}},
		{"; boundary=----=_Part/1:2", []Param{{Name: "boundary", Value: "----=_Part/1:2"}}},
		{`; name="C:\temp\"; x=y`, []Param{{Name: "name", Value: `C:\temp"; x=y`}}},
		{`; name="open`, []Param{{Name: "name", Value: "open"}}},
		{";;; = ; =x; junk; a=1", []Param{{Name: "a", Value: "1"}}},
		{"; a=1; A=2", []Param{{Name: "a", Value: "1"}}},
	} {
		if diff := cmp.Diff(c.want, decodeParams([]byte(c.in))); diff != "" {
			t.Errorf("%q: %s", c.in, diff)
		}
	}
}

// RFC 5256 §2.1, step by step; the comments name the step that matters.
func TestBaseSubject(t *testing.T) {
	for _, c := range []struct {
		in, want string
		artifact bool
	}{
		{"hello", "hello", false},
		{"Re: hello", "hello", true},
		{"RE:RE: Fwd: hello", "hello", true},
		{"Re [citron]: hello", "hello", true},
		{"Re: [citron] hello", "hello", true},
		{"[citron] Re: hello", "hello", true},
		{"[citron] hello", "hello", false},
		{"[a] [b] hello (fwd) (FWD) ", "hello", true},
		{"[Fwd: Re: hello]", "hello", true},
		{"Fw: [fwd: [list] hello (fwd)]", "hello", true},
		{"[only blob]", "[only blob]", false},
		{"Re: [only blob]", "[only blob]", true},
		{"a  \t b\r\n c", "a b c", false},
		{"regarding: x", "regarding: x", false},
		{"Re", "Re", false},
		{"", "", false},
		{"Re:", "", true},
		{"[unclosed Re: x", "[unclosed Re: x", false},
		{"Fwdd: x", "Fwdd: x", false},
		{"hello (FwD)  (fwd)", "hello", true},     // (2)
		{"hello (fwd) x", "hello (fwd) x", false}, // (2) only at the end
		{"re  [7] : hello", "hello", true},        // (3) *WSP [subj-blob]
		{"[a][b] [c]fw: hello", "hello", true},    // (3) *subj-blob
		{"[a] [b]", "[b]", false},                 // (4) the last blob stays
		{"[a]Re:[b] [c]", "[c]", true},            // (4), (5)
		{"[a[b] hello", "[a[b] hello", false},     // (4) "[" in a blob
		{"[ ] hello", "hello", false},             // (4)
		{"[fwd: [fwd: hello] ]", "hello", true},   // (6), then (2)
		{"[fwd: hello", "[fwd: hello", false},     // (6) both ends
		{"[fwd: hello] x", "x", false},            // (4), not (6)
		{"[fwd:]", "", true},                      // (6)
		{"Re: [fwd: re: (fwd)]", "", true},        // all of them
		{"(fwd)", "", true},                       // (2)
		{"re:re:re: \t re : x", "x", true},        // (5)
	} {
		got, artifact := BaseSubject(c.in)
		if got != c.want || artifact != c.artifact {
			t.Errorf("%q: %q %v, not %q %v", c.in, got, artifact, c.want, c.artifact)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	for in, want := range map[string][]string{
		"<a@b>":                        {"a@b"},
		"<a@b><c@d>\r\n\t<e@f>":        {"a@b", "c@d", "e@f"},
		`<"01KF8JCEOCBS0045PS"@x.com>`: {"01KF8JCEOCBS0045PS@x.com"}, // RFC 5256 §3
		"Your message of <a@b> is":     {"a@b"},
		"<a@\r\n b>":                   {"a@b"},
		"no brackets":                  nil,
		"<>":                           nil,
		"<open":                        nil,
	} {
		if diff := cmp.Diff(want, MessageIDs([]byte(in))); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
	many := MessageIDs([]byte(strings.Repeat("<x@y>", 500) + "<last@y>"))
	if len(many) != maxReferences || many[len(many)-1] != "last@y" {
		t.Errorf("%d kept", len(many))
	}
}

func TestFieldFilter(t *testing.T) {
	const header = "From x Mon Jan 1 00:00:00 2024\r\nSubject: one\r\n two\r\nTo : a\r\nX: y\nsubject:\r\n\r\n"
	for _, c := range []struct {
		names []string
		not   bool
		want  string
	}{
		{[]string{"SUBJECT"}, false, "Subject: one\r\n two\r\nsubject:\r\n\r\n"},
		{[]string{"to", "x"}, false, "To : a\r\nX: y\n\r\n"},
		{[]string{"none"}, false, "\r\n"},
		{[]string{"Subject", "to"}, true, "From x Mon Jan 1 00:00:00 2024\r\nX: y\n\r\n"},
		{nil, true, header},
		{nil, false, "\r\n"},
	} {
		if got := NewFieldFilter(c.names, c.not).Append(nil, []byte(header)); string(got) != c.want {
			t.Errorf("%v not %v: %q", c.names, c.not, got)
		}
	}
	if got := NewFieldFilter([]string{"a"}, false).Append(nil, []byte("A: b")); string(got) != "A: b" {
		t.Errorf("no blank line: %q", got)
	}
}
