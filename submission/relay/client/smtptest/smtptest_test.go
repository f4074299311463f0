package smtptest

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"citron/wire/smtp"
)

// talk sends groups of lines, each at once, and gives the codes of so many
// answers.
func talk(s *Server, answers int, groups []string) string {
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ServeConn(theirs)
	}()
	go func() {
		for _, group := range groups {
			io.WriteString(ours, group)
		}
	}()
	var codes []string
	for in := bufio.NewReader(ours); len(codes) < answers; {
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		if line[3] == ' ' {
			codes = append(codes, line[:3])
		}
	}
	ours.Close()
	<-done
	return strings.Join(codes, " ")
}

// What must not be done is refused, and is a fault.
func TestStrict(t *testing.T) {
	const (
		hello = "EHLO x\r\n"
		rcpt  = "RCPT TO:<b@c>\r\n"
		text  = "MAIL FROM:<a@b>\r\n" + rcpt
		bits  = "MAIL FROM:<a@b> BODY=BINARYMIME\r\n" + rcpt
	)
	some := []*smtp.Extension{&smtp.Chunking, &smtp.EightBitMIME, &smtp.BinaryMIME, &smtp.Pipelining}
	for _, tt := range []struct {
		name    string
		offered []*smtp.Extension
		groups  []string
		answers int
		want    string
		fault   string
	}{
		{"in order", some, []string{hello, bits + "BDAT 3\r\na\n\r", "BDAT 0 LAST\r\n", "QUIT\r\n"}, 6, "220 250 250 250 250 250 221", ""},
		// RFC 3030 §2, §3.
		{"DATA of binary", some, []string{hello, bits, "DATA\r\n"}, 4, "220 250 250 250 503", "DATA out of order"},
		{"DATA after BDAT", some, []string{hello, text + "BDAT 0\r\n", "DATA\r\n"}, 5, "220 250 250 250 250 503", "DATA out of order"},
		{"RCPT after BDAT", some, []string{hello, text + "BDAT 0\r\n", rcpt}, 5, "220 250 250 250 250 503", "RCPT out of order"},
		{"BDAT after LAST", some, []string{hello, text + "BDAT 0 LAST\r\n", "BDAT 1\r\nx"}, 5, "220 250 250 250 250 503", "BDAT out of order"},
		{"BDAT that is not offered", some[3:], []string{hello, text + "BDAT 1 LAST\r\nx"}, 4, "220 250 250 250 500", "CHUNKING is not offered"},
		{"BINARYMIME that is not offered", some[:2], []string{hello, "MAIL FROM:<a@b> BODY=BINARYMIME\r\n"}, 2, "220 250 501", "BINARYMIME is not offered"},
		{"a bare LF by BDAT", some, []string{hello, text + "BDAT 2 LAST\r\na\n"}, 4, "220 250 250 250 250", "a bare CR or LF"},
		{"a bare LF by DATA", some, []string{hello, text + "DATA\r\n", "a\nb\r\n.\r\n"}, 5, "220 250 250 250 354 554", "a bare CR or LF"},
		{"8 bits", some, []string{hello, text + "DATA\r\n", "\xff\r\n.\r\n"}, 5, "220 250 250 250 354 554", "8-bit content"},
		// RFC 2920 §3.1.
		{"pipelining that is not offered", some[:1], []string{hello, text}, 3, "220 250 250 250", "MAIL with more behind it"},
		{"behind DATA", some, []string{hello, text + "DATA\r\n.\r\n"}, 5, "220 250 250 250 354 250", "DATA with more behind it"},
		{"a parameter that is not offered", some, []string{hello, "MAIL FROM:<a@b> SIZE=1\r\n"}, 2, "220 250 555", "MAIL FROM:<a@b> SIZE=1"},
		{"MAIL before EHLO", some, []string{"MAIL FROM:<a@b>\r\n"}, 1, "220 503", "MAIL out of order"},
		{"a bare LF", some, []string{"EHLO x\n"}, 1, "220 250", "malformed line"},
		{"an unknown verb", some, []string{"HELP\r\n"}, 1, "220 500", "unknown command"},
	} {
		s := New(Options{Extensions: tt.offered})
		got := talk(s, tt.answers+1, tt.groups)
		faults := strings.Join(s.Faults(), "\n")
		if got != tt.want || (tt.fault == "") != (faults == "") || !strings.Contains(faults, tt.fault) {
			t.Errorf("%s: %s, faults %q", tt.name, got, faults)
		}
	}
}
