package imap

import (
	"strconv"
	"time"
	"unicode/utf8"

	"citron/wire/imap/utf7"
)

// The Append functions append one syntactic element to dst and return it. They
// allocate only when dst must grow. Where they take utf8Mode, true means that
// the session has enabled IMAP4rev2 or UTF8=ACCEPT, so that quoted strings may
// hold UTF-8 (RFC 9051 §4.3, RFC 6855 §3).

// maxQuoted is the longest string sent quoted; longer ones are literals, which
// a client need not scan.
const maxQuoted = 1024

// AppendString appends s as a quoted string if it can be one, else as a
// literal. A NUL, which IMAP has no string for, becomes 0x80.
func AppendString[S ~string | ~[]byte](dst []byte, s S, utf8Mode bool) []byte {
	switch quotable(s, utf8Mode) {
	case quotePlain:
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	case quoteEscaped:
		return appendEscaped(dst, s)
	}
	return appendLiteralString(dst, s)
}

// AppendNString appends NIL for nil, else s as AppendString does.
func AppendNString(dst []byte, s []byte, utf8Mode bool) []byte {
	if s == nil {
		return AppendNIL(dst)
	}
	return AppendString(dst, s, utf8Mode)
}

// AppendNIL appends NIL.
func AppendNIL(dst []byte) []byte { return append(dst, "NIL"...) }

// AppendAString appends s as an atom if it can be one, else as AppendString
// does. "NIL" is quoted, lest a client take it for none.
func AppendAString[S ~string | ~[]byte](dst []byte, s S, utf8Mode bool) []byte {
	if len(s) == 0 || len(s) > maxQuoted {
		return AppendString(dst, s, utf8Mode)
	}
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&classAtom == 0 {
			return AppendString(dst, s, utf8Mode)
		}
	}
	if len(s) == 3 && s[0]|0x20 == 'n' && s[1]|0x20 == 'i' && s[2]|0x20 == 'l' {
		return AppendString(dst, s, utf8Mode)
	}
	return append(dst, s...)
}

type quoting uint8

const (
	quoteNever quoting = iota
	quotePlain
	quoteEscaped
)

// quotable says whether s can be a quoted string and needs escapes.
func quotable[S ~string | ~[]byte](s S, utf8Mode bool) quoting {
	if len(s) > maxQuoted {
		return quoteNever
	}
	q, eightBit := quotePlain, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case classes[c]&classQuoted != 0:
		case c == '"' || c == '\\':
			q = quoteEscaped
		case c >= utf8.RuneSelf && utf8Mode:
			eightBit = true
		default:
			return quoteNever
		}
	}
	if eightBit && !utf8.ValidString(string(s)) {
		return quoteNever
	}
	return q
}

func appendEscaped[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

func appendLiteralString[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst = AppendLiteralHead(dst, int64(len(s)))
	start := len(dst)
	dst = append(dst, s...)
	for i := start; i < len(dst); i++ {
		if dst[i] == 0 {
			dst[i] = 0x80
		}
	}
	return dst
}

// AppendLiteralHead announces a literal: size octets must follow.
func AppendLiteralHead(dst []byte, size int64) []byte {
	dst = append(dst, '{')
	dst = strconv.AppendInt(dst, size, 10)
	return append(dst, "}\r\n"...)
}

// AppendLiteral8Head announces a literal8, which may hold NULs (RFC 3516, RFC
// 9051 §4.3).
func AppendLiteral8Head(dst []byte, size int64) []byte {
	return AppendLiteralHead(append(dst, '~'), size)
}

// AppendMailbox appends a mailbox name given in UTF-8: as UTF-8 in utf8Mode,
// else in modified UTF-7.
func AppendMailbox(dst []byte, name string, utf8Mode bool) []byte {
	if utf8Mode {
		return AppendAString(dst, name, true)
	}
	for i := 0; i < len(name); i++ {
		if name[i] == '&' || name[i] < 0x20 || name[i] > 0x7e {
			var stack [128]byte
			return AppendAString(dst, utf7.Append(stack[:0], name), false)
		}
	}
	return AppendAString(dst, name, false)
}

// AppendUint appends n in decimal.
func AppendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

const monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"

// AppendDateTime appends t as a date-time in quotes, in t's own zone (RFC 9051
// §9). Years beyond 9999 or below 0 are clipped, a zone's seconds dropped.
func AppendDateTime(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(dst, '"')
	if day < 10 {
		dst = append(dst, ' ', '0'+byte(day))
	} else {
		dst = append2(dst, day)
	}
	dst = appendMonthYear(dst, month, year)
	dst = append(dst, ' ')
	dst = append(append2(dst, hour), ':')
	dst = append(append2(dst, minute), ':')
	dst = append2(dst, second)
	_, offset := t.Zone()
	offset /= 60
	if offset < 0 {
		dst = append(dst, " -"...)
		offset = -offset
	} else {
		dst = append(dst, " +"...)
	}
	dst = append2(append2(dst, offset/60%100), offset%60)
	return append(dst, '"')
}

// AppendDate appends the date of t as in SEARCH, "1-Feb-1994".
func AppendDate(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	dst = strconv.AppendInt(dst, int64(day), 10)
	return appendMonthYear(dst, month, year)
}

func appendMonthYear(dst []byte, month time.Month, year int) []byte {
	dst = append(dst, '-')
	dst = append(dst, monthNames[3*month-3:3*month]...)
	dst = append(dst, '-')
	year = min(max(year, 0), 9999)
	return append2(append2(dst, year/100), year%100)
}

// append2 appends n, below 100, in two digits.
func append2(dst []byte, n int) []byte {
	return append(dst, '0'+byte(n/10), '0'+byte(n%10))
}

// appendMailboxString is AppendMailbox where the grammar wants a string.
func appendMailboxString(dst []byte, name string, utf8Mode bool) []byte {
	if utf8Mode {
		return AppendString(dst, name, true)
	}
	return AppendString(dst, utf7.Append(nil, name), false)
}
