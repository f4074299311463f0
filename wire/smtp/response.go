package smtp

import (
	"bytes"
	"errors"
	"strings"
)

// Response is a reply as a client reads it.
type Response struct {
	Code   int
	Status Status   // of the last line; zero if it had none
	Lines  []string // what stands behind the codes, enhanced code included; at least one
}

// MaxResponse bounds one reply, in octets (RFC 5321 §4.5.3.1.5 has 512 for a
// line; an EHLO answer has a dozen).
const MaxResponse = 16 << 10

// ErrResponse says that what the server sent is no reply.
var ErrResponse = errors.New("smtp: malformed reply")

// OK says that the reply is a positive completion.
func (r Response) OK() bool { return r.Code/100 == 2 }

// ParseResponse takes one reply off the front of in and says of how many octets
// it was; 0 when it is not yet complete.
//
//	Reply-line = *( Reply-code "-" [ textstring ] CRLF )
//	             Reply-code [ SP textstring ] CRLF
func ParseResponse(in []byte) (Response, int, error) {
	var r Response
	for n := 0; ; {
		end := bytes.IndexByte(in[n:], '\n')
		if end < 0 {
			if len(in) > MaxResponse {
				return Response{}, 0, ErrResponse
			}
			return Response{}, 0, nil
		}
		line := in[n : n+end+1]
		n += len(line)
		last, err := r.add(line)
		switch {
		case err != nil || n > MaxResponse:
			return Response{}, 0, ErrResponse
		case last:
			return r, n, nil
		}
	}
}

func (r *Response) add(line []byte) (last bool, err error) {
	if len(line) < 5 || line[len(line)-2] != '\r' {
		return false, ErrResponse
	}
	line = line[:len(line)-2]
	code, ok := parseCode(line[:3])
	if !ok || len(r.Lines) > 0 && code != r.Code {
		return false, ErrResponse
	}
	r.Code = code
	last = len(line) == 3 || line[3] == ' '
	if !last && line[3] != '-' {
		return false, ErrResponse
	}
	text := string(line[min(4, len(line)):])
	if strings.ContainsAny(text, "\r\x00") {
		return false, ErrResponse
	}
	r.Status, _ = cutStatus(code, text)
	r.Lines = append(r.Lines, text)
	return last, nil
}

// Plain makes one line for people of the lines of a reply, separated by LF: their
// enhanced codes are left out.
func Plain(code int, text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		_, lines[i] = cutStatus(code, lines[i])
	}
	return strings.Join(lines, " ")
}

func parseCode(p []byte) (int, bool) {
	if p[0] < '2' || p[0] > '5' || p[1] < '0' || p[1] > '9' || p[2] < '0' || p[2] > '9' {
		return 0, false
	}
	return int(p[0]-'0')*100 + int(p[1]-'0')*10 + int(p[2]-'0'), true
}

// cutStatus takes an enhanced code, whose class must agree with the reply's
// (RFC 2034 §4), off the front of a text:
//
//	status-code ::= class "." subject "." detail
//	subject     ::= 1*3DIGIT
func cutStatus(code int, text string) (Status, string) {
	word, rest, _ := strings.Cut(text, " ")
	class, word, ok1 := strings.Cut(word, ".")
	subject, detail, ok2 := strings.Cut(word, ".")
	if !ok1 || !ok2 || len(class) != 1 || int(class[0]-'0') != code/100 || code < 200 || code/100 == 3 {
		return Status{}, text
	}
	s, ok1 := parse3(subject)
	d, ok2 := parse3(detail)
	if !ok1 || !ok2 {
		return Status{}, text
	}
	return Status{uint16(code / 100), s, d}, rest
}

func parse3(p string) (uint16, bool) {
	if len(p) == 0 || len(p) > 3 {
		return 0, false
	}
	n := uint16(0)
	for _, c := range []byte(p) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint16(c-'0')
	}
	return n, true
}
