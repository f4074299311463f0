// Package utf7 converts mailbox names between UTF-8 and IMAP's modified UTF-7
// (RFC 3501 §5.1.3). It is strict: Decode accepts exactly what Append writes,
// so that no two wire forms name one mailbox.
package utf7

import (
	"encoding/base64"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrInvalid: not the modified UTF-7 of anything.
var ErrInvalid = errors.New("utf7: not valid modified UTF-7")

// alphabet is that of base64 with "," in place of "/".
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,"

var encoding = base64.NewEncoding(alphabet).WithPadding(base64.NoPadding).Strict()

// direct says that c stands for itself.
func direct(c byte) bool { return c >= 0x20 && c <= 0x7e && c != '&' }

// Append appends name, which must be valid UTF-8, in modified UTF-7. Invalid
// octets become U+FFFD.
func Append(dst []byte, name string) []byte {
	for i := 0; i < len(name); {
		if c := name[i]; c == '&' {
			dst = append(dst, '&', '-')
			i++
		} else if direct(c) {
			dst = append(dst, c)
			i++
		} else {
			end := i
			for end < len(name) && !direct(name[end]) && name[end] != '&' {
				end++
			}
			dst = appendShifted(dst, name[i:end])
			i = end
		}
	}
	return dst
}

// appendShifted appends "&", s in UTF-16BE as base64, and "-".
func appendShifted(dst []byte, s string) []byte {
	var stack [64]byte
	units := stack[:0]
	for _, r := range s {
		if r1, r2 := utf16.EncodeRune(r); r1 != utf8.RuneError {
			units = append(units, byte(r1>>8), byte(r1), byte(r2>>8), byte(r2))
		} else {
			units = append(units, byte(r>>8), byte(r))
		}
	}
	dst = append(dst, '&')
	dst = encoding.AppendEncode(dst, units)
	return append(dst, '-')
}

// Decode gives the UTF-8 of a name in modified UTF-7. It returns ErrInvalid
// for octets outside printable ASCII, bad or padded base64, unpaired
// surrogates, base64 of what must stand for itself, and one base64 run right
// after another.
func Decode(name []byte) (string, error) {
	out := make([]byte, 0, len(name))
	shifted := -1 // where the last run ended
	for i := 0; i < len(name); {
		c := name[i]
		if direct(c) {
			out = append(out, c)
			i++
			continue
		}
		if c != '&' {
			return "", ErrInvalid
		}
		end := i + 1
		for end < len(name) && name[end] != '-' {
			end++
		}
		if end == len(name) {
			return "", ErrInvalid
		}
		run := name[i+1 : end]
		if len(run) == 0 {
			out = append(out, '&')
		} else if i == shifted {
			return "", ErrInvalid
		} else {
			var err error
			if out, err = decodeShifted(out, run); err != nil {
				return "", err
			}
			shifted = end + 1
		}
		i = end + 1
	}
	return string(out), nil
}

// decodeShifted appends the UTF-8 of a base64 run.
func decodeShifted(dst, run []byte) ([]byte, error) {
	for _, c := range run {
		if c == '\r' || c == '\n' { // skipped by encoding/base64
			return nil, ErrInvalid
		}
	}
	var stack [64]byte
	units, err := encoding.AppendDecode(stack[:0], run)
	if err != nil || len(units)%2 != 0 {
		return nil, ErrInvalid
	}
	for i := 0; i < len(units); i += 2 {
		r := rune(units[i])<<8 | rune(units[i+1])
		if utf16.IsSurrogate(r) {
			i += 2
			if i >= len(units) {
				return nil, ErrInvalid
			}
			r = utf16.DecodeRune(r, rune(units[i])<<8|rune(units[i+1]))
			if r == utf8.RuneError {
				return nil, ErrInvalid
			}
		}
		if r == '&' || r < utf8.RuneSelf && direct(byte(r)) {
			return nil, ErrInvalid
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, nil
}
