package recode

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"citron/mail/message"
	"citron/mail/message/messagetest"
)

func convert(in string, to Target) (string, error) {
	m, err := New(strings.NewReader(in), int64(len(in)), to)
	if err != nil {
		return "", err
	}
	var out [2]string
	for i := range out {
		b, err := io.ReadAll(m.NewReader())
		if err != nil || int64(len(b)) != m.Size() {
			return "", fmt.Errorf("%d octets, not %d: %w", len(b), m.Size(), err)
		}
		out[i] = string(b)
	}
	if out[0] != out[1] {
		return "", errors.New("reading again gives something else")
	}
	return out[0], nil
}

const long = 1200

func TestConverted(t *testing.T) {
	x := strings.Repeat("x", long)
	soft := strings.TrimSuffix(strings.Repeat(strings.Repeat("x", 75)+"=\r\n", 16), "=\r\n")
	b64 := func(s string) string {
		var b bytes.Buffer
		w := NewBase64(&b)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
		return b.String()
	}
	for name, c := range map[string]struct {
		to       Target
		in, want string
	}{
		"7bit":           {SevenBit, "Subject: a\r\n\r\nb\r\n", "Subject: a\r\n\r\nb\r\n"},
		"8bit to 8bit":   {EightBit, "Subject: a\r\n\r\n\xfc\r\n", "Subject: a\r\n\r\n\xfc\r\n"},
		"empty":          {SevenBit, "", ""},
		"text":           {SevenBit, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nX: y\r\n\r\nGr\xc3\xbc\xc3\x9fe = greetings \r\n", "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\nX: y\r\n\r\nGr=C3=BC=C3=9Fe =3D greetings=20\r\n"},
		"not MIME":       {SevenBit, "Subject: a\r\n\r\nlatin \xfc here\r\n", "Subject: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nlatin =FC here\r\n"},
		"mostly 8bit":    {SevenBit, "Content-Type: text/plain\r\n\r\n\xfc\xfc\r\n", "Content-Type: text/plain\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64("\xfc\xfc\r\n") + "\r\n"},
		"long line":      {EightBit, "Subject: a\r\n\r\n" + x, "Subject: a\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + soft},
		"binary":         {EightBit, "Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nMIME-Version: 1.0\r\n\r\n\x00\r\n\xff", "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n\r\n" + b64("\x00\r\n\xff") + "\r\n"},
		"bare CR":        {EightBit, "Content-Type: text/plain\r\nMIME-Version: 1.0\r\n\r\na\rb", "Content-Type: text/plain\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64("a\rb") + "\r\n"},
		"long base64":    {SevenBit, "Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(x)), "Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n\r\n" + b64(x) + "\r\n"},
		"two encodings":  {SevenBit, "MIME-Version: 1.0\r\nContent-Type: text/x\r\nContent-Transfer-Encoding: 8bit\r\nContent-transfer-encoding: binary\r\n\r\nabcdefghijk\xfc", "MIME-Version: 1.0\r\nContent-Type: text/x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nabcdefghijk=FC"},
		"folded header":  {EightBit, "Subject: " + strings.Repeat("y", 900) + " " + strings.Repeat("z", 900) + "\r\n\r\n", "Subject: " + strings.Repeat("y", 900) + "\r\n " + strings.Repeat("z", 900) + "\r\n\r\n"},
		"message/global": {EightBit, "Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(x)), "Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n\r\n" + b64(x) + "\r\n"},
		// RFC 3030 §3, RFC 2045 §6.4: composites say what is true of their parts.
		"multipart": {
			SevenBit,
			"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\npre\xfcamble\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\xff\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nascii\r\n--b--\r\nepi\xfclogue\r\n",
			"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\nAP8=\r\n--b\r\nContent-Transfer-Encoding: 7bit\r\n\r\nascii\r\n--b--\r\n",
		},
		"message": {
			EightBit,
			"MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\nSubject: in\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\xfc\r\n--b\r\nContent-Type: a/b\r\n\r\n\x00\r\n--b--\r\n",
			"MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: in\r\nContent-Type: multipart/mixed; boundary=b\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xfc\r\n--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n--b--\r\n",
		},
	} {
		got, err := convert(c.in, c.to)
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%q\nwant\n%q", name, err, got, c.want)
		}
	}
}

func TestImpossible(t *testing.T) {
	signed := "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xfc\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
	for name, c := range map[string]struct {
		to Target
		in string
	}{
		"signed":        {SevenBit, signed}, // RFC 1847 §2.1
		"signed within": {SevenBit, "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n" + signed},
		"partial":       {SevenBit, "Content-Type: message/partial; id=x; number=1\r\n\r\n\xfc"}, // RFC 2046 §5.2.2
		"commented":     {SevenBit, "Content-Type: (x) message/partial; id=x; number=1\r\n\r\n\xfc"},
		"report":        {SevenBit, "Content-Type: message/delivery-status\r\n\r\n\xfc"}, // RFC 3464 §2.1
		"UTF-8 header":  {SevenBit, "Subject: \xc3\xbc\r\n\r\n"},
		"global":        {SevenBit, "Content-Type: message/global\r\n\r\nSubject: \xc3\xbc\r\n\r\n"},
		"unknown":       {SevenBit, "Content-Transfer-Encoding: x-uue\r\n\r\n\xfc"},
		"long header":   {EightBit, "Subject:" + strings.Repeat("x", 1000) + "\r\n\r\n"},
		"NUL in header": {EightBit, "Subject: \x00\r\n\r\n"},
	} {
		if _, err := convert(c.in, c.to); !errors.Is(err, ErrImpossible) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := convert(signed, EightBit); err != nil || got != signed {
		t.Errorf("%v %q", err, got)
	}
}

// The store's errors come back, and a message that is shorter than it was.
func TestFaults(t *testing.T) {
	in := "Content-Type: a/b\r\n\r\n\x00" + strings.Repeat("x", 100<<10)
	if _, err := New(strings.NewReader(in), int64(len(in))+1, SevenBit); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	m, err := New(strings.NewReader(in), int64(len(in)), SevenBit)
	if err != nil {
		t.Fatal(err)
	}
	m.original = strings.NewReader(in[:50<<10])
	if _, err := io.Copy(io.Discard, m.NewReader()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	m.original = strings.NewReader(in)
	if err := iotest.TestReader(m.NewReader(), mustRead(t, m)); err != nil {
		t.Error(err)
	}
}

func mustRead(t *testing.T, m *Message) []byte {
	b, err := io.ReadAll(m.NewReader())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kept checks what must hold of every conversion: the outcome is what the next
// hop takes, and says the same.
func kept(in, out string, to Target) error {
	var f facts
	s := scanner{f: &f}
	_, _ = s.Write([]byte(out))
	s.end()
	if f.refusedBy(to) {
		return fmt.Errorf("not what the next hop takes: %+v", f)
	}
	a, b := leaves(in), leaves(out)
	if len(a) != len(b) {
		return fmt.Errorf("%d parts, not %d", len(b), len(a))
	}
	for i := range a {
		if a[i] != b[i] {
			return fmt.Errorf("part %d:\n%.300q\nnot\n%.300q", i, b[i], a[i])
		}
	}
	return nil
}

// leaves gives kind, type and decoded content of all parts.
func leaves(s string) []string {
	m, _ := message.Parse(strings.NewReader(s))
	var list []string
	for i, p := range m.Tree() {
		typ, sub := m.MediaType(i)
		text := fmt.Sprintf("%d %s/%s ", p.Kind, typ, sub)
		if p.Kind == message.Leaf {
			b, err := message.AppendDecoded(nil, []byte(s[p.Body:p.End]), p.Encoding, false)
			if err != nil {
				b = []byte(s[p.Body:p.End])
			}
			text += string(b)
		}
		list = append(list, text)
	}
	return list
}

func TestCorpus(t *testing.T) {
	converted, refused := 0, 0
	for name, b := range messagetest.Corpus(t) {
		for _, in := range []string{string(b), strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n", "\r\n")} {
			for _, to := range []Target{SevenBit, EightBit} {
				out, err := convert(in, to)
				if errors.Is(err, ErrImpossible) {
					refused++
					continue
				}
				if err == nil {
					err = kept(in, out, to)
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if out != in {
					converted++
				}
			}
		}
	}
	if converted == 0 {
		t.Error("none was converted")
	}
	t.Logf("%d converted, %d refused", converted, refused)
}

func FuzzConvert(f *testing.F) {
	for _, s := range []string{
		"Subject: a\r\n\r\n\xfc\r\n", "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\xfc\r\n--b\r\n\r\n\x00\r\n--b--\r\n\xfc",
		"Content-Type: message/rfc822\n\nContent-Type: multipart/digest; boundary=b\n\n--b\n\n\r\n--b--",
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n=\xfc \r", "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xfc\r\n--b--\r\n",
		"Content-Transfer-Encoding: base64\r\n\r\nAA\xfc==", "Content-Type: multipart/mixed; boundary=b\r\n--b\r\nContent-Type: text/plain\n--b--\xfc",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, in string, seven bool) {
		to := EightBit
		if seven {
			to = SevenBit
		}
		out, err := convert(in, to)
		if errors.Is(err, ErrImpossible) {
			return
		}
		if err == nil {
			err = kept(in, out, to)
		}
		if err != nil {
			t.Fatalf("%v\n%q\n%q", err, in, out)
		}
		if again, err := convert(out, to); err != nil || again != out {
			t.Fatalf("again: %v\n%q\n%q", err, out, again)
		}
	})
}
