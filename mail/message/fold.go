package message

import "bytes"

// MaxLine is how many octets a line may have without its CRLF (RFC 5322 §2.1.1).
const MaxLine = 998

// AppendFolded appends a line of a header, given without its line end, with a
// CRLF; where it has more than MaxLine octets it is folded at white space. False
// if it cannot be.
func AppendFolded(dst, line []byte) ([]byte, bool) {
	if len(line) > MaxLine {
		line = bytes.TrimRight(line, " \t")
	}
	for len(line) > MaxLine {
		indent := len(line) - len(bytes.TrimLeft(line, " \t"))
		at := bytes.LastIndexAny(line[:MaxLine+1], " \t")
		for at > indent && (line[at-1] == ' ' || line[at-1] == '\t') {
			at-- // all of a run of spaces goes to the next line
		}
		if at <= indent {
			return dst, false
		}
		dst = append(append(dst, line[:at]...), '\r', '\n')
		line = line[at:]
	}
	return append(append(dst, line...), '\r', '\n'), true
}
