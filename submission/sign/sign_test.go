package sign

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"go.uber.org/goleak"

	"citron/mail/recode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dns is what a verifier finds.
type dns map[string]string

func (d dns) verify(t *testing.T, msg string) []*dkim.Verification {
	t.Helper()
	list, err := dkim.VerifyWithOptions(strings.NewReader(msg), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if r, ok := d[name]; ok {
			return []string{r}, nil
		}
		return nil, errors.New("no such record: " + name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// newKey makes a key in a file of its own and publishes it.
func (d dns) newKey(t *testing.T, a Algorithm, domain, selector string) Key {
	t.Helper()
	text, err := Generate(a)
	if err != nil {
		t.Fatal(err)
	}
	return d.publish(t, text, domain, selector)
}

func (d dns) publish(t *testing.T, text []byte, domain, selector string) Key {
	t.Helper()
	k := Key{Domain: domain, Selector: selector, File: filepath.Join(t.TempDir(), "key.pem")}
	if err := os.WriteFile(k.File, text, 0o600); err != nil {
		t.Fatal(err)
	}
	record, err := Record(text)
	if err != nil {
		t.Fatal(err)
	}
	d[k.Name()] = record
	return k
}

func newSigner(t *testing.T, log io.Writer, keys ...Key) *Signer {
	t.Helper()
	s, err := New(Options{Keys: keys, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (d dns) mustVerify(t *testing.T, s *Signer, msg string, signatures int) string {
	t.Helper()
	fields, err := s.Sign(strings.NewReader(msg))
	if err != nil {
		t.Fatal(err)
	}
	list := d.verify(t, string(fields)+msg)
	if len(list) != signatures {
		t.Fatalf("%d signatures, not %d:\n%s", len(list), signatures, fields)
	}
	for _, v := range list {
		if v.Err != nil {
			t.Errorf("%s: %v\n%s", v.Domain, v.Err, fields)
		}
	}
	for line := range strings.SplitSeq(string(fields), "\r\n") {
		if len(line) > 998 {
			t.Errorf("line of %d octets", len(line))
		}
	}
	return string(fields) + msg
}

const msg = "Received: from a\r\n\tby b; now\r\nFrom: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject:  folded\r\n subject \r\nDate: Thu, 5 Nov 2026 09:03:00 +0100\r\nMessage-ID: <1@example.org>\r\n\r\nHello  there \r\n\r\n\r\n"

// RFC 6376 §3.3, §3.3.1, §3.7, §5.5, §5.6 and RFC 8463 §3, §5: both algorithms, by
// one signature for each key, as another implementation verifies them.
func TestVerified(t *testing.T) {
	d := dns{}
	s := newSigner(t, io.Discard, d.newKey(t, RSA, "example.org", "r1"), d.newKey(t, Ed25519, "Example.ORG", "e1"), d.newKey(t, Ed25519, "example.com", "e1"))
	signed := d.mustVerify(t, s, msg, 2)
	for name, m := range map[string]string{
		"no body":       "From: a@example.org\r\n\r\n",
		"one line":      "From: a@example.org\r\n\r\nx",
		"blank lines":   "From: a@example.org\r\n\r\n\r\n\r\nx\r\n\r\n",
		"below":         "From: a@sub.example.org\r\n\r\nx\r\n",
		"large":         msg + strings.Repeat("line of text \t \r\n", 20_000),
		"trace in From": strings.Replace(msg, "Subject:", "X-From: y\r\nSubject:", 1),
		"resent":        "Resent-From: x@y\r\nResent-From: z@y\r\n" + msg,
	} {
		t.Run(name, func(t *testing.T) { d.mustVerify(t, s, m, 2) })
	}
	// RFC 6376 §5.4, §5.4.2: what a reader sees cannot be changed, nor added.
	for name, forged := range map[string]string{
		"body":    strings.Replace(signed, "Hello", "Bye", 1),
		"subject": "Subject: other\r\n" + signed,
		"from":    "From: eve@example.org\r\n" + signed,
		"reply":   "Reply-To: eve@example.org\r\n" + signed,
		"type":    strings.Replace(signed, "From: Alice", "Content-Type: text/html\r\nFrom: Alice", 1),
	} {
		for _, v := range d.verify(t, forged) {
			if v.Err == nil {
				t.Errorf("%s: still valid", name)
			}
		}
	}
	// RFC 6376 §3.4.2, §3.4.4: what relays do is no harm.
	for _, v := range d.verify(t, "Received: from x\r\nReturn-Path: <>\r\n"+strings.Replace(signed, "Hello  there ", "Hello there", 1)) {
		if v.Err != nil {
			t.Error(v.Err)
		}
	}
}

// Only authors of domains with a key are signed for, in A-labels (RFC 6376 §3.5).
func TestAlignment(t *testing.T) {
	d := dns{}
	s := newSigner(t, io.Discard, d.newKey(t, Ed25519, "example.org", "a"), d.newKey(t, Ed25519, "sub.example.org", "b"), d.newKey(t, Ed25519, "bücher.example", "c"))
	for from, domains := range map[string]string{
		"a@example.com": "", "a@notexample.org": "", "nobody": "",
		"a@EXAMPLE.org":                                "example.org",
		"\"x@example.org\" <a@example.com>":            "",
		"a@sub.example.org":                            "sub.example.org",
		"a@deep.sub.example.org":                       "sub.example.org",
		"a@xn--bcher-kva.example":                      "xn--bcher-kva.example",
		"a@bücher.example":                             "xn--bcher-kva.example",
		"a@example.org, b@example.org":                 "example.org",
		"a@example.org, b@elsewhere, c@bücher.example": "example.org xn--bcher-kva.example",
	} {
		m := "From: " + from + "\r\nSender: a@example.org\r\n\r\nx\r\n"
		fields, err := s.Sign(strings.NewReader(m))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range d.verify(t, string(fields)+m) {
			if v.Err != nil {
				t.Errorf("%s: %v", from, v.Err)
			}
			got = append(got, v.Domain)
		}
		if strings.Join(got, " ") != domains {
			t.Errorf("%s: signed for %q", from, got)
		}
	}
}

// The signature is of what the next hop gets (RFC 6376 §5.3, §3.7).
func TestAfterRecode(t *testing.T) {
	d := dns{}
	s := newSigner(t, io.Discard, d.newKey(t, RSA, "example.org", "r"), d.newKey(t, Ed25519, "example.org", "e"))
	in := strings.TrimSuffix(msg, "\r\n\r\nHello  there \r\n\r\n\r\n") + "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe an alle \r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\n\xff\r\n--b--\r\n"
	for _, to := range []recode.Target{recode.SevenBit, recode.EightBit} {
		m, err := recode.New(strings.NewReader(in), int64(len(in)), to)
		if err != nil {
			t.Fatal(err)
		}
		fields, err := s.Sign(m.NewReader())
		if err != nil {
			t.Fatal(err)
		}
		sent, err := io.ReadAll(m.NewReader())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range d.verify(t, string(fields)+string(sent)) {
			if v.Err != nil {
				t.Error(v.Err)
			}
		}
	}
}

// RFC 8463 appendix A: its message verifies, its keys have its records, and what
// we sign with them verifies.
func TestRFC8463(t *testing.T) {
	signed, err := os.ReadFile("testdata/rfc8463.eml")
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := os.ReadFile("testdata/rfc8463-rsa.pem")
	if err != nil {
		t.Fatal(err)
	}
	seed, _ := base64.StdEncoding.DecodeString("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	d := dns{}
	keys := []Key{
		d.publish(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "football.example.com", "brisbane"),
		d.publish(t, rsaKey, "football.example.com", "test"),
	}
	for name, record := range map[string]string{
		"brisbane._domainkey.football.example.com": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		"test._domainkey.football.example.com":     "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
	} {
		if d[name] != record {
			t.Errorf("%s: %s", name, d[name])
		}
	}
	example := strings.ReplaceAll(string(signed), "\n", "\r\n")
	for _, v := range d.verify(t, example) {
		if v.Err != nil {
			t.Errorf("%s: %v", v.Domain, v.Err)
		}
	}
	var log bytes.Buffer
	d.mustVerify(t, newSigner(t, &log, keys...), example[strings.Index(example, "From:"):], 2)
	if !strings.Contains(log.String(), "bits=1024") {
		t.Errorf("a short key is not told of: %s", &log)
	}
}

func TestReload(t *testing.T) {
	d := dns{}
	k := d.newKey(t, Ed25519, "example.org", "s")
	var log bytes.Buffer
	s := newSigner(t, &log, k)
	d.mustVerify(t, s, msg, 1)
	later := time.Now()
	replace := func(text []byte, mode os.FileMode) {
		t.Helper()
		later = later.Add(time.Minute)
		err := errors.Join(os.Remove(k.File), os.WriteFile(k.File, text, mode), os.Chmod(k.File, mode), os.Chtimes(k.File, later, later))
		if err != nil {
			t.Fatal(err)
		}
	}
	replace([]byte("half a k"), 0o600)
	d.mustVerify(t, s, msg, 1) // with the former one
	if !strings.Contains(log.String(), "not read again") {
		t.Error(log.String())
	}
	text, err := Generate(RSA)
	if err != nil {
		t.Fatal(err)
	}
	replace(text, 0o644)
	d[k.Name()], _ = Record(text)
	d.mustVerify(t, s, msg, 1)
	if !strings.Contains(log.String(), "chmod 600") {
		t.Error(log.String())
	}
	if err := os.Remove(k.File); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	for range 3 {
		d.mustVerify(t, s, msg, 1)
	}
	if n := strings.Count(log.String(), "not read again"); n != 1 {
		t.Errorf("that the key is gone is said %d times", n)
	}
	if err := os.WriteFile(k.File, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if d.mustVerify(t, s, msg, 1); !strings.Contains(log.String(), "DKIM key read again") {
		t.Error(log.String())
	}
}

func TestRefused(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	t.Setenv("GODEBUG", "rsa1024min=0")
	weak, err := rsa.GenerateKey(rand.Reader, 768)
	if err != nil {
		t.Fatal(err)
	}
	short := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(weak)}))
	good, err := Generate(Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]Key{
		"no file":  {"example.org", "s", "/nonexistent"},
		"no PEM":   {"example.org", "s", file("x")},
		"no key":   {"example.org", "s", file("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")},
		"crypted":  {"example.org", "s", file("-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n")},
		"short":    {"example.org", "s", file(short)}, // RFC 6376 §3.3.3
		"large":    {"example.org", "s", file(strings.Repeat("x", 100<<10))},
		"domain":   {"", "s", file(string(good))},
		"selector": {"example.org", "a b", file(string(good))},
	} {
		if _, err := New(Options{Keys: []Key{k}}); err == nil || !strings.HasPrefix(err.Error(), "dkim: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Generate("dsa"); err == nil {
		t.Error("dsa")
	}
	var log bytes.Buffer
	s := newSigner(t, &log, dns{}.newKey(t, Ed25519, "example.org", "s"))
	for name, m := range map[string]string{
		"no end":       "From: a@example.org\r\n",
		"large header": "From: a@example.org\r\n" + strings.Repeat("X: y\r\n", 1<<20) + "\r\n",
		"space":        msg + strings.Repeat(" \r\n", 1<<20),
	} {
		log.Reset()
		fields, err := s.Sign(strings.NewReader(m))
		if fields != nil || err != nil || !strings.Contains(log.String(), "without DKIM signature") {
			t.Errorf("%s: %q, %v, %s", name, fields, err, &log)
		}
	}
	fault := errors.New("disk")
	for _, n := range []int64{10, int64(len(msg))} {
		if _, err := s.Sign(io.MultiReader(io.LimitReader(strings.NewReader(msg), n), iotest.ErrReader(fault))); !errors.Is(err, fault) {
			t.Error(err)
		}
	}
	if fields, err := newSigner(t, io.Discard).Sign(strings.NewReader(msg)); fields != nil || err != nil {
		t.Error(string(fields), err)
	}
}

// RFC 6376 §3.6.1, §3.6.2.2
func TestZoneLine(t *testing.T) {
	text, err := Generate(RSA)
	if err != nil {
		t.Fatal(err)
	}
	key, err := parseKey(text)
	if err != nil || key.(*rsa.PrivateKey).N.BitLen() != 2048 {
		t.Fatal(err)
	}
	record, err := Record(text)
	if err != nil {
		t.Fatal(err)
	}
	line := Key{Domain: "example.org", Selector: "s"}.ZoneLine(record)
	var joined string
	for i, s := range strings.Split(line, `"`) {
		if i%2 == 1 {
			if joined += s; len(s) > 255 {
				t.Errorf("a string of %d octets", len(s))
			}
		}
	}
	if joined != record || !strings.HasPrefix(line, "s._domainkey.example.org. IN TXT ( \"v=DKIM1; k=rsa; p=") {
		t.Error(line)
	}
}
