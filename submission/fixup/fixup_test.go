package fixup

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"citron/submission"
	"citron/wire/smtp"
)

var now = time.Date(2026, 11, 5, 9, 3, 0, 0, time.FixedZone("", 3600))

func options() Options {
	return Options{
		Hostname: "mail.example.org", Hello: "phone.local", Remote: netip.MustParseAddrPort("192.0.2.7:4711"),
		TLS: true, Authenticated: true, ID: "q1", Now: now,
		From: smtp.Path{Local: "alice", Domain: "example.org"},
		MayUse: func(local, domain string) error {
			if domain == "example.org" && local == "alice" {
				return nil
			}
			return errors.New("no")
		},
		Ours: func(domain string) bool { return domain == "example.org" },
	}
}

const received = "Received: from client.invalid\r\n\tby mail.example.org with ESMTPSA id q1; Thu, 05 Nov 2026 09:03:00 +0100\r\n"

// whole is a header that needs nothing.
const whole = "From: Alice <alice@example.org>\r\nDate: Thu, 5 Nov 2026 09:00:00 +0100\r\nMessage-ID: <1@example.org>\r\n"

func run(o Options, in ...string) (string, submission.Content, error) {
	var out bytes.Buffer
	f := New(&out, o)
	for _, s := range in {
		if _, err := f.Write([]byte(s)); err != nil {
			return out.String(), submission.Content{}, err
		}
	}
	c, err := f.Close()
	return out.String(), c, err
}

func TestMended(t *testing.T) {
	long := strings.Repeat("<0123456789012345678901234567890123456789@example.org> ", 20)
	for name, c := range map[string]struct{ in, want string }{
		"whole": {whole + "\r\nhello\r\n", whole + "\r\nhello\r\n"},
		// RFC 5322 §3.6.3, RFC 6409 §8
		"bcc": {whole + "Bcc: a@x,\r\n b@y\r\nbCC : c@z\r\nResent-Bcc: d@z\r\n\r\nBcc: text\r\n", whole + "\r\nBcc: text\r\n"},
		// RFC 5321 §4.4
		"return-path": {"Return-Path: <x@y>\r\n" + whole + "\r\n", whole + "\r\n"},
		// RFC 6409 §8.2
		"date": {"From: alice@example.org\r\nMessage-ID: <1@a>\r\nDate:\r\n\r\n", "From: alice@example.org\r\nMessage-ID: <1@a>\r\nDate: Thu, 5 Nov 2026 09:03:00 +0100\r\n\r\n"},
		// RFC 5322 §3.6
		"from": {"Date: x\r\nMessage-ID: <1@a>\r\n\r\n", "Date: x\r\nMessage-ID: <1@a>\r\nFrom: alice@example.org\r\n\r\n"},
		// RFC 5322 §3.6.2
		"sender":        {"From: alice@example.org, A <alice@example.org>\r\nDate: x\r\nMessage-ID: <1@a>\r\n\r\n", "From: alice@example.org, A <alice@example.org>\r\nDate: x\r\nMessage-ID: <1@a>\r\nSender: alice@example.org\r\n\r\n"},
		"bare LF":       {strings.ReplaceAll(whole, "\r\n", "\n") + "\na\nb\r\n.\n.\r\n", whole + "\r\na\r\nb\r\n.\r\n.\r\n"},
		"bare CR":       {strings.ReplaceAll(whole, "\r\n", "\r") + "\ra\rb\r.\r\rc\r\r\nd", whole + "\r\na\r\nb\r\n.\r\n\r\nc\r\n\r\nd"},
		"CR CR LF":      {strings.ReplaceAll(whole, "\r\n", "\r\r\n") + "Bcc: x@y\r\r\n\r\r\ntext", whole + "\r\ntext"},
		"no blank line": {whole + "Subject: x", whole + "Subject: x\r\n\r\n"},
		"CR at the end": {whole + "\r\nx\r", whole + "\r\nx\r\n"},
		"mbox":          {"From alice Thu Nov  5 09:00:00 2026\r\n" + whole + "\r\n", whole + "\r\n"},
		// RFC 5322 §4.5.3
		"two To":      {whole + "To: a@x\r\nX-A: 1\r\nto: b@y,\r\n c@z\r\n\r\n", whole + "To: a@x\r\n\t, b@y,\r\n c@z\r\nX-A: 1\r\n\r\n"},
		"empty Cc":    {whole + "Cc: \r\n\r\n", whole + "\r\n"},
		"repeated":    {whole + "Subject: a\r\nSUBJECT: a\r\n\r\n", whole + "Subject: a\r\n\r\n"},
		"space":       {whole + "Subject : a\r\n \r\n b\r\n\t\r\n\r\n", whole + "Subject: a\r\n b\r\n\r\n"},
		"long":        {whole + "References: " + long + "\r\n\r\n", whole + "References: " + strings.TrimRight(strings.Repeat("<0123456789012345678901234567890123456789@example.org> ", 17), " ") + "\r\n " + strings.TrimRight(strings.Repeat("<0123456789012345678901234567890123456789@example.org> ", 3), " ") + "\r\n\r\n"},
		"TLS":         {whole + "TLS-Required: No\r\n\r\n", whole + "TLS-Required: No\r\n\r\n"},
		"resent":      {"Resent-From: alice@example.org\r\nFrom: x@elsewhere.example\r\nDate: x\r\nMessage-ID: <1@a>\r\n\r\n", "Resent-Date: Thu, 5 Nov 2026 09:03:00 +0100\r\nResent-From: alice@example.org\r\nFrom: x@elsewhere.example\r\nDate: x\r\nMessage-ID: <1@a>\r\n\r\n"},
		"odd Message": {"Message-ID: nonsense\r\nDate: 99\r\nFrom: alice@example.org\r\n\r\n", "Message-ID: nonsense\r\nDate: 99\r\nFrom: alice@example.org\r\n\r\n"},
	} {
		got, _, err := run(options(), c.in)
		if err != nil || got != received+c.want {
			t.Errorf("%s: %v\n%q\nwant\n%q", name, err, got, received+c.want)
		}
	}
}

