package message

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode/utf32"
)

// charsetAliases are names seen in mail that neither the WHATWG's nor IANA's
// index knows.
var charsetAliases = map[string]string{
	"ansi_x3.110-1983": "iso-8859-1",
	"cp-850":           "cp850",
	"cp-1252":          "windows-1252",
	"cp932":            "shift_jis",
	"cp936":            "gbk",
	"cp949":            "euc-kr",
	"cp950":            "big5",
	"eucjp":            "euc-jp",
	"euckr":            "euc-kr",
	"iso-8859-8-i":     "iso-8859-8",
	"ks_c_5601":        "euc-kr",
	"latin-1":          "iso-8859-1",
	"sjis":             "shift_jis",
	"utf8mb4":          "utf-8",
	"windows-31j":      "shift_jis",
	"x-gbk":            "gbk",
}

// Charset finds the encoding with a name of the IANA registry, or one seen in
// its place; nil, true for UTF-8 and its subset US-ASCII; false if it is not
// known.
func Charset(name string) (encoding.Encoding, bool) {
	name = strings.ToLower(strings.Trim(name, " \t\"'"))
	if a, ok := charsetAliases[name]; ok {
		name = a
	}
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "default", "default_charset":
		return nil, true
	case "utf-32":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM), true
	case "utf-7", "unicode-1-1-utf-7", "csunicode11utf7", "x-unicode-2-0-utf-7":
		return utf7{}, true
	}
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		if n, _ := htmlindex.Name(e); n == "utf-8" {
			return nil, true
		}
		return e, true
	}
	if e, err := ianaindex.MIME.Encoding(name); err == nil && e != nil {
		return e, true
	}
	return nil, false
}

// toUTF8 gives b if it is valid UTF-8, and else reads it as windows-1252.
func toUTF8(b []byte) []byte {
	if isASCII(b) || utf8.Valid(b) {
		return b
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	return out
}

// isUTF8 says whether a charset is UTF-8 or a subset, without looking further
// than the usual names.
func isUTF8(charset []byte) bool {
	return len(charset) == 0 || equalFold(charset, "utf-8") || equalFold(charset, "us-ascii")
}

// charsetToUTF8 appends text in a charset as UTF-8. With an unknown charset, or
// none, it is taken for UTF-8 if it is valid, else for windows-1252.
func charsetToUTF8(dst []byte, charset string, text []byte) []byte {
	e, ok := Charset(charset)
	if !ok || e == nil {
		return append(dst, toUTF8(text)...)
	}
	out, err := e.NewDecoder().Bytes(text)
	if err != nil {
		return append(dst, toUTF8(text)...)
	}
	return append(dst, bytes.ToValidUTF8(out, []byte("\uFFFD"))...)
}
