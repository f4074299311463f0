package imap_test

import (
	"strings"
	"testing"

	"citron/wire/imap"
)

// Lines of RFC 9051 appendix E that concern what a client reads; the others are
// dialogues of the server.
func TestAppendixEResponses(t *testing.T) {
	for _, test := range []struct{ line, wire, text string }{
		{"14: a bare number64 in extension data", "* ESEARCH (TAG \"a\") XNEW 9223372036854775807 COUNT 2\r\n", ""},
		{"22: an unknown response code", "a OK [XNEVERSEEN (1 2 \"x\")] done\r\n", "done"},
		{"23: empty text", "a OK [CLOSED] \r\n", ""},
		{"24: text in UTF-8", "a OK Postfach geöffnet\r\n", "Postfach geöffnet"},
	} {
		got, err := imap.NewResponseReader(strings.NewReader(test.wire)).Next()
		if err != nil {
			t.Errorf("line %s: %v", test.line, err)
			continue
		}
		if status, ok := got.(*imap.StatusResponse); ok && status.Text != test.text {
			t.Errorf("line %s: text %q, want %q", test.line, status.Text, test.text)
		}
	}
}
