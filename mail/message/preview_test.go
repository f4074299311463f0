package message

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPreview(t *testing.T) {
	const alternative = "Content-Type: multipart/alternative; boundary=b\n\n"
	long := strings.Repeat("lemon ade ", 100)
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Subject: x\n\nHello,\n\n  world!\n", "Hello, world!"},
		{"none", "Subject: x\n\n", ""},
		{"limit", "Subject: x\n\n" + long, long[:199]},
		{"encoded", "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=\n=DFe\n", "Grüße"},
		{"base64", "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nR3LDvMOf\nZQ==\n", "Grüße"},
		{"unknown encoding", "Content-Transfer-Encoding: x\n\nabc", ""},
		{"html", "Content-Type: text/html\n\n<!doctype html><html><head><title>T</title><style>p > a {}</style></head><body class=\"a>b\"><!-- no --><p>Hello <b>w</b>orld &amp; &lt;all&gt;</p><script>x<y</script><div>2 &lt; 3</div></body>", "Hello world & <all> 2 < 3"},
		{"html with lone <", "Content-Type: text/html\n\n1 < 2 <b>yes</b>", "1 < 2 yes"},
		{"html cut off", "Content-Type: text/html\n\ntext <a href=\"x", "text"},
		{"padding", "Content-Type: text/html\n\nOffer&zwnj;&nbsp;&#847;&zwnj; &nbsp;&#8203;today", "Offer today"},
		{"alternative", alternative + "--b\nContent-Type: text/html\n\n<p>html\n--b\nContent-Type: text/plain\n\nplain\n--b--\n", "plain"},
		{"empty alternative", alternative + "--b\nContent-Type: text/plain\n\n \n--b\nContent-Type: text/html\n\n<p>html\n--b--\n", "html"},
		{"html then plain", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>html\n--b\nContent-Type: text/plain\n\nfooter\n--b--\n", "html"},
		{"attachment", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nno\n--b\n\nyes\n--b--\n", "yes"},
		{"message within", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: in\n\nno\n--b--\n", ""},
		{"quotes", "Subject: x\n\n> you said\nI say\n-- \nBob\n", "I say"},
		{"only quotes", "Subject: x\n\n> you said\n", "> you said"},
		{"drawing", "Subject: x\n\n==========\nnews\n----------\n", "news"},
		{"controls", "Subject: x\n\na\x00b\x07c\x7fd", "a b cd"},
		{"raw latin1", "Subject: x\n\n\xe4", "ä"},
		{"boundary", "Content-Type: multipart/x; boundary=b\n\n--b\n\ntext\n--b--\nepilogue", "text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ix := openIndex(t, crlf(c.in))
			if got := string(ix.Preview()); got != c.want {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
	ix := openIndex(t, crlf("Subject: x\nContent-Type: text/plain; charset=utf-8\n\n"+strings.Repeat("ä😀", 3000)))
	if n := utf8.RuneCount(ix.Preview()); n != maxPreview || strings.ContainsRune(string(ix.Preview()), utf8.RuneError) {
		t.Errorf("%d characters: %q", n, ix.Preview())
	}
}

func TestSortKeys(t *testing.T) {
	ix := openIndex(t, crlf("Subject: Re: [x] =?utf-8?q?L=C3=A4rm?=\nFrom: =?utf-8?q?J=C3=B6rg?= <j@x.org>, b@c\nTo: k@y.org\nCc: Group: l@z;\nMessage-ID: <1@x>\nIn-Reply-To: <0@x> <00@x>\nReferences: <a@x>\n <0@x>\nDate: 31 Dec 2000 16:01:33 -0800\n\n"))
	for k, want := range map[SortKey]string{
		SortSubject: "Lärm", SortFrom: "j", SortTo: "k", SortCc: "Group",
		SortDisplayFrom: "Jörg", SortDisplayTo: "k@y.org",
	} {
		if got := string(ix.SortKey(k)); got != want {
			t.Errorf("key %d: %q, not %q", k, got, want)
		}
	}
	if !ix.IsReply() || ix.HasNUL() || ix.Opaque() {
		t.Error("flags")
	}
	if d, ok := ix.Date(); !ok || d.Unix != 978307293 || d.Offset != -8*3600 || d.Day() != 11322 {
		t.Errorf("date %+v day %d", d, d.Day())
	}
	ids := ix.IDs()
	if ids.Message != "1@x" || strings.Join(ids.InReplyTo, " ") != "0@x 00@x" || strings.Join(ids.References, " ") != "a@x 0@x" {
		t.Errorf("%+v", ids)
	}
	ix = openIndex(t, crlf("From: Group: a@b;\nSubject: "+strings.Repeat("ä", 400)+"\n\n"))
	if got := ix.SortKey(SortSubject); len(got) > maxSortKey || !utf8.Valid(got) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	if got := string(ix.SortKey(SortDisplayFrom)); got != "Group" {
		t.Errorf("group: %q", got)
	}
}
