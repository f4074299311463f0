package relay

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"citron/submission"
	"citron/submission/relay/relaytest"
)

// signer signs with a hash of what it read, so that a test sees whether that is
// what was sent.
type signer struct{ err error }

func (s signer) Sign(message io.Reader) ([]byte, error) {
	h := sha256.New()
	if _, err := io.Copy(h, message); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "Signed: %x\r\n", h.Sum(nil)), s.err
}

// unsign checks the signature and gives what it is of.
func unsign(t *testing.T, data string) string {
	t.Helper()
	field, rest, _ := strings.Cut(data, "\r\n")
	if want := fmt.Sprintf("Signed: %x", sha256.Sum256([]byte(rest))); field != want {
		t.Errorf("the signature is of something else: %q", data)
	}
	return rest
}

const (
	eightText  = "From: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
	binaryText = "From: a\r\nMIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\x01\r\xff\n"
	signedText = "From: a\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xbc\r\n--b\r\n\r\nx\r\n--b--\r\n"
)

// A message is converted for a host that does not take it as it is (RFC 4468 §4,
// RFC 3030 §3, RFC 6152 §3), and signed then.
func TestForms(t *testing.T) {
	n := newNetwork()
	seven := n.add("seven.example", "mx.seven.example", &relaytest.Host{Offers: []string{"SIZE"}})
	eight := n.add("eight.example", "mx.eight.example", &relaytest.Host{Offers: []string{"8BITMIME", "SIZE"}})
	binary := n.add("binary.example", "mx.binary.example", &relaytest.Host{Offers: []string{"8BITMIME", "BINARYMIME", "CHUNKING"}})
	half := n.add("half.example", "mx.half.example", &relaytest.Host{Offers: []string{"8BITMIME", "BINARYMIME"}}) // no CHUNKING: it cannot mean it
	is8, isBinary := submission.Content{EightBit: true}, submission.Content{EightBit: true, Binary: true}
	inNetwork(t, n, Options{Signer: signer{}}, func(r *rig) {
		for _, test := range []struct {
			name    string
			domain  string
			host    *relaytest.Host
			content submission.Content
			text    string
			body    string // of MAIL
			want    string // in the message; empty: as it was
		}{
			{"plain", "seven.example", seven, submission.Content{}, text, "", ""},
			{"8-bit to 7-bit", "seven.example", seven, is8, eightText, "", "R3LDvMOfZQ0K"},
			{"8-bit to 8-bit", "eight.example", eight, is8, eightText, " BODY=8BITMIME", ""},
			{"binary to 8-bit", "eight.example", eight, isBinary, binaryText, " BODY=8BITMIME", "AAEN/wo="},
			{"binary to 7-bit", "seven.example", seven, isBinary, binaryText, "", "AAEN/wo="},
			{"binary to binary", "binary.example", binary, isBinary, binaryText, " BODY=BINARYMIME", ""},
			{"8-bit to binary", "binary.example", binary, is8, eightText, " BODY=8BITMIME", ""},
			{"binary to half of it", "half.example", half, isBinary, binaryText, " BODY=8BITMIME", "AAEN/wo="},
		} {
			before := len(test.host.Mails())
			j := jobNow(test.text, "bob@"+test.domain)
			j.envelope.Content = test.content
			equal(t, test.name, "bob relayed 2.0.0 blind", r.deliver(j))
			mails := test.host.Mails()[before:]
			if len(mails) != 1 {
				t.Fatalf("%s: %+v", test.name, mails)
			}
			if got := unsign(t, mails[0].Data); test.want == "" && got != test.text || !strings.Contains(got, test.want) {
				t.Errorf("%s: %q", test.name, got)
			}
			_, body, _ := strings.Cut(mails[0].From, ">")
			if i := strings.Index(body, " SIZE="); i >= 0 {
				equal(t, test.name+": SIZE", fmt.Sprintf(" SIZE=%d", len(mails[0].Data)), strings.Split(body, " BODY")[0])
				body = strings.TrimPrefix(body, strings.Split(body, " BODY")[0])
			}
			equal(t, test.name+": BODY", test.body, body)
		}
		j := jobNow(signedText, "bob@seven.example")
		j.envelope.Content = is8
		equal(t, "what must not be converted", "bob failed 5.6.3", r.deliver(j))
	})
}

// The second host may take what the first does not.
func TestFormOfTheNextHost(t *testing.T) {
	n := newNetwork()
	n.add("a.example", "one.a.example", &relaytest.Host{})
	two := n.add("a.example", "two.a.example", &relaytest.Host{Offers: []string{"8BITMIME"}})
	inNetwork(t, n, Options{}, func(r *rig) {
		j := jobNow(signedText, "bob@a.example")
		j.envelope.Content.EightBit = true
		equal(t, "outcome", "bob relayed 2.0.0 blind", r.deliver(j))
		equal(t, "message", signedText, two.Mails()[0].Data)
	})
}

// What cannot be made ready is nobody's fault but ours.
func TestNotReady(t *testing.T) {
	n := newNetwork()
	n.add("a.example", "one.a.example", &relaytest.Host{})
	inNetwork(t, n, Options{}, func(r *rig) {
		j := jobNow(text, "bob@a.example")
		j.openErr = errFault
		equal(t, "cannot be read", "bob deferred 4.3.0", r.deliver(j))
	})
	inNetwork(t, n, Options{Signer: signer{err: errFault}}, func(r *rig) {
		equal(t, "cannot be signed", "bob deferred 4.3.0", r.deliver(jobNow(text, "bob@a.example")))
	})
}

func TestReaders(t *testing.T) {
	want := "Signed: x\r\n" + strings.Repeat("0123456789", 100)
	r := &prefixed{[]byte("Signed: x\r\n"), &replay{open: func() io.Reader { return iotest.OneByteReader(strings.NewReader(want[11:])) }}}
	if err := iotest.TestReader(io.NewSectionReader(r, 0, int64(len(want))), []byte(want)); err != nil {
		t.Error(err)
	}
}
