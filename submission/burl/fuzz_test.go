package burl

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"citron/submission"
	"citron/wire/imap"
)

// saying is a connection to a store that says what it says, whatever it hears.
type saying struct {
	net.Conn // nil
	says     *bytes.Reader
}

func (s *saying) Read(p []byte) (int, error)     { return s.says.Read(p) }
func (*saying) Write(p []byte) (int, error)      { return len(p), nil }
func (*saying) Close() error                     { return nil }
func (*saying) SetReadDeadline(time.Time) error  { return nil }
func (*saying) SetWriteDeadline(time.Time) error { return nil }

// FuzzStore: whatever a store says to URLFETCH, the content is of the size that
// was given, or an error follows; errors have one kind; and the connection is
// given back once.
func FuzzStore(f *testing.F) {
	const url = "imap://a@h/b/;UID=1;URLAUTH=anonymous:internal:0123456789abcdef0123456789abcdef"
	const begin = "* URLFETCH " + url + " "
	for _, seed := range []string{
		begin + "{2}\r\nHi\r\ns1 OK x\r\n", begin + "NIL\r\ns1 OK x\r\n", begin + "\"Hi\"\r\ns1 OK x\r\n", begin + "(BINARY ~{3}\r\na\x00b)\r\ns1 OK x\r\n",
		begin + "(BINARY NIL)\r\ns1 OK x\r\n" + begin + "{2}\r\nHi\r\ns2 OK x\r\n", "s1 BAD x\r\n", "s1 NO x\r\n", "* BYE x\r\n",
		begin + "(BODYPARTSTRUCTURE (\"A\" \"B\" NIL NIL NIL \"BINARY\" 2))\r\ns1 OK x\r\n" + begin + "(BINARY {2}\r\nHi)\r\ns2 OK x\r\n",
		begin + "{3}\r\nHi\r\ns1 OK x\r\n", begin + "{1}\r\nHi\r\ns1 OK x\r\n", begin + "{9223372036854775807}\r\nHi",
	} {
		f.Add([]byte(seed), true, false)
		f.Add([]byte(seed), false, true)
	}
	f.Fuzz(func(t *testing.T, says []byte, binary, citron bool) {
		conn := &saying{says: bytes.NewReader(says)}
		store := &IMAP{pool: newPool(1, time.Hour)}
		if citron {
			store.cfg.Certificate = func() (*tls.Certificate, error) { return nil, nil }
		}
		store.pool.enter(context.Background())
		c := &client{cfg: &store.cfg, conn: conn, caps: map[string]bool{"URLAUTH=BINARY": true}}
		c.r = imap.NewResponseReader(c)
		c.r.Limit(maxLine)
		c.r.StreamURLs = true
		content, err := store.fetch(context.Background(), c, url, binary)
		if err == nil {
			var n int64
			n, err = io.Copy(io.Discard, content)
			if err == nil && n != content.Size() || n > content.Size() {
				t.Fatalf("%d octets of %d, %v", n, content.Size(), err)
			}
			content.Close()
		}
		if err != nil && errors.Is(err, submission.ErrNoURL) == errors.Is(err, submission.ErrTemporary) {
			t.Fatalf("no kind, or two: %v", err)
		}
		if len(store.pool.places) != 0 || len(store.pool.idle) > 1 {
			t.Fatal("the place was not given back")
		}
		store.Close()
	})
}
