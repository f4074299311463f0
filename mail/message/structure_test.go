package message

import (
	"strings"
	"testing"

	"citron/wire/imap"
)

// crlf makes a message from lines, as it would come.
func crlf(s string) []byte { return toCRLF([]byte(s)) }

func openIndex(t testing.TB, raw []byte) Index {
	t.Helper()
	b := parse(raw).AppendIndex(nil)
	if err := consistent(raw, b); err != nil {
		t.Errorf("%v\n%q", err, raw)
	}
	ix, err := OpenIndex(b)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// TestStructure: messages whole and broken, and what BODYSTRUCTURE says.
func TestStructure(t *testing.T) {
	const text = `("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" `
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", text + `0 0 NIL NIL NIL NIL)`},
		{"only a blank line", "\n", text + `0 0 NIL NIL NIL NIL)`},
		{"no header", "just text\nmore\n", text + `17 2 NIL NIL NIL NIL)`},
		{"no blank line", "Subject: x\nFrom: y\n", text + `0 0 NIL NIL NIL NIL)`},
		{"no line end", "Subject: x\n\nabc", text + `3 0 NIL NIL NIL NIL)`},
		{"mbox From line", "From bob Mon Nov 23 15:00:00 2026\nContent-Type: text/html\n\nx", `("TEXT" "HTML" NIL NIL NIL "7BIT" 1 0 NIL NIL NIL NIL)`},
		{"line without colon", "Subject: x\nno field\nContent-Type: text/html\n\nx", `("TEXT" "HTML" NIL NIL NIL "7BIT" 1 0 NIL NIL NIL NIL)`},
		{"space before colon", "Content-Type : text/html\n\n", `("TEXT" "HTML" NIL NIL NIL "7BIT" 0 0 NIL NIL NIL NIL)`},
		{"duplicate fields", "Content-Type: text/html\nContent-Type: image/png\n\n", `("TEXT" "HTML" NIL NIL NIL "7BIT" 0 0 NIL NIL NIL NIL)`},
		{"bad type", "Content-Type: text\n\nx", text + `1 0 NIL NIL NIL NIL)`},
		{"no semicolon", "Content-Type: text/html charset=utf-8\n\nx", `("TEXT" "HTML" ("CHARSET" "utf-8") NIL NIL "7BIT" 1 0 NIL NIL NIL NIL)`},
		{"all fields", "Content-Type: application/pdf;\n name=\"a.pdf\"\nContent-ID: <1@x>\nContent-Description: a \"file\"\nContent-Transfer-Encoding: BASE64\nContent-MD5: Q2hlY2s=\nContent-Disposition: attachment; filename=a.pdf; size=3\nContent-Language: de, en (English)\nContent-Location: http://x/\n y\n\nQUJD\n",
			`("APPLICATION" "PDF" ("NAME" "a.pdf") "<1@x>" "a \"file\"" "BASE64" 6 "Q2hlY2s=" ("ATTACHMENT" ("FILENAME" "a.pdf" "SIZE" "3")) ("de" "en") "http://x/ y")`},
		{"empty fields", "Content-ID:\nContent-Language:\nContent-Disposition:\nContent-Transfer-Encoding:\n\n", `("TEXT" "PLAIN" ("CHARSET" "US-ASCII") "" NIL "7BIT" 0 0 NIL NIL NIL NIL)`},
		{"unknown encoding", "Content-Transfer-Encoding: x-uuencode\n\n", `("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "X-UUENCODE" 0 0 NIL NIL NIL NIL)`},
		{"8-bit", "Content-Type: image/png; name=\"ä.png\"\n\n", "(\"IMAGE\" \"PNG\" (\"NAME\" {6}\r\nä.png) NIL NIL \"7BIT\" 0 NIL NIL NIL NIL)"},
		{"latin1 and NUL", "Content-Type: image/png; name=\"\xe4\x00.png\"\n\n", "(\"IMAGE\" \"PNG\" (\"NAME\" {6}\r\nä.png) NIL NIL \"7BIT\" 0 NIL NIL NIL NIL)"},
		// RFC 2046 §5.1.1: the line end before a delimiter is the delimiter's
		{"simple boundary", "Content-type: multipart/mixed; boundary=\"simple boundary\"\n\npreamble\n\n--simple boundary\n\nno line break\n--simple boundary\nContent-type: text/plain; charset=us-ascii\n\nDOES end with a linebreak.\n\n--simple boundary--\n\nepilogue\n",
			`(` + text + `13 0 NIL NIL NIL NIL)("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 28 1 NIL NIL NIL NIL) "MIXED" ("BOUNDARY" "simple boundary") NIL NIL NIL)`},
		{"trailing space", "Content-Type: multipart/x; boundary=\"b \"\n\n--b \t \n\na\n--b-- \n", `(` + text + `1 0 NIL NIL NIL NIL) "X" ("BOUNDARY" "b ") NIL NIL NIL)`},
		{"no final boundary", "Content-Type: multipart/x; boundary=b\n\n--b\n\na\n", `(` + text + `3 1 NIL NIL NIL NIL) "X" ("BOUNDARY" "b") NIL NIL NIL)`},
		{"final boundary at the end", "Content-Type: multipart/x; boundary=b\n\n--b\n\na\n--b--", `(` + text + `1 0 NIL NIL NIL NIL) "X" ("BOUNDARY" "b") NIL NIL NIL)`},
		{"empty parts", "Content-Type: multipart/x; boundary=b\n\n--b\n--b\n\n--b\n\n\n--b--\n",
			`(` + text + `0 0 NIL NIL NIL NIL)` + text + `0 0 NIL NIL NIL NIL)` + text + `0 0 NIL NIL NIL NIL) "X" ("BOUNDARY" "b") NIL NIL NIL)`},
		{"part without header", "Content-Type: multipart/x; boundary=b\n\n--b\njust text\n--b--\n", `(` + text + `9 0 NIL NIL NIL NIL) "X" ("BOUNDARY" "b") NIL NIL NIL)`},
		{"no boundary", "Content-Type: multipart/mixed\n\n--b\n\na\n", text + `10 3 NIL NIL NIL NIL)`},
		{"empty boundary", "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n", text + `4 1 NIL NIL NIL NIL)`},
		{"no parts", "Content-Type: multipart/mixed; boundary=b\n\nwhere are they?\n", text + `17 1 NIL NIL NIL NIL)`},
		{"boundary in folds", "Content-Type: multipart/mixed;\n\tcharset=utf-8;\n  BOUNDARY = \"b\\\\c\"\n\n--b\\c\n\na\n--b\\c--\n", `(` + text + `1 0 NIL NIL NIL NIL) "MIXED" ("CHARSET" "utf-8" "BOUNDARY" "b\\c") NIL NIL NIL)`},
		{"inner unfinished", "Content-Type: multipart/a; boundary=a\n\n--a\nContent-Type: multipart/b; boundary=b\n\n--b\n\nx\n--a\n\ny\n--a--\n",
			`((` + text + `1 0 NIL NIL NIL NIL) "B" ("BOUNDARY" "b") NIL NIL NIL)` + text + `1 0 NIL NIL NIL NIL) "A" ("BOUNDARY" "a") NIL NIL NIL)`},
		{"boundary is a prefix", "Content-Type: multipart/a; boundary=b\n\n--b\nContent-Type: multipart/b; boundary=bb\n\n--bb\n\nx\n--bb--\n--b--\n",
			`((` + text + `1 0 NIL NIL NIL NIL) "B" ("BOUNDARY" "bb") NIL NIL NIL) "A" ("BOUNDARY" "b") NIL NIL NIL)`},
		{"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\nx\n--b\nContent-Type: text/plain\n\ny\n--b--\n",
			`(("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 17 (NIL "one" NIL NIL NIL NIL NIL NIL NIL NIL) ` + text + `1 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 0 NIL NIL NIL NIL) "DIGEST" ("BOUNDARY" "b") NIL NIL NIL)`},
		{"empty message within", "Content-Type: message/rfc822\n\n", `("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 0 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ` + text + `0 0 NIL NIL NIL NIL) 0 NIL NIL NIL NIL)`},
		{"message/global", "Content-Type: message/global\n\nSubject: ä\n\nx", "(\"MESSAGE\" \"GLOBAL\" NIL NIL NIL \"7BIT\" 16 (NIL {2}\r\nä NIL NIL NIL NIL NIL NIL NIL NIL) " + text + `1 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)`},
		{"message/external-body", "Content-Type: message/external-body; access-type=URL\n\nContent-Type: x/y\n\n", `("MESSAGE" "EXTERNAL-BODY" ("ACCESS-TYPE" "URL") NIL NIL "7BIT" 21 NIL NIL NIL NIL)`},
		{"continuations", "Content-Type: x/y; name*0=a; name*1=\"b c\"; n2*0*=utf-8''%C3; n2*1*=%A4\n\n",
			`("X" "Y" ("NAME" "ab c" "N2*" "utf-8''%C3%A4") NIL NIL "7BIT" 0 NIL NIL NIL NIL)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ix := openIndex(t, crlf(c.in))
			if got := string(ix.AppendBodyStructure(nil, false)); got != c.want {
				t.Errorf("%q\n got %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

// TestForms: BODY has no extension data; IMAP4rev2 has encoded parameters
// decoded (RFC 9051 §7.5.2).
func TestForms(t *testing.T) {
	ix := openIndex(t, crlf("Content-Type: multipart/x; boundary=b; foo*0*=utf-8''%C3; foo*1*=%A4\n\n--b\nContent-Type: x/y; name*=latin1'de'%E4.txt\nContent-Disposition: attachment; filename*=us-ascii''a%20b\n\nx\n--b--\n"))
	for _, c := range []struct{ name, got, want string }{
		{"BODYSTRUCTURE", string(ix.AppendBodyStructure(nil, false)),
			`(("X" "Y" ("NAME*" "utf-8'de'%C3%A4.txt") NIL NIL "7BIT" 1 NIL ("ATTACHMENT" ("FILENAME*" "utf-8''a%20b")) NIL NIL) "X" ("BOUNDARY" "b" "FOO*" "utf-8''%C3%A4") NIL NIL NIL)`},
		{"BODYSTRUCTURE rev2", string(ix.AppendBodyStructure(nil, true)),
			"((\"X\" \"Y\" (\"NAME*\" {6}\r\nä.txt) NIL NIL \"7BIT\" 1 NIL (\"ATTACHMENT\" (\"FILENAME*\" \"a b\")) NIL NIL) \"X\" (\"BOUNDARY\" \"b\" \"FOO*\" {2}\r\nä) NIL NIL NIL)"},
		{"BODY", string(ix.AppendBody(nil, false)), `(("X" "Y" ("NAME*" "utf-8'de'%C3%A4.txt") NIL NIL "7BIT" 1) "X")`},
		{"BODY rev2", string(ix.AppendBody(nil, true)), "((\"X\" \"Y\" (\"NAME*\" {6}\r\nä.txt) NIL NIL \"7BIT\" 1) \"X\")"},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

func TestEnvelope(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"RFC 3501 §8", "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\nFrom: Terry Gray <gray@cac.washington.edu>\nSubject: IMAP4rev1 WG mtg summary and minutes\nTo: imap@cac.washington.edu\nCc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\nMessage-Id: <B27397-0100000@cac.washington.edu>\nMIME-Version: 1.0\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\n",
			`("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")`},
		{"absent", "X: y\n\n", `(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)`},
		{"empty", "Date:\nSubject: \nFrom:\nSender: ,\nTo:\nIn-Reply-To:\nMessage-ID:\n\n", `("" "" NIL NIL NIL NIL NIL NIL "" "")`},
		{"group", "To: Friends: a@b, \"C, D\" <c@d>;\nReply-To: undisclosed-recipients:;\n\n",
			`(NIL NIL NIL NIL ((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)) ((NIL NIL "Friends" NIL)(NIL NIL "a" "b")("C, D" NIL "c" "d")(NIL NIL NIL NIL)) NIL NIL NIL NIL)`},
		{"route", "From: X <@a,@b:c@d>\n\n", `(NIL NIL (("X" "@a,@b" "c" "d")) (("X" "@a,@b" "c" "d")) (("X" "@a,@b" "c" "d")) NIL NIL NIL NIL NIL)`},
		{"own sender", "From: a@b\nSender: c@d\nReply-To: e@f\n\n", `(NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "c" "d")) ((NIL NIL "e" "f")) NIL NIL NIL NIL NIL)`},
		{"no host", "From: alice\n\n", `(NIL NIL ((NIL NIL "alice" "")) ((NIL NIL "alice" "")) ((NIL NIL "alice" "")) NIL NIL NIL NIL NIL)`},
		{"repeated", "To: a@b\nSubject: 1\nTo: c@d\nSubject: 2\n\n", `(NIL "1" NIL NIL NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL)`},
		{"folded, quoted, raw", "Subject: a\n \"b\\\" \xfc\nFrom: =?utf-8?q?=C3=A4?= <x@y>\n\n",
			"(NIL {9}\r\na \"b\\\" ü (" + `("=?utf-8?q?=C3=A4?=" NIL "x" "y")) (("=?utf-8?q?=C3=A4?=" NIL "x" "y")) (("=?utf-8?q?=C3=A4?=" NIL "x" "y")) NIL NIL NIL NIL NIL)`},
		{"NUL and CR", "Subject: a\x00b\rc\n\n", `(NIL "abc" NIL NIL NIL NIL NIL NIL NIL NIL)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ix := openIndex(t, crlf(c.in))
			if got := string(ix.Envelope()); got != c.want {
				t.Errorf("%q\n got %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

// rfc9051Example is the message whose part specifiers RFC 9051 §6.4.5.1 shows.
const rfc9051Example = `Subject: outer
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: text/plain

1
--o
Content-Type: application/octet-stream

2
--o
Content-Type: message/rfc822

Subject: 3
Content-Type: multipart/mixed; boundary=t

--t
Content-Type: text/plain

3.1
--t
Content-Type: application/octet-stream

3.2
--t--

--o
Content-Type: multipart/mixed; boundary=f

--f
Content-Type: image/gif

4.1
--f
Content-Type: message/rfc822

Subject: 4.2
Content-Type: multipart/mixed; boundary=g

--g
Content-Type: text/plain

4.2.1
--g
Content-Type: multipart/alternative; boundary=h

--h
Content-Type: text/plain

4.2.2.1
--h
Content-Type: text/richtext

4.2.2.2
--h--
--g--
--f--
--o--
`

func TestSection(t *testing.T) {
	raw := crlf(rfc9051Example)
	ix := openIndex(t, raw)
	tree, err := ix.Tree()
	if err != nil {
		t.Fatal(err)
	}
	const none = "\x00"
	for _, c := range []struct {
		path string
		text imap.SectionText
		want string // the whole, or how it begins if it ends with "…"
	}{
		{"", imap.SectionAll, "Subject: outer…"},
		{"", imap.SectionHeader, "Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"},
		{"", imap.SectionBody, "--o\r\n…"},
		{"", imap.SectionMIME, none},
		{"1", imap.SectionAll, "1"},
		{"1", imap.SectionMIME, "Content-Type: text/plain\r\n\r\n"},
		{"1", imap.SectionHeader, none},
		{"1", imap.SectionBody, none},
		{"1.1", imap.SectionAll, none},
		{"2", imap.SectionAll, "2"},
		{"3", imap.SectionAll, "Subject: 3\r\n…"},
		{"3", imap.SectionMIME, "Content-Type: message/rfc822\r\n\r\n"},
		{"3", imap.SectionHeader, "Subject: 3\r\nContent-Type: multipart/mixed; boundary=t\r\n\r\n"},
		{"3", imap.SectionHeaderFields, "Subject: 3\r\nContent-Type: multipart/mixed; boundary=t\r\n\r\n"},
		{"3", imap.SectionBody, "--t\r\n…"},
		{"3.1", imap.SectionAll, "3.1"},
		{"3.2", imap.SectionAll, "3.2"},
		{"3.3", imap.SectionAll, none},
		{"4", imap.SectionAll, "--f\r\n…"},
		{"4", imap.SectionHeader, none},
		{"4.1", imap.SectionAll, "4.1"},
		{"4.1", imap.SectionMIME, "Content-Type: image/gif\r\n\r\n"},
		{"4.2", imap.SectionHeader, "Subject: 4.2\r\n…"},
		{"4.2", imap.SectionBody, "--g\r\n…"},
		{"4.2.1", imap.SectionAll, "4.2.1"},
		{"4.2.2", imap.SectionAll, "--h\r\n…"},
		{"4.2.2.1", imap.SectionAll, "4.2.2.1"},
		{"4.2.2.2", imap.SectionAll, "4.2.2.2"},
		{"4.2.2.2", imap.SectionMIME, "Content-Type: text/richtext\r\n\r\n"},
		{"4.2.2.3", imap.SectionAll, none},
		{"5", imap.SectionAll, none},
	} {
		got := none
		if s, ok := tree.Section(sectionPath(c.path), c.text); ok {
			got = string(raw[s.From:s.To])
		}
		if start, cut := strings.CutSuffix(c.want, "…"); got != c.want && !(cut && strings.HasPrefix(got, start)) {
			t.Errorf("%s %d: %q, not %q", c.path, c.text, got, c.want)
		}
	}
}

func sectionPath(s string) []uint32 {
	var path []uint32
	for _, n := range strings.Split(s, ".") {
		if n != "" {
			path = append(path, uint32(n[0]-'0'))
		}
	}
	return path
}

// TestSingle: a message that is no multipart has one part, and so has a message
// within.
func TestSingle(t *testing.T) {
	raw := crlf("Subject: a\n\nbody")
	tree := parse(raw).Tree()
	for _, c := range []struct {
		path string
		text imap.SectionText
		want Span
		ok   bool
	}{
		{"1", imap.SectionAll, Span{14, 18}, true},
		{"1", imap.SectionMIME, Span{0, 14}, true},
		{"1", imap.SectionHeader, Span{}, false},
		{"2", imap.SectionAll, Span{}, false},
		{"1.1", imap.SectionAll, Span{}, false},
	} {
		if got, ok := tree.Section(sectionPath(c.path), c.text); got != c.want || ok != c.ok {
			t.Errorf("%s %d: %v %v", c.path, c.text, got, ok)
		}
	}
	raw = crlf("Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: in\n\nx")
	tree = parse(raw).Tree()
	for path, want := range map[string]string{
		"1": "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx", "1.1": "Subject: in\r\n\r\nx", "1.1.1": "x",
	} {
		if s, ok := tree.Section(sectionPath(path), imap.SectionAll); !ok || string(raw[s.From:s.To]) != want {
			t.Errorf("%s: %q %v", path, raw[s.From:s.To], ok)
		}
	}
}
