package message

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// RFC 6857 §3.2: each kind of header field.
func TestDowngradedFields(t *testing.T) {
	const gruen = "=?utf-8?B?Z3LDvG4=?="
	for _, tc := range []struct{ in, want string }{
		{"Subject: =?utf-8?Q?caf=C3=A9?= grün ok\r\n", "Subject: =?utf-8?B?Y2Fmw6kgZ3LDvG4=?= ok\r\n"},
		{"From: grün <a@example.org>\r\n", "From: " + gruen + " <a@example.org>\r\n"},
		{"From: \"Miller, J\" <a@exämple.org>\r\n", "From: \"Miller, J\" <a@xn--exmple-cua.org>\r\n"},
		{"To: grün@example.org, Bob <b@example.org>\r\n", "To: =?utf-8?B?Z3LDvG5AZXhhbXBsZS5vcmc=?= :;, Bob <b@example.org>\r\n"},
		{"Cc: grün: a@example.org, \"x y\"@example.org;\r\n", "Cc: " + gruen + ": <a@example.org>, <\"x y\"@example.org>;\r\n"},
		{"Date: Mon, 1 Jan 2024 00:00:00 +0000 (grün)\r\n", "Date: Mon, 1 Jan 2024 00:00:00 +0000 (" + gruen + ")\r\n"},
		{"Message-ID: <1@x> (grün)\r\n", "Message-ID: <1@x> (" + gruen + ")\r\n"},
		{"References: <ä@x>\r\n", "Downgraded-References: =?utf-8?B?PMOkQHg+?=\r\n"},
		{"Received: from exämple.org by x (grün) for <ä@x>; Mon, 1 Jan 2024 00:00:00 +0000\r\n",
			"Received: from xn--exmple-cua.org by x (" + gruen + "); Mon, 1 Jan\r\n 2024 00:00:00 +0000\r\n"},
		{"Received: by x id ä; now\r\n", "Received: by x; now\r\n"},
		{"Content-Type: text/plain; charset=utf-8; name=\"grün.txt\"\r\n", "Content-Type: text/plain; charset=utf-8; name*=utf-8''gr%C3%BCn.txt\r\n"},
		{"Content-Disposition: attachment; filename=\"a b\"; x=ä\r\n", "Content-Disposition: attachment; filename=\"a b\"; x*=utf-8''%C3%A4\r\n"},
		{"Keywords: one, grün, two words\r\n", "Keywords: one, " + gruen + ", two words\r\n"},
		{"X-Other: grün\r\n", "X-Other: " + gruen + "\r\n"},
		{"X-Grün: a ü\r\n", "X-Gr_n: a =?utf-8?B?w7w=?=\r\n"},
		{"kein Feld, grün\r\n", "kein Feld, gr_n\r\n"},
	} {
		for f := range Fields([]byte(tc.in)) {
			if got := downgradeField(f); got != tc.want {
				t.Errorf("%q:\n got %q\nwant %q", tc.in, got, tc.want)
			}
		}
	}
}

// RFC 2047 §2: no encoded-word is longer than 75 characters, and no line of
// them longer than 76; none cuts a character.
func TestDowngradedWordsAreShort(t *testing.T) {
	text := strings.Repeat("grün💧", 40)
	for f := range Fields([]byte("Subject: " + text + "\r\n")) {
		got := downgradeField(f)
		for line := range strings.Lines(got) {
			if len(line) > 78 {
				t.Errorf("%d characters: %q", len(line), line)
			}
		}
		if back := DecodeHeader([]byte(got[len("Subject:"):])); back != text {
			t.Errorf("decoded: %q", back)
		}
	}
}

// A downgraded message is ASCII in its headers, the same in its bodies, and
// consistent with its own index.
func TestDowngradedView(t *testing.T) {
	raw := []byte(strings.ReplaceAll(`From: grün@example.org
Subject: grün
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Description: grün

grün
--b
Content-Type: message/global

Subject: innen grün

grün
--b--
`, "\n", "\r\n"))
	checkDowngraded(t, raw)
	index, octets := downgraded(t, raw, Downgraded)
	if !strings.Contains(string(index.Envelope()), `"=?utf-8?B?Z3LDvG4=?="`) {
		t.Errorf("envelope: %s", index.Envelope())
	}
	if bytes.Count(octets, []byte("grün")) != 2 {
		t.Errorf("bodies: %s", octets)
	}
}

// Headers in another charset than UTF-8 are no internationalized ones.
func TestOtherCharsetsAreNotDowngraded(t *testing.T) {
	raw := []byte("Subject: gr\xfcn\r\n\r\n")
	if parse(raw).Internationalized() {
		t.Error("Latin-1 was taken for UTF-8")
	}
	if _, octets := downgraded(t, raw, Downgraded); !bytes.Equal(octets, raw) {
		t.Errorf("changed: %q", octets)
	}
}

func downgraded(t *testing.T, raw []byte, as Shown) (Index, []byte) {
	t.Helper()
	stored := bytes.NewReader(raw)
	v, err := NewView(parse(raw).Tree(), stored, as)
	if err != nil {
		t.Fatal(err)
	}
	octets := make([]byte, v.Size())
	if n, err := v.Open(stored).ReadAt(octets, 0); n < len(octets) {
		t.Fatalf("%d of %d bytes: %v", n, len(octets), err)
	}
	b, err := v.Index(stored, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ix, err := OpenIndex(b)
	if err != nil {
		t.Fatal(err)
	}
	return ix, octets
}

func checkDowngraded(t *testing.T, raw []byte) {
	t.Helper()
	stored := bytes.NewReader(raw)
	before := parse(raw).Tree()
	ix, octets := downgraded(t, raw, Downgraded)
	if ix.Internationalized() && int64(len(raw)) < maxViewHeader {
		t.Fatalf("a header is in UTF-8 still: %q", octets)
	}
	after, err := ix.Tree()
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before) || ix.Size() != int64(len(octets)) {
		t.Fatalf("%d parts of %d, %d bytes of %d\n%q", len(after), len(before), ix.Size(), len(octets), octets)
	}
	for i := range after {
		if after[i].Kind != Leaf {
			continue
		}
		was, _ := io.ReadAll(io.NewSectionReader(stored, before[i].Body, before[i].Size()))
		if is := octets[after[i].Body:after[i].End]; !bytes.Equal(is, was) {
			t.Fatalf("body of part %d: %q, was %q", i, is, was)
		}
	}
	v, _ := NewView(before, stored, Downgraded)
	some := make([]byte, len(octets)/3)
	if _, err := v.Open(stored).ReadAt(some, int64(len(octets)/4)); err != nil || !bytes.HasPrefix(octets[len(octets)/4:], some) {
		t.Fatalf("a part of it: %v", err)
	}
}

func FuzzDowngraded(f *testing.F) {
	f.Add([]byte("From: grün <grün@exämple.org> (ä)\r\nSubject: =?utf-8?Q?=C3=A4?= ö\r\n\r\ntext\r\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=ä\r\n\r\n--ä\r\nTo: ä:b@ä;\r\n\r\nx\r\n--ä--\r\n"))
	f.Add([]byte("Received: from ä (ö) for <ü@x>; ä\r\nMessage-ID: <ä>\r\nKeywords: ä,b\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) { checkDowngraded(t, raw) })
}
