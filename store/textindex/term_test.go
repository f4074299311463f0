package textindex

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"citron/mail/collate"
)

// gramsOf gives the grams of a text that comes in pieces of n bytes.
func gramsOf(text string, n int) map[uint64]bool {
	all := make(map[uint64]bool)
	emit := func(gram uint64) { all[gram] = true }
	var g grams
	g.begin()
	for len(text) > 0 {
		cut := min(n, len(text))
		g.text([]byte(text[:cut]), emit)
		text = text[cut:]
	}
	g.end(emit)
	return all
}

func has(grams map[uint64]bool, s span) bool {
	for g := range grams {
		if s.from <= g && g <= s.to {
			return true
		}
	}
	return false
}

// collations are those that SEARCH can have.
var collations = []*collate.Collation{collate.Octet, collate.ASCIICasemap, collate.UnicodeCasemap}

// FuzzSubstring: what is a substring under any comparator has its grams.
func FuzzSubstring(f *testing.F) {
	f.Add("The quick brown fox", "ICK Bro", 3)
	f.Add("ein Gr\u00fc\u00dfen aus M\u00fcnchen", "MU\u0308NCHEN", 1)
	f.Add("\u65e5\u672c\u8a9e\u306e\u30e1\u30fc\u30eb", "\u672c\u8a9e\u306e", 2)
	f.Add("\ufb01ne \uac00\ub098\ub2e4 \u0939\u093f\u0928\u094d\u0926\u0940", "fine", 5)
	f.Add("\u0391\u0301\u0397 \U0001d400\U0001d401c de\xff\xe4f", "\u0391\u0397", 4)
	f.Fuzz(func(t *testing.T, text, needle string, n int) {
		n = max(1, n%64)
		grams := gramsOf(text, n)
		if whole := gramsOf(text, len(text)+1); len(whole) != len(grams) {
			t.Fatalf("%d grams, in pieces of %d bytes %d", len(whole), n, len(grams))
		}
		if strings.ToValidUTF8(needle, "") != needle {
			return
		}
		for _, c := range collations {
			if !bytes.Contains(c.Key(text), c.Key(needle)) {
				continue
			}
			for _, s := range needleSpans(needle) {
				if !has(grams, s) {
					t.Errorf("%s: %q is in %q, but not %x", c.Name(), needle, text, s)
				}
			}
		}
	})
}

// The key of a character has the codes of the character, under every collation
// (for i;unicode-casemap, RFC 5051 §2).
func TestFoldOfKeys(t *testing.T) {
	var f folder
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		want := f.codes(r)
		for _, c := range collations {
			var got []code
			for _, k := range string(c.Key(string(r))) {
				if k < utf8.RuneSelf {
					got = append(got, asciiCodes[k])
				} else {
					got = append(got, f.codes(k)...)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %U is %v, its key %v", c.Name(), r, want, got)
			}
		}
	}
}

// Alike characters fold alike.
func TestFold(t *testing.T) {
	var f folder
	for _, group := range []string{"kK\u212a", "sS\u017f", "\u00e4\u00c4aA\u00aa", "\u03c3\u03c2\u03a3", "\u00b5\u03bc\u039c", "\uff21a", "\u2460\u00b9\u0031"} {
		first := []rune(group)[0]
		for _, r := range group {
			if got, want := f.codes(r), f.codes(first); string(toRunes(got)) != string(toRunes(want)) {
				t.Errorf("%q is %v, %q is %v", r, got, first, want)
			}
		}
	}
	if len(f.codes('\u0301')) != 0 || f.codes('!')[0] != 0 || f.codes('\u00a0')[0] != 0 {
		t.Error("marks and boundaries")
	}
}

func toRunes(codes []code) (r []rune) {
	for _, c := range codes {
		r = append(r, rune(c))
	}
	return r
}

func TestNeedleSpans(t *testing.T) {
	for needle, want := range map[string]int{
		"": 0, "ab": 0, "a b c": 0, "abc": 1, "abcd": 1, "abcde": 2, "abc ": 1, " abc": 1, "abcd efg": 3, "abcd efg ": 3,
		"\u6f22": 0, "\u6f22\u5b57": 1, "\u6f22\u5b57\u5178": 2, "ab\u6f22\u5b57": 1, "abc\u6f22": 1, "\u4e00a\u4e00": 0, "harbour harbour": 5,
	} {
		spans := needleSpans(needle)
		if len(spans) != want {
			t.Errorf("%q: %d spans", needle, len(spans))
		}
	}
	if s := needleSpans("abc")[0]; s.to-s.from != codeMask {
		t.Error("three letters at the end may go on")
	}
	if !bytes.Equal([]byte(All.wild().String()), []byte("0:0000000000000")) {
		t.Error(All.wild().String())
	}
}
