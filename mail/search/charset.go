package search

import (
	"errors"
	"fmt"
	"strings"

	"citron/mail/message"
	"citron/wire/imap"
)

// ErrCharset: the CHARSET of a SEARCH is not supported, or a string is not in
// it (RFC 9051 §6.4.4: a tagged NO with BADCHARSET).
var ErrCharset = errors.New("charset is not supported")

// DecodeStrings makes the strings of a SEARCH UTF-8, from the charset that it
// names. Without one they are taken as they are: US-ASCII, or UTF-8 as
// IMAP4rev2 has it. ErrCharset leaves some strings undecoded.
func DecodeStrings(s *imap.Search) error {
	if s.Charset == "" {
		return nil
	}
	enc, ok := message.Charset(s.Charset)
	if !ok {
		return fmt.Errorf("%w: %s", ErrCharset, s.Charset)
	}
	return s.MapStrings(func(text string) (string, error) {
		if enc == nil {
			if strings.ToValidUTF8(text, "") != text {
				return "", fmt.Errorf("%w: string is not UTF-8", ErrCharset)
			}
			return text, nil
		}
		out, err := enc.NewDecoder().String(text)
		if err != nil {
			return "", fmt.Errorf("%w: %v", ErrCharset, err)
		}
		return out, nil
	})
}
