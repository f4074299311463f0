package burl

import (
	"strings"
	"testing"

	"citron/wire/imap"
)

// A store that repeats a URL does not bring its token into the log.
func TestRefusalHasNoToken(t *testing.T) {
	const secret = "91354a473744909de610943775f92038"
	r := &refusal{"URLFETCH", &imap.StatusResponse{Kind: imap.NO, Text: "no imap://joe@example.com/INBOX/;uid=20;urlauth=submit+fred:internal:" + secret + "00 here"}}
	if text := r.Error(); strings.Contains(text, secret[:8]) || !strings.Contains(text, ":internal:... here") {
		t.Error(text)
	}
}
