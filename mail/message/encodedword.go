package message

import (
	"bytes"
)

// encodedWord is an encoded-word (RFC 2047 §2, with RFC 2231 §5's language).
type encodedWord struct {
	charset  []byte
	encoding byte // 'B' or 'Q'
	text     []byte
}

// encodedWordLen gives the length of the encoded-word that b begins with; 0 if
// it is none.
func encodedWordLen(b []byte) int {
	_, n := parseEncodedWord(b)
	return n
}

// maxEncodedWord is the longest text of an encoded-word that is looked for, in
// bytes. RFC 2047 §2 allows less than 75; writers that do not fold exist.
const maxEncodedWord = 4 << 10

// maxCharset is the longest name of a charset, with its language, in bytes.
const maxCharset = 80

// parseEncodedWord reads the encoded-word that b begins with and gives its
// length; 0 if it is none. Spaces within the text, which are not allowed but
// seen in Q, are accepted; the length of 75 is not enforced.
func parseEncodedWord(b []byte) (encodedWord, int) {
	if len(b) < 8 || b[0] != '=' || b[1] != '?' {
		return encodedWord{}, 0
	}
	i := bytes.IndexByte(b[2:min(len(b), 2+maxCharset)], '?') + 2
	if i < 3 || i+3 >= len(b) || b[i+2] != '?' {
		return encodedWord{}, 0
	}
	charset := b[2:i]
	for _, c := range charset {
		if c <= ' ' || c == '=' || c == '"' {
			return encodedWord{}, 0
		}
	}
	if j := bytes.IndexByte(charset, '*'); j >= 0 {
		charset = charset[:j]
	}
	enc := b[i+1] &^ 0x20
	if enc != 'B' && enc != 'Q' {
		return encodedWord{}, 0
	}
	text := b[i+3 : min(len(b), i+3+maxEncodedWord)]
	end := bytes.Index(text, []byte("?="))
	if end < 0 || bytes.IndexByte(text[:end], '\n') >= 0 {
		return encodedWord{}, 0
	}
	if enc == 'B' && bytes.IndexByte(text[:end], '?') >= 0 {
		return encodedWord{}, 0
	}
	return encodedWord{charset, enc, text[:end]}, i + 3 + end + 2
}

// appendDecoded appends the bytes that the word encodes, in its charset.
func (w encodedWord) appendDecoded(dst []byte) []byte {
	if w.encoding == 'B' {
		var d base64Decoder
		return d.decode(dst, w.text)
	}
	for i := 0; i < len(w.text); i++ {
		switch c := w.text[i]; {
		case c == '_':
			dst = append(dst, ' ')
		case c == '=' && i+2 < len(w.text) && unhex[w.text[i+1]] < 16 && unhex[w.text[i+2]] < 16:
			dst = append(dst, unhex[w.text[i+1]]<<4|unhex[w.text[i+2]])
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// DecodeHeader gives a header field's value as text: unfolded, encoded-words
// decoded (RFC 2047 §6), in UTF-8. Encoded-words are recognised in any place,
// also next to other characters, as is common. The bytes of adjacent ones in
// one charset are joined before they are decoded, because many writers cut
// within a character.
func DecodeHeader(value []byte) string {
	return string(appendDecodedHeader(nil, value))
}

func appendDecodedHeader(dst, value []byte) []byte {
	value = trimSpace(value)
	if !bytes.Contains(value, []byte("=?")) {
		from := len(dst)
		dst = appendUnfolded(dst, value)
		if text := toUTF8(dst[from:]); len(text) != len(dst)-from {
			dst = append(dst[:from], text...)
		}
		return dst
	}
	var (
		plain, run []byte // text before a word; decoded bytes of adjacent words
		charset    []byte
	)
	flush := func() {
		if len(run) > 0 {
			dst = charsetToUTF8(dst, string(charset), run)
			run = run[:0]
		}
	}
	afterWord := false
	for i := 0; i < len(value); {
		w, n := parseEncodedWord(value[i:])
		if n == 0 {
			if c := value[i]; c != '\r' && c != '\n' && c != 0 {
				plain = append(plain, c)
			}
			i++
			continue
		}
		if !afterWord || len(bytes.TrimLeft(plain, " \t")) > 0 {
			flush()
			dst = append(dst, toUTF8(plain)...)
		}
		plain = plain[:0]
		if !bytes.EqualFold(charset, w.charset) {
			flush()
			charset = w.charset
		}
		run = w.appendDecoded(run)
		afterWord = true
		i += n
	}
	flush()
	return append(dst, toUTF8(plain)...)
}
