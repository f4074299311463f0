package smtp

import "bytes"

// Body is what a message is made of.
type Body uint8

const (
	Body7Bit   Body = iota // also if nothing was said
	Body8Bit               // 8BITMIME
	BodyBinary             // BINARYMIME: no lines; BDAT only
)

// EightBitMIME is RFC 6152; its BODY parameter is shared with BinaryMIME.
var EightBitMIME = Extension{
	Keyword: "8BITMIME",
	RFC:     "RFC 6152",
	Mail:    []Param[Mail]{{Keyword: "BODY", Value: NeedsValue, Set: setBody, Append: appendBody}},
}

// BinaryMIME is RFC 3030 §3. It needs Chunking, and EightBitMIME, whose BODY
// parameter has a value for it: a session without BinaryMIME refuses that.
var BinaryMIME = Extension{Keyword: "BINARYMIME", RFC: "RFC 3030"}

// Chunking is RFC 3030 §2, the verb BDAT.
var Chunking = Extension{Keyword: "CHUNKING", RFC: "RFC 3030"}

var bodies = [...]string{Body7Bit: "7BIT", Body8Bit: "8BITMIME", BodyBinary: "BINARYMIME"}

func setBody(m *Mail, value []byte) error {
	for b, name := range bodies {
		if bytes.EqualFold(value, []byte(name)) {
			m.Body = Body(b)
			return nil
		}
	}
	return Reply{501, Status{5, 5, 4}, "BODY is 7BIT, 8BITMIME or BINARYMIME"}
}

func appendBody(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	return append(dst, bodies[m.Body]...), m.Body != Body7Bit
}
