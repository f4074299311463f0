package message

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"citron/mail/message/messagetest"
	"citron/wire/imap"
)

// consistent checks everything about a message that must hold whatever it is:
// the index opens, its wire forms are well formed, the tree nests, and each
// section that BODYSTRUCTURE shows has the size and the lines that it says.
func consistent(raw []byte, index []byte) error {
	ix, err := OpenIndex(index)
	if err != nil {
		return err
	}
	if ix.Size() != int64(len(raw)) {
		return fmt.Errorf("size %d of %d", ix.Size(), len(raw))
	}
	tree, err := ix.Tree()
	if err != nil {
		return err
	}
	if err := nests(tree, int64(len(raw))); err != nil {
		return err
	}
	env, err := readSexpr(ix.Envelope())
	if err != nil {
		return fmt.Errorf("envelope: %w", err)
	}
	if err := isEnvelope(env); err != nil {
		return err
	}
	if err := readByClient(&ix); err != nil {
		return err
	}
	if !utf8.Valid(ix.Preview()) || utf8.RuneCount(ix.Preview()) > maxPreview {
		return fmt.Errorf("preview %q", ix.Preview())
	}
	for _, rev2 := range []bool{false, true} {
		c := checker{raw: raw, tree: tree}
		for _, form := range []struct {
			extended bool
			wire     []byte
		}{{true, ix.AppendBodyStructure(nil, rev2)}, {false, ix.AppendBody(nil, rev2)}} {
			s, err := readSexpr(form.wire)
			if err != nil {
				return fmt.Errorf("structure: %w\n%s", err, form.wire)
			}
			c.extended = form.extended
			if err := c.message(s, nil); err != nil {
				return fmt.Errorf("%w\n%s", err, form.wire)
			}
		}
	}
	return nil
}

// readByClient checks that our own client understands what is sent.
func readByClient(ix *Index) error {
	b := append([]byte("* 1 FETCH (ENVELOPE "), ix.Envelope()...)
	b = ix.AppendBodyStructure(append(b, " BODYSTRUCTURE "...), true)
	b = ix.AppendBody(append(b, " BODY "...), false)
	r := imap.NewResponseReader(bytes.NewReader(append(b, ")\r\n"...)))
	resp, err := r.Next()
	if err != nil {
		return fmt.Errorf("client: %w\n%q", err, b)
	}
	f, ok := resp.(*imap.FetchResponse)
	if !ok || f.BodyStructure == nil || f.Body == nil || f.Envelope == nil {
		return fmt.Errorf("client reads %+v", resp)
	}
	return nil
}

// nests checks that parts lie within their parents, one after the other.
func nests(t Tree, size int64) error {
	if t[0].Header != 0 || t[0].End != size {
		return fmt.Errorf("root %+v in %d bytes", t[0], size)
	}
	for i, p := range t {
		at := p.Body
		for c := p.Child; c >= 0; c = t[c].Next {
			if t[c].Parent != int32(i) || t[c].Header < at || t[c].End > p.End {
				return fmt.Errorf("part %d %+v in %d %+v", c, t[c], i, p)
			}
			at = t[c].End
		}
		if p.Kind == Embedded && t[p.Child].Header != p.Body {
			return fmt.Errorf("message in part %d begins at %d, not %d", i, t[p.Child].Header, p.Body)
		}
	}
	return nil
}

func isEnvelope(e sexpr) error {
	if len(e.list) != 10 {
		return fmt.Errorf("envelope of %d", len(e.list))
	}
	for i, f := range e.list {
		address := i >= 2 && i <= 7
		switch {
		case f.isNIL():
		case address != (f.kind == '('):
			return fmt.Errorf("envelope field %d: %v", i, f)
		case address:
			for _, a := range f.list {
				if len(a.list) != 4 {
					return fmt.Errorf("address %v", a)
				}
			}
		}
	}
	return nil
}

type checker struct {
	raw      []byte
	tree     Tree
	extended bool
}

// message checks the structure of a message whose parts' numbers begin with
// path.
func (c *checker) message(s sexpr, path []uint32) error {
	if len(s.list) > 0 && s.list[0].kind == '(' {
		return c.multipart(s, path)
	}
	return c.single(s, append(slices.Clone(path), 1))
}

func (c *checker) body(s sexpr, path []uint32) error {
	if len(s.list) > 0 && s.list[0].kind == '(' {
		return c.multipart(s, path)
	}
	return c.single(s, path)
}

func (c *checker) multipart(s sexpr, path []uint32) error {
	n := 0
	for n < len(s.list) && s.list[n].kind == '(' {
		n++
		if err := c.body(s.list[n-1], append(slices.Clone(path), uint32(n))); err != nil {
			return err
		}
	}
	if _, ok := c.tree.Section(append(slices.Clone(path), uint32(n+1)), imap.SectionAll); ok {
		return fmt.Errorf("%v has a part that is not shown", path)
	}
	want := n + 1
	if c.extended {
		want = n + 5
	}
	if len(s.list) != want {
		return fmt.Errorf("multipart %v of %d elements, not %d", path, len(s.list), want)
	}
	return nil
}

