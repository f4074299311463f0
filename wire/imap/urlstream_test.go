package imap_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"citron/wire/imap"
)

// A URLFETCH response is read as it comes (RFC 4467 §8, RFC 5524 §3.2): values
// that are literals before the response, all others in it.
func TestStreamURLs(t *testing.T) {
	const text = "* URLFETCH u {3}\r\nabc {1}\r\nv NIL w \"quoted\" x (BODYPARTSTRUCTURE (\"TEXT\" \"PLAIN\" ({7}\r\nCHARSET \"US-ASCII\") NIL NIL \"7BIT\" 1152 23))" +
		" (BINARY ~{4}\r\na\x00\r\n) y (BODY {0}\r\n) z (BINARY NIL)\r\n* 3 EXISTS\r\n"
	type octets struct {
		URL, Text string
		Item      imap.URLItems
		Binary    bool
	}
	wantLiterals := []octets{{"u", "abc", 0, false}, {"x", "a\x00\r\n", imap.URLBinary, true}, {"y", "", imap.URLBody, false}}
	want := &imap.URLFetchResponse{URLs: []imap.URLData{
		{URL: "u", Streamed: true}, {URL: "v"}, {URL: "w", Octets: []byte("quoted")},
		{URL: "x", BodyPartStructure: &bodyPlain, Item: imap.URLBinary, Streamed: true},
		{URL: "y", Item: imap.URLBody, Streamed: true}, {URL: "z", Item: imap.URLBinary},
	}}
	for _, skip := range []bool{false, true} {
		for name, in := range map[string]io.Reader{"whole": strings.NewReader(text), "by octets": iotest.OneByteReader(strings.NewReader(text))} {
			r := imap.NewResponseReader(in)
			r.StreamURLs = true
			var literals []octets
			resp, err := r.Next()
			for ; err == nil; resp, err = r.Next() {
				l, ok := resp.(*imap.URLLiteral)
				if !ok {
					break
				}
				o := octets{l.URL, "", l.Item, l.Binary}
				if !skip {
					b, err := io.ReadAll(l.Octets)
					if err != nil || int64(len(b)) != l.Size {
						t.Fatalf("%s: %d octets of %d, %v", name, len(b), l.Size, err)
					}
					o.Text = string(b)
				}
				literals = append(literals, o)
			}
			if diff := cmp.Diff(want, resp); err != nil || diff != "" {
				t.Errorf("%s: %v %s", name, err, diff)
			}
			if diff := cmp.Diff(wantLiterals, literals); !skip && diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if resp, err := r.Next(); err != nil || !cmp.Equal(resp, &imap.ExistsResponse{Messages: 3}) {
				t.Errorf("%s: after it %v, %v", name, resp, err)
			}
		}
	}
}

