package message

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
	"testing/iotest"
)

func decodeAll(t *testing.T, e Encoding, text bool, in string) string {
	t.Helper()
	var out string
	for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in)), iotest.DataErrReader(strings.NewReader(in))} {
		d, err := Decode(r, e, text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(d)
		if err != nil {
			t.Fatal(err)
		}
		if out != "" && out != string(b) {
			t.Errorf("%q in pieces: %q and %q", in, out, b)
		}
		out = string(b)
	}
	if b, err := AppendDecoded([]byte("before "), []byte(in), e, text); err != nil || string(b) != "before "+out {
		t.Errorf("%q: at once %q, %v", in, b, err)
	}
	return out
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		e        Encoding
		text     bool
		in, want string
	}{
		{Base64, false, "", ""},
		{Base64, false, "aGVs\r\nbG8=\r\n", "hello"},
		{Base64, false, "aGVsbG8", "hello"},
		{Base64, false, "aGVs!!bG8*=\x00", "hello"},
		{Base64, false, "aGk=aGk=", "hihi"},
		{Base64, false, "a", ""},
		{Base64, false, "====", ""},
		{Base64, true, "YQpiDQpj", "a\r\nb\r\nc"},
		{QuotedPrintable, false, "Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
			"Now's the time for all folk to come to the aid of their country."}, // RFC 2045 §6.7
		{QuotedPrintable, false, "=C3=a4 =3D = =X =\n=", "ä = = =X "},
		{QuotedPrintable, false, "trailing  \t\r\nspace =20\r\n", "trailing\r\nspace  \r\n"},
		{QuotedPrintable, false, "soft with space= \t\r\nend", "soft with spaceend"},
		{QuotedPrintable, false, "end =", "end "},
		{QuotedPrintable, false, "end =4", "end =4"},
		{QuotedPrintable, false, "end  ", "end"},
		{QuotedPrintable, true, "a\nb=0Ac", "a\r\nb\r\nc"},
		{SevenBit, false, "a\nb\r\n", "a\nb\r\n"},
		{SevenBit, true, "a\nb\r\n\rc\n", "a\r\nb\r\n\rc\r\n"},
		{Binary, false, "\x00\n\xff", "\x00\n\xff"},
	} {
		if got := decodeAll(t, c.e, c.text, c.in); got != c.want {
			t.Errorf("%d %q: %q, not %q", c.e, c.in, got, c.want)
		}
	}
	if _, err := Decode(strings.NewReader(""), UnknownEncoding, false); !errors.Is(err, ErrUnknownEncoding) {
		t.Errorf("unknown encoding: %v", err)
	}
	long := strings.Repeat(" ", 5000)
	if got := decodeAll(t, QuotedPrintable, false, "a"+long+"b"); len(got) != 5002 {
		t.Errorf("%d of 5002 bytes", len(got))
	}
}

// TestDecodeError: what was read before an error is given before it.
func TestDecodeError(t *testing.T) {
	r, _ := Decode(io.MultiReader(strings.NewReader("aGVs"), iotest.ErrReader(io.ErrNoProgress)), Base64, false)
	b, err := io.ReadAll(r)
	if string(b) != "hel" || !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("%q, %v", b, err)
	}
}

func TestTextReader(t *testing.T) {
	for _, c := range []struct {
		e                 Encoding
		charset, in, want string
	}{
		{EightBit, "utf-8", "ä", "ä"},
		{EightBit, "", "\xe4", "ä"},
		{EightBit, "iso-8859-1", "\xe4", "ä"},
		{EightBit, "x-unknown", "ä", "ä"},
		{QuotedPrintable, "koi8-r", "=EF=D4=D0=D5=D3=CB", "Отпуск"},
		{Base64, "utf-16le", "5AA=", "ä"},
		{SevenBit, "utf-7", "1 +- 1 +AOQ- +2Dzfiw-", "1 + 1 ä 🎋"},
		{SevenBit, "us-ascii", "plain", "plain"},
		{EightBit, "gb18030", "\xc4\xe3", "你"},
		{EightBit, "ks_c_5601-1987", "\xb0\xa1", "가"},
		{EightBit, "windows-1251", "\xcf", "П"},
	} {
		for _, src := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
			r, err := TextReader(src, c.e, c.charset)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r); string(b) != c.want || err != nil {
				t.Errorf("%s %q: %q %v, not %q", c.charset, c.in, b, err, c.want)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("aGVs\r\nbG8="), byte(3))
	f.Add([]byte("a =\r\n=3D  \r\n=4"), byte(1))
	f.Fuzz(func(t *testing.T, in []byte, size byte) {
		for _, e := range []Encoding{SevenBit, Base64, QuotedPrintable} {
			for _, text := range []bool{false, true} {
				whole, _ := Decode(bytes.NewReader(in), e, text)
				want, _ := io.ReadAll(whole)
				pieces, _ := Decode(&pieceReader{in, int(size)%16 + 1}, e, text)
				if got, err := io.ReadAll(pieces); err != nil || !bytes.Equal(got, want) {
					t.Errorf("encoding %d text %v: %q and %q, %v", e, text, want, got, err)
				}
				if len(want) > 2*len(in) {
					t.Errorf("%d of %d bytes", len(want), len(in))
				}
			}
		}
		var b bytes.Buffer
		w := quotedprintable.NewWriter(&b)
		w.Binary = true
		w.Write(in)
		w.Close()
		for e, encoded := range map[Encoding][]byte{Base64: []byte(base64.StdEncoding.EncodeToString(in)), QuotedPrintable: b.Bytes()} {
			r, _ := Decode(bytes.NewReader(encoded), e, false)
			if got, _ := io.ReadAll(r); !bytes.Equal(got, in) {
				t.Errorf("%q encoded in %d and decoded: %q", in, e, got)
			}
		}
	})
}

// pieceReader reads so many bytes at a time.
type pieceReader struct {
	b []byte
	n int
}

func (r *pieceReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b[:min(r.n, len(r.b))])
	r.b = r.b[n:]
	return n, nil
}

// A text at once is the same as a text in pieces, where it is in its charset.
func TestAppendText(t *testing.T) {
	for _, c := range []struct {
		e                 Encoding
		charset, in, want string
	}{
		{SevenBit, "", "plain\r\n", "plain\r\n"},
		{QuotedPrintable, "iso-8859-1", "m=F6cht=\r\ne", "möchte"},
		{Base64, "utf-8", "w7Y=", "ö"},
		{EightBit, "unheard-of", "\xf6", "ö"},
		{EightBit, "utf-8", "\xc3\xb6", "ö"},
		{Base64, "iso-2022-jp", "GyRCRnxLXBsoQg==", "日本"},
	} {
		at, _, err := AppendText(nil, nil, []byte(c.in), c.e, c.charset)
		if err != nil || string(at) != c.want {
			t.Errorf("%q in %s: %q, %v", c.in, c.charset, at, err)
		}
		r, err := TextReader(strings.NewReader(c.in), c.e, c.charset)
		if err != nil {
			t.Fatal(err)
		}
		if pieces, err := io.ReadAll(r); err != nil || string(pieces) != c.want {
			t.Errorf("%q in %s, in pieces: %q, %v", c.in, c.charset, pieces, err)
		}
	}
	if _, _, err := AppendText(nil, nil, nil, UnknownEncoding, ""); !errors.Is(err, ErrUnknownEncoding) {
		t.Error(err)
	}
}
