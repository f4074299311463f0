package imap

import (
	"bytes"
	"math"
)

// announced says whether a line, with its line ending, ends by announcing a
// literal: ["~"] "{" number64 ["+"] "}". It may be cut off at its front.
func announced(line []byte) (lit LiteralInfo, ok bool) {
	line = line[:len(line)-len(lineEnd(line))]
	i := len(line) - 1
	if i < 0 || line[i] != '}' {
		return lit, false
	}
	i--
	if i >= 0 && line[i] == '+' {
		lit.NonSync = true
		i--
	}
	end := i + 1
	for i >= 0 && isDigit(line[i]) {
		i--
	}
	if i < 0 || line[i] != '{' || end == i+1 {
		return lit, false
	}
	for _, d := range line[i+1 : end] {
		if lit.Size > (math.MaxInt64-int64(d-'0'))/10 {
			return lit, false
		}
		lit.Size = lit.Size*10 + int64(d-'0')
	}
	lit.Binary = i > 0 && line[i-1] == '~'
	return lit, true
}

// lineTail keeps the last octets of a line that is skipped, enough to see a
// literal announced.
type lineTail struct {
	octets [32]byte
	n      int
}

func (t *lineTail) add(p []byte) {
	if len(p) >= len(t.octets) {
		t.n = copy(t.octets[:], p[len(p)-len(t.octets):])
		return
	}
	if keep := len(t.octets) - len(p); t.n > keep {
		copy(t.octets[:], t.octets[t.n-keep:t.n])
		t.n = keep
	}
	t.n += copy(t.octets[t.n:], p)
}

func (t *lineTail) bytes() []byte { return t.octets[:t.n] }

// statusLine says that text is a response that ends in free text.
func (s *Scanner) statusLine(text []byte) bool {
	if !s.client {
		return false
	}
	tag, rest, _ := bytes.Cut(text, []byte{' '})
	if string(tag) == "+" {
		return true
	}
	word, _, _ := bytes.Cut(rest, []byte{' '})
	_, status := statusKinds[upper(bytes.TrimRight(word, "\r\n"))]
	return status
}