// RFC 6409 §8.3
func TestMessageID(t *testing.T) {
	got, c, err := run(options(), "From: alice@example.org\r\n\r\n")
	if err != nil || !strings.HasPrefix(c.MessageID, "<") || !strings.HasSuffix(c.MessageID, "@mail.example.org>") ||
		!strings.Contains(got, "\r\nMessage-ID: "+c.MessageID+"\r\n") {
		t.Errorf("%v %q\n%s", err, c.MessageID, got)
	}
}

// RFC 5322 §3.4, appendix A.5 and A.6: who an author is. "": nobody can tell.
func TestMailboxes(t *testing.T) {
	for in, want := range map[string]string{
		"a@b":                               "a@b",
		" A B <a@b>,\r\n\t\"C, D\" <c.d@e>": "a@b c.d@e",
		`Pete(A wonderful \) chap) <pete(his account)@silly.test(his host)>`: "pete@silly.test",
		"Chris Jones <c@(Chris's host.)public.example>":                      "c@public.example",
		"John Doe <jdoe@machine(comment).  example>":                         "jdoe@machine.example",
		`Joe Q. Public <john.q.public@example.com>`:                          "john.q.public@example.com",
		`"Joe \"(x\" Public" <j@example.com>`:                                "j@example.com",
		`"a b"@c`:                                                            `"a b"@c`,
		`"<ceo@evil>" <a@b>`:                                                 "a@b",
		"ceo@evil (x) <a@b>":                                                 "",
		"a@b (<ceo@evil>)":                                                   "a@b",
		"a@b <ceo@evil>":                                                     "",
		"<a@b> <ceo@evil>":                                                   "",
		"a@b ceo@evil":                                                       "",
		"a@b (":                                                              "",
		"us: a@b;":                                                           "",
		"=?utf-8?q?x?= <a@b>":                                                "a@b",
		"=?klingon?q?x?= <a@b>":                                              "a@b",
		"<@route:a@b>":                                                       "",
		"ü@exämple":                                                          "ü@exämple",
		"<>":                                                                 "",
		"":                                                                   "",
		"a@[192.0.2.1]":                                                      "a@[192.0.2.1]",
	} {
		list, ok := mailboxes([]byte(in + "\r\n"))
		var got []string
		for _, p := range list {
			got = append(got, p.String())
		}
		if ok != (want != "") || ok && strings.Join(got, " ") != want {
			t.Errorf("%s: %q %v", in, got, ok)
		}
	}
}

