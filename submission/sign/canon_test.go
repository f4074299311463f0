package sign

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

// relaxedBody is RFC 6376 §3.4.4, word for word.
func relaxedBody(body string) string {
	body = regexp.MustCompile("[ \t]+").ReplaceAllString(body, " ")
	body = strings.ReplaceAll(body, " \r\n", "\r\n")
	body = strings.TrimSuffix(body, " ")
	for strings.HasSuffix(body, "\r\n") {
		body = strings.TrimSuffix(body, "\r\n")
	}
	if body != "" {
		body += "\r\n"
	}
	return body
}

// The hash is that of the body as RFC 6376 §3.4.4 has it, wherever it is cut on
// its way.
func TestBodyHash(t *testing.T) {
	s := newSigner(t, io.Discard, dns{}.newKey(t, Ed25519, "example.org", "s"))
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{" ", "\t", "\r\n", "a", "\r\n", " ", "\r\n.", "\x80"}
	check := func(body string) {
		t.Helper()
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(msgHead + body), "in pieces": iotest.OneByteReader(strings.NewReader(msgHead + body))} {
			field, err := s.Sign(r)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer("\r\n", "", " ", "", "\t", "").Replace(string(field))
			sum := sha256.Sum256([]byte(relaxedBody(body)))
			if !strings.Contains(text, "bh="+base64.StdEncoding.EncodeToString(sum[:])+";") {
				t.Errorf("%s: %.200q: %s", name, body, text)
				return
			}
		}
	}
	// RFC 6376 §3.4.5.
	for _, body := range []string{"", "\r\n", "\r\n\r\n", " \r\n", " C \r\nD \t E\r\n\r\n\r\n", "a", "a ", "a\r\n "} {
		check(body)
	}
	for range 300 {
		var b bytes.Buffer
		for range random.IntN(12) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		check(b.String())
	}
	for n := 32<<10 - 6; n < 32<<10+6; n++ { // where io.Copy cuts
		check(strings.Repeat("a", n) + " \t\r\n\r\n \r\nb")
	}
}

const msgHead = "From: alice@example.org\r\nSubject: a\r\n\r\n"
