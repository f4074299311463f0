package fixup

import (
	"errors"
	"testing"

	"citron/mail/message/messagetest"
	"citron/wire/smtp"
)

// TestCorpus: messages of all kinds come out clean, or are refused with a reply.
func TestCorpus(t *testing.T) {
	passed, refused := 0, make(map[error]int)
	for name, b := range messagetest.Corpus(t) {
		o := options()
		o.MayUse, o.UTF8 = nil, true
		out, _, err := run(o, string(b))
		if _, ok := errors.AsType[smtp.Reply](err); ok {
			refused[err]++
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		passed++
		clean(t, []byte(out), false)
	}
	if passed == 0 {
		t.Error("none passed")
	}
	for err, n := range refused {
		t.Logf("%d refused: %v", n, err)
	}
	t.Logf("%d passed", passed)
}