// A message without a header is all text.
func TestNoHeader(t *testing.T) {
	for in, text := range map[string]string{
		"":                        "",
		"hello":                   "hello\r\n",
		"hello\nworld\n\nend":     "hello\r\nworld\r\n\r\nend",
		"\r\nSubject: no\r\n":     "Subject: no\r\n",
		" indented: text\r\n\r\n": " indented: text\r\n\r\n",
	} {
		got, _, err := run(options(), in)
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		if err != nil || body != text || !strings.Contains(head, "\r\nFrom: alice@example.org\r\n") {
			t.Errorf("%q: %v\n%q", in, err, got)
		}
	}
}

func TestRefused(t *testing.T) {
	null := options()
	null.From = smtp.Path{}
	for name, c := range map[string]struct {
		o    Options
		in   string
		want smtp.Reply
	}{
		// RFC 5322 §3.6
		"two From":       {options(), whole + "From: bob@example.org\r\n\r\n", about(replyTwice, "From")},
		"two Subject":    {options(), whole + "Subject: a\r\nSubject: b\r\n\r\n", about(replyTwice, "Subject")},
		"two TLS":        {options(), whole + "TLS-Required: No\r\nTLS-Required: Yes\r\n\r\n", about(replyTwice, "TLS-Required")}, // RFC 8689 §3
		"junk":           {options(), whole + "junk\r\nBcc: x@y\r\n\r\n", replyJunk},
		"junk first":     {options(), "junk\r\nBcc: x@y\r\n\r\n", replyJunk},
		"indented first": {options(), " Subject: x\r\nFrom: a@b\r\n\r\n", replyJunk},
		"8-bit name":     {options(), whole + "S\xc3\xbcbject: x\r\n\r\n", replyJunk},
		"many CRs":       {options(), whole + strings.Repeat("\r", 1000) + "\n", replyJunk},
		"NUL":            {options(), whole + "Subject: \x00\r\n\r\n", replyNUL},
		"long":           {options(), whole + "Subject: " + strings.Repeat("x", 998) + "\r\n\r\n", replyLongLine}, // RFC 5322 §2.1.1
		"no From":        {null, "Date: x\r\n\r\n", replyNoFrom},
		"no Sender":      {null, "From: alice@example.org, alice@example.org\r\n\r\n", replyNoSender},
		"not yours":      {options(), "From: bob@example.org\r\n\r\n", about(replyNotYours, "From")},
		"one of two":     {options(), "From: alice@example.org, bob@example.org\r\n\r\n", about(replyNotYours, "From")},
		"Sender":         {options(), whole + "Sender: bob@example.org\r\n\r\n", about(replyNotYours, "Sender")},
		"Resent-From":    {options(), whole + "Resent-From: bob@example.org\r\n\r\n", about(replyNotYours, "Resent-From")},
		"resent of ours": {options(), "Resent-From: alice@example.org\r\nFrom: bob@example.org\r\n\r\n", about(replyNotYours, "From")},
		"ambiguous":      {options(), "From: alice@example.org <bob@example.org>\r\n\r\n", about(replyAddress, "From")},
		"no address":     {options(), "From: Alice\r\n\r\n", about(replyAddress, "From")},
		"group":          {options(), "From: us: alice@example.org;\r\n\r\n", about(replyAddress, "From")},
		"two Senders":    {options(), whole + "Sender: alice@example.org, alice@example.org\r\n\r\n", about(replyAddress, "Sender")},
		"authors":        {options(), "From: alice@example.org" + strings.Repeat(",\r\n a@b", maxAuthors) + "\r\n\r\n", replyManyAuthors},
		"loop":           {options(), strings.Repeat("Received: x\r\n", 101) + whole + "\r\n", replyLoop}, // RFC 5321 §6.3
		// RFC 6531 §3.6: a header in UTF-8 goes with SMTPUTF8 only.
		"UTF-8":         {options(), whole + "Subject: \xc3\xbc\r\n\r\n", replyNeedsUTF8},
		"UTF-8 in part": {options(), whole + "Content-Type: text/plain; name=\"\xc3\xbc\"\r\n\r\n", replyNeedsUTF8},
		"Latin-1":       {options(), whole + "Subject: \xfc\r\n\r\n", replyCharset},
		"many fields":   {options(), whole + strings.Repeat("X:y\r\n", maxFields), replyHeaderTooLarge},
		"long From":     {options(), "From: \"" + strings.Repeat("x\r\n ", maxValue/4) + "\" <alice@example.org>\r\n\r\n", replyManyAuthors},
		"too large":     {options(), whole + strings.Repeat("X: x\r\n", 200_000), replyHeaderTooLarge},
	} {
		_, _, err := run(c.o, c.in)
		if err != error(c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if r, ok := errors.AsType[smtp.Reply](err); ok && (len(r.Text) > 100 || r.Status.Class != 5) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	// A header in UTF-8 within a part is found as it passes.
	part := "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; filename=\"\xc3\xbc\"\r\n\r\nx\r\n--b--\r\n"
	if _, _, err := run(options(), whole+part); err != error(replyNeedsUTF8) {
		t.Error(err)
	}
	own := options()
	busy := smtp.NewReply(451, 4, 3, 0, "later")
	own.MayUse = func(string, string) error { return busy }
	if _, _, err := run(own, whole+"\r\n"); err != error(busy) {
		t.Error(err)
	}
}

func TestReceived(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(*Options) {}, received},
		// RFC 5321 §7.2: for only where there is one recipient.
		{func(o *Options) { o.For = smtp.Path{Local: "b c", Domain: "example.net"} }, "Received: from client.invalid\r\n\tby mail.example.org with ESMTPSA id q1\r\n\tfor <\"b c\"@example.net>; Thu, 05 Nov 2026 09:03:00 +0100\r\n"},
		// RFC 3848, RFC 6531 §4.3
		{func(o *Options) { o.TLS = false }, strings.Replace(received, "ESMTPSA", "ESMTPA", 1)},
		{func(o *Options) { o.UTF8 = true }, strings.Replace(received, "ESMTPSA", "UTF8SMTPSA", 1)},
		// RFC 6531 §3.7.3
		{func(o *Options) { o.UTF8, o.Hostname = true, "xn--bcher-kva.example" }, strings.NewReplacer("ESMTPSA", "UTF8SMTPSA", "mail.example.org", "bücher.example").Replace(received)},
		{func(o *Options) { o.For = smtp.Path{Local: "ü", Domain: "example.net"} }, received},
		{func(o *Options) { o.UTF8, o.TLS, o.Authenticated = true, false, false }, strings.Replace(received, "ESMTPSA", "UTF8SMTP", 1)},
		// RFC 5321 §4.4
		{func(o *Options) { o.ShowClient = true }, strings.Replace(received, "client.invalid", "phone.local ([192.0.2.7])", 1)},
		{func(o *Options) { o.ShowClient, o.Hello = true, "a b\r\n" }, strings.Replace(received, "client.invalid", "[192.0.2.7] ([192.0.2.7])", 1)},
		{func(o *Options) { o.ShowClient, o.Remote = true, netip.MustParseAddrPort("[2001:db8::1%eth0]:9") }, strings.Replace(received, "client.invalid", "phone.local ([IPv6:2001:db8::1])", 1)},
		// A session that nobody remembers: RFC 3848's names would say too much.
		{func(o *Options) { o.Hello = "" }, strings.Replace(received, " with ESMTPSA", "", 1)},
		{func(o *Options) { o.ShowClient, o.Hello, o.Remote = true, "(", netip.AddrPort{} }, received},
	} {
		o := options()
		c.change(&o)
		got, content, err := run(o, whole+"\r\n")
		if err != nil || got != c.want+whole+"\r\n" || content.Hops != 1 {
			t.Errorf("%v %+v\n%s", err, content, got)
		}
	}
}