func (c *checker) single(s sexpr, path []uint32) error {
	if len(s.list) < 7 {
		return fmt.Errorf("part %v of %d elements", path, len(s.list))
	}
	body, ok := c.tree.Section(path, imap.SectionAll)
	if !ok || body.Len() != s.list[6].num() {
		return fmt.Errorf("part %v: %v, says %v bytes", path, body, s.list[6])
	}
	if mime, ok := c.tree.Section(path, imap.SectionMIME); !ok || mime.To != body.From {
		return fmt.Errorf("part %v: MIME %v before %v", path, mime, body)
	}
	lines := int64(bytes.Count(c.raw[body.From:body.To], []byte("\n")))
	isText := s.list[0].str == "TEXT"
	isMessage := s.list[0].str == "MESSAGE" && (s.list[1].str == "RFC822" || s.list[1].str == "GLOBAL")
	want := 7
	switch {
	case isMessage:
		want = 10
		if len(s.list) < 10 || s.list[9].num() != lines {
			return fmt.Errorf("message %v: %d lines, says %v", path, lines, s.list)
		}
		if err := c.embedded(s, path, body); err != nil {
			return err
		}
	case isText:
		want = 8
		if len(s.list) < 8 || s.list[7].num() != lines {
			return fmt.Errorf("text %v: %d lines, says %v", path, lines, s.list)
		}
	}
	if c.extended {
		want += 4
	}
	if len(s.list) != want {
		return fmt.Errorf("part %v of %d elements, not %d: %v", path, len(s.list), want, s)
	}
	return nil
}

// embedded checks that header and text of a message within make up the part.
func (c *checker) embedded(s sexpr, path []uint32, body Span) error {
	header, ok1 := c.tree.Section(path, imap.SectionHeader)
	text, ok2 := c.tree.Section(path, imap.SectionBody)
	if !ok1 || !ok2 || header.From != body.From || header.To != text.From || text.To != body.To {
		return fmt.Errorf("message %v: header %v text %v in %v", path, header, text, body)
	}
	if err := isEnvelope(s.list[7]); err != nil {
		return err
	}
	return c.message(s.list[8], path)
}

func TestCorpusConsistent(t *testing.T) {
	for name, raw := range messagetest.Corpus(t) {
		for _, b := range [][]byte{raw, toCRLF(raw)} {
			if err := consistent(b, parse(b).AppendIndex(nil)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestLimits: messages made to be expensive are described within the limits.
func TestLimits(t *testing.T) {
	nested := strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 1000) + "Subject: deep\r\n\r\nx"
	var multi strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&multi, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	for name, msg := range map[string]string{
		"1000 messages deep":   nested,
		"1000 multiparts deep": multi.String(),
		"100,000 parts":        "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n", 100_000),
		"digest of 50,000":     "Content-Type: multipart/digest; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\n", 50_000),
		"header line of 1 MB":  "Subject: " + strings.Repeat("x", 1<<20) + "\r\nFrom: late@example.org\r\n\r\nbody",
		"8-bit line of 1 MB":   strings.Repeat("\xe4", 1<<20) + "\r\n\r\nbody",
		"a million addresses":  "From: " + strings.Repeat("a,", 1_000_000) + "\r\n\r\n",
		"quotes":               "From: \"" + strings.Repeat(`\"`, 200_000) + "\" <a@b>\r\n\r\n",
		"no blank line":        "From: a@b\r\nSubject: x\r\nthis is text",
		"100,000 fields":       strings.Repeat("To: a\r\n", 100_000) + "\r\nx",
		"many headers": "Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
			strings.Repeat("--b\r\nContent-ID: "+strings.Repeat("y", 1000)+"\r\n\r\n", 20_000),
		"quoted parameters":  "Content-Type: x/y; a=\"" + strings.Repeat(`\\`, 120_000) + "\"\r\n\r\n",
		"encoded parameters": "Content-Type: x/y; a*=latin1''" + strings.Repeat("%E4", 80_000) + "\r\n\r\n",
		"unclosed comment":   "From: " + strings.Repeat("(", 200_000) + "\r\n\r\n",
		"brackets":           "From: " + strings.Repeat("[", 200_000) + "\r\n\r\n",
		"routes":             "From: " + strings.Repeat("<@,", 80_000) + "\r\n\r\n",
		"spaces in a value":  "Content-Type: x/y; a=" + strings.Repeat("x ", 100_000) + "\r\n\r\n",
		"parameters":         "Content-Type: multipart/y; " + strings.Repeat("a=b ", 60_000) + "\r\n\r\n",
		"encoded words":      "Subject: " + strings.Repeat("=?utf-8?q?", 20_000) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			raw := []byte(msg)
			index := parse(raw).AppendIndex(nil)
			if max := 2<<20 + 64<<10; len(index) > max {
				t.Errorf("index of %d bytes", len(index))
			}
			if err := consistent(raw, index); err != nil {
				t.Errorf("%.2000v", err)
			}
		})
	}
}
