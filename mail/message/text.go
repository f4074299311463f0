package message

import (
	"io"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// TextReader gives the text of a text/* part as UTF-8, without its transfer
// encoding: what SEARCH looks at (RFC 9051 §6.4.4). It reads a bounded piece at
// a time. Where the charset is unknown or the text is not in it, what is not
// UTF-8 is read as windows-1252. ErrUnknownEncoding as Decode.
func TextReader(body io.Reader, e Encoding, charset string) (io.Reader, error) {
	d := decoderFor(e)
	if d == nil {
		return nil, ErrUnknownEncoding
	}
	r := &decodingReader{src: body, d: d}
	enc, ok := Charset(charset)
	if ok && enc != nil {
		return transform.NewReader(r, enc.NewDecoder()), nil
	}
	r.d = &chain{first: d, second: &utf8Decoder{}}
	return r, nil
}

// AppendText appends the text of a whole body as TextReader gives it; for one
// that is in memory. work is scratch, given back for the next call.
func AppendText(dst, work, body []byte, e Encoding, charset string) (text, workOut []byte, err error) {
	if !e.Identity() {
		if work, err = AppendDecoded(work[:0], body, e, false); err != nil {
			return dst, work, err
		}
		body = work
	}
	return charsetToUTF8(dst, charset, body), work, nil
}

// CharsetOf gives the charset parameter of a Content-Type field's value, or "".
// It is that of the part whose header it stands in: see FirstField.
func CharsetOf(contentTypeValue []byte) string {
	mt, ok := parseMediaType(contentTypeValue)
	if !ok {
		return ""
	}
	return string(appendParam(nil, mt.params, "charset"))
}

// utf8Decoder passes UTF-8 and reads pieces that are not as windows-1252.
type utf8Decoder struct{ held []byte }

func (d *utf8Decoder) decode(dst, src []byte) []byte {
	if len(d.held) > 0 {
		src = append(d.held, src...)
		d.held = nil
	}
	whole := trimIncomplete(src)
	if rest := src[len(whole):]; len(rest) > 0 {
		d.held = append(make([]byte, 0, utf8.UTFMax), rest...)
	}
	return append(dst, toUTF8(whole)...)
}

func (d *utf8Decoder) finish(dst []byte) []byte {
	held := d.held
	d.held = nil
	return append(dst, toUTF8(held)...)
}
