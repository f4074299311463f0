package utf7_test

import (
	"testing"
	"unicode/utf8"

	"citron/wire/imap/utf7"
)

func TestRoundTrip(t *testing.T) {
	for wire, name := range map[string]string{
		"":                                "",
		"INBOX":                           "INBOX",
		"~peter/mail/&U,BTFw-/&ZeVnLIqe-": "~peter/mail/台北/日本語", // RFC 3501 §5.1.3
		"&-":                              "&",
		"a&-b&-":                          "a&b&",
		"&-&AOk-&-":                       "&é&",
		"Entw&APw-rfe":                    "Entwürfe",
		"&2D3eAA-":                        "\U0001f600",
		"&AAA-":                           "\x00",
		"&AH8-":                           "\x7f",
		"&AP8AqQ- x":                      "ÿ© x",
	} {
		if got := string(utf7.Append(nil, name)); got != wire {
			t.Errorf("Append(%q) = %q, want %q", name, got, wire)
		}
		if got, err := utf7.Decode([]byte(wire)); got != name || err != nil {
			t.Errorf("Decode(%q) = %q, %v; want %q", wire, got, err, name)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for wire, why := range map[string]string{
		"&":                  "no end",
		"&AOk":               "no end",
		"a\x80":              "8-bit",
		"a\tb":               "control",
		"&AGE-":              "must stand for itself",
		"&ACY-":              "& must be &-",
		"&Jjo":               "no end",
		"&Jjo!-":             "not base64",
		"&U,BTFw-&ZeVnLIqe-": "superfluous shift (RFC 3501 §5.1.3)",
		"&AOl-":              "non-zero padding bits",
		"&AOk=-":             "padding",
		"&AO-":               "half a code unit",
		"&2D0-":              "lone high surrogate",
		"&3gA-":              "lone low surrogate",
		"&2D0A6Q-":           "high surrogate and something else",
		"&A/k-":              "/ for ,",
		"&AO\r\nk-":          "line break",
	} {
		if got, err := utf7.Decode([]byte(wire)); err == nil {
			t.Errorf("Decode(%q) = %q, want an error: %s", wire, got, why)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "&-&AOk-&-", "&2D3eAA-", "&AGE-"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		name, err := utf7.Decode(wire)
		if err != nil {
			return
		}
		if !utf8.ValidString(name) {
			t.Fatalf("Decode(%q) = %q is not UTF-8", wire, name)
		}
		if again := utf7.Append(nil, name); string(again) != string(wire) {
			t.Fatalf("%q became %q", wire, again)
		}
	})
}

func FuzzAppend(f *testing.F) {
	f.Add("台北/日本語")
	f.Add("a&b\U0001f600")
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) {
			return
		}
		if got, err := utf7.Decode(utf7.Append(nil, name)); got != name || err != nil {
			t.Fatalf("%q became %q, %v", name, got, err)
		}
	})
}
