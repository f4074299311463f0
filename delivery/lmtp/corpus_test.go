package lmtp

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"citron/mail/message/messagetest"
	"citron/wire/smtp"
)

var bareLF = regexp.MustCompile(`([^\r]|^)\n`)

// Every message of the corpus, with bare LF made CRLF, arrives octet for octet:
// NULs, bare CRs, long lines and all, by DATA and by BDAT.
func TestCorpusArrivesUnchanged(t *testing.T) {
	site := newSite(t)
	service := site.service("")
	for name, message := range messagetest.Corpus(t) {
		for bareLF.Match(message) {
			message = bareLF.ReplaceAll(message, []byte("$1\r\n"))
		}
		if !bytes.HasSuffix(message, []byte("\r\n")) {
			message = append(message, "\r\n"...)
		}
		var e smtp.DotEncoder
		byData := e.End(e.Append([]byte("DATA\r\n"), message))
		half := len(message) / 2
		byChunks := append(smtp.AppendChunk(nil, smtp.Chunk{Size: int64(half)}), message[:half]...)
		byChunks = append(smtp.AppendChunk(byChunks, smtp.Chunk{Size: int64(len(message) - half), Last: true}), message[half:]...)
		for _, content := range [][]byte{byData, byChunks} {
			s := service.NewSession(peer{})
			in := append([]byte("LHLO x\r\nMAIL FROM:<a@b> BODY=8BITMIME\r\nRCPT TO:<alice@example.org>\r\n"), content...)
			for ; len(in) > 0; in = in[min(4096, len(in)):] {
				step(s, noon, in[:min(4096, len(in))])
			}
			s.Close(nil)
			alice := site.ids["alice"]
			got := site.boxes.mail[alice]
			if len(got) != 1 || !strings.HasSuffix(got[0], "; Mon, 23 Nov 2026 12:00:00 +0100\r\n"+string(message)) {
				t.Errorf("%s: %d messages arrived, or not the same", name, len(got))
			}
			delete(site.boxes.mail, alice)
		}
	}
}