// A literal of any size takes no memory but the buffer's.
func TestStreamURLsInLittleMemory(t *testing.T) {
	const size = 200 << 20
	r := imap.NewResponseReader(io.MultiReader(strings.NewReader(fmt.Sprintf("* URLFETCH u {%d}\r\n", size)),
		io.LimitReader(zeros{}, size), strings.NewReader("\r\n")))
	r.StreamURLs = true
	allocated := testing.AllocsPerRun(1, func() {
		resp, err := r.Next()
		if err == io.EOF {
			return // of the run that warms up
		}
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, onlyReader{resp.(*imap.URLLiteral).Octets}); n != size || err != nil {
			t.Fatal(n, err)
		}
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	})
	if allocated > 100 {
		t.Errorf("%v allocations", allocated)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type onlyReader struct{ io.Reader }

// A stream that ends before its announced end is not taken for a whole one.
func TestStreamURLsCutShort(t *testing.T) {
	const text = "* URLFETCH u {5}\r\nabcde\r\n"
	for cut := range len(text) {
		r := imap.NewResponseReader(strings.NewReader(text[:cut]))
		r.StreamURLs = true
		resp, err := r.Next()
		if l, ok := resp.(*imap.URLLiteral); ok {
			b, readErr := io.ReadAll(l.Octets)
			if (len(b) == 5) != (readErr == nil) {
				t.Errorf("cut at %d: %q, %v", cut, b, readErr)
			}
			_, err = r.Next()
		}
		if cut > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

// What is too large is skipped, whatever a server announces, and what follows it
// is understood: a client that goes on does not come upon the same again.
func TestTooLargeIsSkipped(t *testing.T) {
	for _, text := range []string{
		"* LIST () NIL {2000}\r\n" + strings.Repeat("x", 2000) + " {3}\r\nabc\r\n",
		"* X " + strings.Repeat("y", 2000) + "\r\n",
		"* X " + strings.Repeat("y", 2000) + " {9}\r\n* 1 EXIST\r\n",
		"* X {900}\r\n" + strings.Repeat("x", 900) + " {900}\r\n" + strings.Repeat("x", 900) + " {900}\r\n" + strings.Repeat("x", 900) + "\r\n",
		"* URLFETCH {2000}\r\n" + strings.Repeat("x", 2000) + " {3}\r\nabc\r\n",
	} {
		r := imap.NewResponseReader(strings.NewReader(text + "* 3 EXISTS\r\n"))
		r.Limit(1000)
		r.StreamURLs = true
		_, err := r.Next()
		var e *imap.Error
		if !errors.As(err, &e) || e.Kind != imap.TooLarge {
			t.Errorf("%.30q: %v", text, err)
		}
		if resp, err := r.Next(); err != nil || !cmp.Equal(resp, &imap.ExistsResponse{Messages: 3}) {
			t.Errorf("after %.30q: %v, %v", text, resp, err)
		}
	}
}

// FuzzStreamURLs: what is streamed is what a reader that does not stream has in
// the response, and all that comes after it is the same.
func FuzzStreamURLs(f *testing.F) {
	for _, seed := range []string{
		"* URLFETCH u {3}\r\nabc v NIL\r\na OK done\r\n", "* URLFETCH {1}\r\nu {3}\r\nabc\r\n", "* URLFETCH u (BINARY ~{3}\r\na\x00b)\r\n",
		"* URLFETCH u (BODYPARTSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL {4}\r\n7BIT 1152 23)) (BODY {2}\r\nhi)\r\n* OK {3}\r\n",
		"* URLFETCH u {99999999999}\r\nabc", "* urlfetch  u   {0+}\r\n  v \"x\\y\"  \r\n+ x\r\n", "* URLFETCH u (BODY {1}\r\nx) (BODY {1}\r\ny)\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		streaming, whole := imap.NewResponseReader(bytes.NewReader(input)), imap.NewResponseReader(bytes.NewReader(input))
		streaming.StreamURLs = true
		streaming.Limit(1 << 20)
		whole.Limit(1 << 20)
		for range 100 {
			var streamed [][]byte
			got, gotErr := streaming.Next()
			for ; gotErr == nil; got, gotErr = streaming.Next() {
				l, ok := got.(*imap.URLLiteral)
				if !ok {
					break
				}
				b, err := io.ReadAll(l.Octets)
				if err == nil && int64(len(b)) != l.Size {
					t.Fatalf("%d octets of %d", len(b), l.Size)
				}
				streamed = append(streamed, b)
			}
			want, wantErr := whole.Next()
			if (gotErr == nil) != (wantErr == nil) {
				var e *imap.Error
				if errors.As(wantErr, &e) && e.Kind == imap.TooLarge {
					return // only the one that does not stream minds
				}
				if gotErr == nil && slices.ContainsFunc(streamed, func(b []byte) bool { return bytes.HasSuffix(b, []byte(" ")) }) {
					return // spaces too many at the end of a line are minded only where those of a literal could be among them
				}
				t.Fatalf("streaming: %v, %v; else %v, %v", got, gotErr, want, wantErr)
			}
			var e *imap.Error
			if gotErr != nil && !errors.As(gotErr, &e) {
				return
			}
			if r, ok := got.(*imap.URLFetchResponse); ok {
				fill(r, streamed)
			}
			if diff := cmp.Diff(want, got); gotErr == nil && diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// fill puts octets in the places of those that were streamed.
func fill(r *imap.URLFetchResponse, streamed [][]byte) {
	n := 0
	for i := range r.URLs {
		if d := &r.URLs[i]; d.Streamed && n < len(streamed) {
			d.Streamed, d.Octets = false, streamed[n]
			n++
		}
	}
}
