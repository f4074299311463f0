package opened_test

import (
	"math"
	"testing"

	"citron/mail/message"
	"citron/store/opened"
	"citron/wire/imap"
)

// A part of a span never leaves it, whatever a client asks for (RFC 9051
// §6.4.5, RFC 5092 §6).
func TestCut(t *testing.T) {
	span := message.Span{From: 100, To: 110}
	for _, c := range []struct {
		part     *imap.Partial
		from, to int64
	}{
		{nil, 100, 110},
		{&imap.Partial{Offset: 0, Length: 3}, 100, 103},
		{&imap.Partial{Offset: 8, Length: 5}, 108, 110},
		{&imap.Partial{Offset: 4}, 104, 110}, // of a URL: up to the end
		{&imap.Partial{Offset: 10, Length: 1}, 110, 110},
		{&imap.Partial{Offset: math.MaxInt64, Length: math.MaxInt64}, 110, 110},
		{&imap.Partial{Offset: math.MaxInt64}, 110, 110},
	} {
		if from, to := opened.Cut(span, c.part); from != c.from || to != c.to {
			t.Errorf("%+v: %d to %d", c.part, from, to)
		}
	}
}
