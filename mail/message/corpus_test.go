package message

import "bytes"

// toCRLF makes every line end CRLF, as LMTP would have sent it.
func toCRLF(b []byte) []byte {
	d := crlfDecoder{}
	return d.decode(nil, b)
}

func parse(b []byte) *Message {
	m, _ := Parse(bytes.NewReader(b))
	return m
}
