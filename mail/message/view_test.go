package message

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"citron/wire/imap"
)

// checkView checks what a base64 view promises: no NUL, an index of its own
// that is consistent, the same parts with the same decoded contents, and the
// same bytes however they are read.
func checkView(t *testing.T, raw []byte) {
	t.Helper()
	stored := bytes.NewReader(raw)
	tree := parse(raw).Tree()
	v, err := NewView(tree, stored, WithoutNUL)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := io.ReadAll(io.NewSectionReader(v.Open(stored), 0, v.Size()+10))
	if err != nil || int64(len(shown)) != v.Size() {
		t.Fatalf("%d of %d bytes, %v", len(shown), v.Size(), err)
	}
	if bytes.IndexByte(shown, 0) >= 0 {
		t.Fatalf("NUL in %q", shown)
	}
	for _, size := range []int64{1, 7, 78, 79, 1000} {
		for at := int64(0); at < v.Size(); at += max(size*3+1, v.Size()/64) {
			b := make([]byte, size)
			n, err := v.Open(stored).ReadAt(b, at)
			want := shown[at:min(at+size, v.Size())]
			if !bytes.Equal(b[:n], want) || (err == io.EOF) != (n < int(size)) {
				t.Fatalf("%d at %d: %q, %v, not %q", size, at, b[:n], err, want)
			}
		}
	}
	index, err := v.Index(stored, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := consistent(shown, index); err != nil {
		t.Fatal(err)
	}
	for _, p := range tree {
		if p.Flags&HeaderNUL != 0 {
			return // what a header says may change with its NULs
		}
	}
	shownTree := parse(shown).Tree()
	if len(shownTree) != len(tree) {
		t.Fatalf("%d parts, not %d\n%q", len(shownTree), len(tree), shown)
	}
	for i, p := range tree {
		if p.Kind == Leaf && p.Flags&BodyNUL != 0 && p.Encoding.Identity() {
			q := shownTree[i]
			if q.Encoding != Base64 {
				t.Fatalf("part %d in %d", i, q.Encoding)
			}
			var d base64Decoder
			if got := d.finish(d.decode(nil, shown[q.Body:q.End])); !bytes.Equal(got, raw[p.Body:p.End]) {
				t.Fatalf("part %d: %q, not %q", i, got, raw[p.Body:p.End])
			}
		}
	}
}

func TestBase64View(t *testing.T) {
	binary := strings.Repeat("\x00\x01binary\xff\r\n", 60)
	multi := "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n" +
		"pre\x00amble\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n" +
		"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nX-After: 1\r\n\r\n" + binary + "\r\n" +
		"--b\r\n\r\nsmall \x00\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: within\r\n\r\n\x00\r\n" +
		"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAA\x00A\r\n--b--\r\n"
	for name, raw := range map[string]string{
		"nothing to do":    "Subject: x\r\n\r\nhello\r\n",
		"whole message":    "Subject: x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: BINARY\r\n\r\n" + binary,
		"two encodings":    "Content-Transfer-Encoding: binary\r\nX: y\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + binary,
		"folded":           "Content-Transfer-Encoding:\r\n binary\r\n\r\n" + binary,
		"no encoding":      "Subject: x\r\n\r\na\x00",
		"no header":        "no header \x00 here",
		"multipart":        multi,
		"header":           "Subject: a\x00b\r\n\r\nhello",
		"exactly one line": "Subject: x\r\n\r\n" + strings.Repeat("\x00", lineBytes),
		"long":             "Subject: x\r\n\r\n" + strings.Repeat("\x00", 100_000),
	} {
		t.Run(name, func(t *testing.T) { checkView(t, []byte(raw)) })
	}
	stored := bytes.NewReader([]byte(multi))
	v, _ := NewView(parse([]byte(multi)).Tree(), stored, WithoutNUL)
	index, _ := v.Index(stored, Limits{})
	ix, _ := OpenIndex(index)
	tree, _ := ix.Tree()
	span, ok := tree.Section([]uint32{2}, imap.SectionMIME)
	got := make([]byte, span.Len())
	v.Open(stored).ReadAt(got, span.From)
	if want := "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nX-After: 1\r\n\r\n"; !ok || string(got) != want {
		t.Errorf("header %q", got)
	}
}

// TestViewError: an error of the store is given, not bytes.
func TestViewError(t *testing.T) {
	raw := []byte("Subject: x\r\n\r\na\x00")
	v, err := NewView(parse(raw).Tree(), bytes.NewReader(raw), WithoutNUL)
	if err != nil {
		t.Fatal(err)
	}
	short := bytes.NewReader(raw[:len(raw)-1])
	if _, err := v.Open(short).ReadAt(make([]byte, v.Size()), 0); err != io.ErrUnexpectedEOF {
		t.Errorf("short read: %v", err)
	}
	if _, err := NewView(parse(raw).Tree(), bytes.NewReader(raw[:3]), WithoutNUL); err == nil {
		t.Error("no error for a header that is not there")
	}
}