func TestContent(t *testing.T) {
	utf8, binary := options(), options()
	utf8.UTF8, binary.Binary = true, true
	id := func(c submission.Content) submission.Content {
		c.Hops++
		c.MessageID = "<1@example.org>"
		return c
	}
	embedded := func(typ string) string {
		return whole + "Content-Type: " + typ + "\r\n\r\nSubject: \xc3\xbc\r\n\r\nx\r\n"
	}
	for name, c := range map[string]struct {
		o    Options
		in   string
		want submission.Content
	}{
		"7bit":                {options(), whole + "\r\nx\r\n", submission.Content{}},
		"8bit":                {options(), whole + "\r\n\xfc", submission.Content{EightBit: true}},
		"998":                 {options(), whole + "\r\n" + strings.Repeat("x", 998) + "\r\n" + strings.Repeat("x", 998), submission.Content{}},
		"999":                 {options(), whole + "\r\n" + strings.Repeat("x", 999) + "\r\n", submission.Content{Binary: true}},
		"NUL":                 {options(), whole + "\r\n\x00", submission.Content{Binary: true}},
		"binary in name only": {binary, strings.ReplaceAll(whole, "\r\n", "\n") + "\nx\r\n", submission.Content{}},
		"binary LF":           {binary, whole + "\r\nx\n", submission.Content{Binary: true}},
		"binary CR":           {binary, whole + "\r\nx\r", submission.Content{Binary: true}},
		"binary CR CR LF":     {binary, whole + "\r\nx\r\r\n", submission.Content{Binary: true}},
		"UTF-8":               {utf8, whole + "Subject: \xc3\xbc\r\n\r\n", submission.Content{UTF8Header: true}},
		"rfc822":              {options(), embedded("message/rfc822"), submission.Content{EightBit: true}},
		"global":              {utf8, embedded("message/global"), submission.Content{EightBit: true, UTF8Header: true}},
		"hops":                {options(), "Received: a\r\nReceived: b\r\n" + whole + "\r\n", submission.Content{Hops: 2}},
		"no loop":             {options(), strings.Repeat("Received: x\r\n", 100) + whole + "\r\n", submission.Content{Hops: 100}}, // RFC 5321 §6.3
		// RFC 8689 §4.1
		"TLS": {options(), whole + "TLS-Required: no\r\n\r\n", submission.Content{TLSOptional: true}},
	} {
		out, got, err := run(c.o, c.in)
		if err != nil || got != id(c.want) {
			t.Errorf("%s: %v %+v", name, err, got)
		}
		if c.o.Binary && !strings.HasSuffix(out, c.in[strings.LastIndex(c.in, "\nx"):]) {
			t.Errorf("%s: binary changed: %q", name, out)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, submission.ErrNoSpace }

// What the spool says comes back as it is.
func TestSpoolFails(t *testing.T) {
	f := New(broken{}, options())
	if _, err := f.Write([]byte(whole + "\r\n")); !errors.Is(err, submission.ErrNoSpace) {
		t.Error(err)
	}
	if _, err := f.Close(); !errors.Is(err, submission.ErrNoSpace) {
		t.Error(err)
	}
}
