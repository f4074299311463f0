package message

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"citron/mail/message/messagetest"
	"citron/wire/imap"
)

// FuzzMessage: any bytes are a message that is described consistently, the same
// in whatever pieces they come, and so is its view.
func FuzzMessage(f *testing.F) {
	for _, b := range messagetest.Corpus(f) {
		f.Add(b, byte(7))
	}
	f.Add(crlf(rfc9051Example), byte(1))
	f.Add(smallMessage(), byte(64))
	f.Fuzz(func(t *testing.T, raw []byte, size byte) {
		if len(raw) > 32<<10 {
			return
		}
		p := NewParser(Limits{Header: 2000, HeaderTotal: 5000, Parts: 50, Depth: 10, Addresses: 50, Preview: 100})
		whole := indexOf(p, raw, len(raw)+1)
		p.Reset()
		if pieces := indexOf(p, raw, int(size)+1); !bytes.Equal(whole, pieces) {
			t.Errorf("in pieces of %d:\n%q\n%q", int(size)+1, whole, pieces)
		}
		if err := consistent(raw, whole); err != nil {
			t.Error(err)
		}
		checkView(t, raw)
	})
}

// FuzzHeader: every reader of header values takes any bytes, and gives UTF-8.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{
		"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
		"A Group(Some people):Chris Jones <c@(Chris's host.)public.example>;",
		"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
		"=?ISO-8859-1?Q?a?= =?ISO-8859-2?B?X2I=?=",
		"multipart/mixed; title*0*=us-ascii'en'This%20is; title*1=\"x\"",
		"Re: [x] Fwd: [fwd: y (fwd)]", "<a@b> <\"c\"@d>", "Subject: a\r\n b\r\n\r\n", "((0((0(",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		r := NewAddressReader(v)
		n := 0
		for a := (Address{}); r.Next(&a); n++ {
			if a.Kind == Mailbox && len(a.Mailbox)+len(a.Host)+len(a.Name)+len(a.Route) == 0 && !bytes.Contains(v, []byte("<")) && !bytes.ContainsAny(v, "@\"") {
				t.Errorf("an address of nothing in %q", v)
			}
		}
		if n > 2*len(v)+2 {
			t.Errorf("%d addresses in %q", n, v)
		}
		if d, ok := ParseDate(v); ok && (d.Offset <= -86400 || d.Offset >= 86400) {
			t.Errorf("date %+v", d)
		}
		text := DecodeHeader(v)
		base, _ := BaseSubject(text)
		for _, s := range append(MessageIDs(v), text, base) {
			if !utf8.ValidString(s) {
				t.Errorf("%q is no UTF-8", s)
			}
		}
		if again, _ := BaseSubject(base); again != base {
			t.Errorf("base subject of %q: %q, then %q", text, base, again)
		}
		for _, p := range decodeParams(v) {
			if !utf8.ValidString(p.Value) || p.Name != strings.ToLower(p.Name) {
				t.Errorf("%+v", p)
			}
		}
		var all []byte
		for field := range Fields(v) {
			all = append(all, field.Raw...)
		}
		if !bytes.HasPrefix(v, all) {
			t.Errorf("fields of %q: %q", v, all)
		}
		names := []string{"a", "subject"}
		in, out := NewFieldFilter(names, false).Append(nil, v), NewFieldFilter(names, true).Append(nil, v)
		if len(all) > 0 && len(in)+len(out) < len(all) || len(in) > len(v) || len(out) > len(v) {
			t.Errorf("%q: %q and %q", v, in, out)
		}
		if got := appendPlain(nil, v); !utf8.Valid(got) && utf8.Valid(v) {
			t.Errorf("html %q", got)
		}
	})
}

// FuzzIndex: damaged indexes give errors or nonsense, never a panic or a range
// outside the message.
func FuzzIndex(f *testing.F) {
	for _, b := range [][]byte{smallMessage(), crlf(rfc9051Example)} {
		f.Add(parse(b).AppendIndex(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ix, err := OpenIndex(b)
		if err != nil {
			return
		}
		ix.AppendBody(nil, true)
		ix.AppendBodyStructure(nil, true)
		ix.IDs()
		for k := SortSubject; k <= SortDisplayTo; k++ {
			ix.SortKey(k)
		}
		tree, err := ix.Tree()
		if err != nil {
			return
		}
		for _, path := range [][]uint32{nil, {1}, {1, 1}, {2, 1, 1}} {
			for text := imap.SectionAll; text <= imap.SectionMIME; text++ {
				if s, ok := tree.Section(path, text); ok && (s.From < 0 || s.To < s.From || s.To > ix.Size()) {
					t.Errorf("%v of %d", s, ix.Size())
				}
			}
		}
	})
}

func TestIndexVersion(t *testing.T) {
	b := parse(smallMessage()).AppendIndex([]byte("prefix"))[6:]
	if _, err := OpenIndex(b); err != nil {
		t.Error(err)
	}
	for _, bad := range [][]byte{nil, {Version}, b[:len(b)-1], append(bytes.Clone(b), 0), append([]byte{Version + 1}, b[1:]...)} {
		if _, err := OpenIndex(bad); err != ErrIndex {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
}
