package collate

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// RFC 5051 §2: U+01C4 becomes D, z and a caron.
func TestUnicodeExample(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"\u01c4", "Dz\u030c"},
		{"straße", "STRAßE"},
		{"Äpfel", "A\u0308PFEL"},
		{"ǆ", "Dz\u030c"},
		{"ﬁx", "fiX"}, // a ligature's titlecase in UnicodeData.txt is itself
		{"각", "각"},
		{"\xffä", "\xff\xffä"},
		{"a\xff", "\xffa\xff"},
		{"", ""},
	} {
		if got := string(UnicodeCasemap.Key(c.in)); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

// RFC 5051 §2, step 2b: nothing that can be decomposed is left, and what there
// is is NFKD of the titlecase.
func TestEveryCodePoint(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || r >= 0xAC00 && r <= 0xD7A3 {
			continue
		}
		got := appendUnicode(nil, []byte(string(r)))
		if want := norm.NFKD.String(string(unicode.ToTitle(r))); string(got) != want && !sameMarks(string(got), want) {
			t.Fatalf("%U: %q, want %q", r, got, want)
		}
	}
}

func sameMarks(a, b string) bool {
	x, y := []rune(a), []rune(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// RFC 5255 §4.6: of its four strings, (4) and (2) are compared as text, (3) and
// (1) after them as octets.
func TestInvalidLast(t *testing.T) {
	in := []string{
		"\xd0\xc0\xd0\xbd\xd0\xb4\xd1\x80\xd0\xb5\xd0\xb9",
		"\xd1\x81\xd0\x95\xd0\xa0\xd0\x93\xd0\x95\xd0\x99",
		"\xd0\x92\xd0\xb0\xd1\x81\xd0\xb8\xd0\xbb\xd0\xb8\xff\xb9",
		"\xd0\x90\xd0\xbb\xd0\xb5\xd0\xba\xd1\x81\xd0\xb5\xd0\xb9",
	}
	want := []string{in[3], in[1], in[2], in[0]}
	slices.SortFunc(in, func(a, b string) int { return bytes.Compare(UnicodeCasemap.Key(a), UnicodeCasemap.Key(b)) })
	if !slices.Equal(in, want) {
		t.Errorf("%q", in)
	}
}

// RFC 4790 §9.1, the examples of i;ascii-numeric.
func TestNumeric(t *testing.T) {
	order := [][]string{{"0", "00", "0x"}, {"1", "01"}, {"999"}, {"4294967298", "04294967298", "4294967298b"},
		{"99999999999999999999999999"}, {"", "x", "y", "-1"}}
	for i, group := range order {
		for _, s := range group {
			if k := ASCIINumeric.Key(s); !bytes.Equal(k, ASCIINumeric.Key(group[0])) {
				t.Errorf("%q is not %q", s, group[0])
			} else if i > 0 && bytes.Compare(ASCIINumeric.Key(order[i-1][0]), k) >= 0 {
				t.Errorf("%q is not above %q", s, order[i-1][0])
			}
		}
	}
	if ASCIINumeric.HasSubstring() {
		t.Error("i;ascii-numeric has no substring operation")
	}
}

// RFC 4790 §9.2: letters of ASCII only, and as large ones.
func TestASCII(t *testing.T) {
	if got := string(ASCIICasemap.Key("azAZ_é")); got != "AZAZ_é" {
		t.Error(got)
	}
	if bytes.Compare(ASCIICasemap.Key("a"), ASCIICasemap.Key("_")) >= 0 {
		t.Error("a letter sorts after the underscore")
	}
	if got := string(Octet.Key("aÄ\xff")); got != "aÄ\xff" {
		t.Error(got)
	}
}

func TestMatch(t *testing.T) {
	for order, want := range map[string]string{
		"i;*":             "i;unicode-casemap i;ascii-casemap i;octet i;ascii-numeric",
		"*":               "i;unicode-casemap i;ascii-casemap i;octet i;ascii-numeric",
		"*casemap":        "i;unicode-casemap i;ascii-casemap",
		"i;ascii-*":       "i;ascii-casemap i;ascii-numeric",
		"*ascii*map":      "i;ascii-casemap",
		"-I;OCTET":        "-i;octet",
		"+i;octet":        "i;octet",
		"default":         "i;unicode-casemap",
		"-default":        "-i;unicode-casemap",
		"i;basic":         "",
		"i;octet*i;octet": "",
		"i;octe":          "",
		"cz;*":            "",
	} {
		var names []string
		for _, c := range Match(order) {
			names = append(names, c.String())
		}
		if got := strings.Join(names, " "); got != want || !ValidOrder(order) {
			t.Errorf("%s: %q, want %q", order, got, want)
		}
	}
	for _, wrong := range []string{"", "**", "i;**x", "1;x", "i octet", "i;\u00e9", "+", strings.Repeat("a", 255)} {
		if ValidOrder(wrong) {
			t.Errorf("%q is valid", wrong)
		}
	}
	active, matching, ok := Select([]string{"cz;*", "i;octet", "i;ascii-*"})
	if !ok || active.Collation != Octet || len(matching) != 3 {
		t.Error(active, matching, ok)
	}
}

// FuzzKeys: equality and order agree, and a substring's key is in the whole's.
func FuzzKeys(f *testing.F) {
	for _, s := range []string{"", "abc", "ǄÄ\u0308", "\xff", "0012x", "각ﬁ㌀", "ſK", "\u1e9b\u0323"} {
		f.Add(s, "b", "c")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, col := range all {
			key := col.Key(a + b + c)
			if col.HasSubstring() && utf8.ValidString(a) && utf8.ValidString(b) && utf8.ValidString(c) && !bytes.Contains(key, col.Key(b)) {
				t.Errorf("%s: %q is not in %q", col.Name(), b, a+b+c)
			}
			if !bytes.Equal(key, col.AppendKey(nil, []byte(a+b+c))) {
				t.Errorf("%s: not the same twice", col.Name())
			}
		}
	})
}

func BenchmarkUnicodeKey(b *testing.B) {
	for name, s := range map[string]string{"ascii": strings.Repeat("The quick brown fox. ", 50), "cyrillic": strings.Repeat("Съешь ещё этих мягких булок. ", 50)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			var key []byte
			for b.Loop() {
				key = UnicodeCasemap.AppendKey(key[:0], []byte(s))
			}
		})
	}
}

// Every octet of ASCII at every place of a word of eight.
func TestUpperInWords(t *testing.T) {
	for b := range 128 {
		for at := range 19 {
			s := []byte(strings.Repeat("\x00", at) + string(rune(b)) + strings.Repeat("\x7f", 19-at))
			if got, want := UnicodeCasemap.AppendKey(nil, s), bytes.ToUpper(s); !bytes.Equal(got, want) {
				t.Fatalf("%d at %d: %q", b, at, got)
			}
		}
	}
}
