package imapserver

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"citron/wire/deflate"
)

// loginCompressed logs alice in and has her session compressed.
func (f *fixture) loginCompressed() *peer {
	f.t.Helper()
	p := f.login()
	if out := p.say(f.t, "- COMPRESS DEFLATE"); out != "- OK DEFLATE active\r\n" {
		f.t.Fatal(out)
	}
	p.compress()
	return p
}

// What comes behind COMPRESS before its answer is taken as compressed
// (RFC 4978 §3): plain text ends the session, and is never obeyed.
func TestCompressIsFollowedByCompressedInput(t *testing.T) {
	f := newFixture(t)
	p := f.login()
	p.packed = nil
	p.send("a COMPRESS DEFLATE\r\nb CREATE Smuggled\r\n")
	p.run(t)
	plain, packed, ok := bytes.Cut(p.out, []byte("a OK DEFLATE active\r\n"))
	said, _ := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if !ok || len(plain) > 0 || string(said) != "* BYE This is not a compressed stream\r\n" || !p.closed {
		t.Errorf("%q %q %q, closed: %v", p.out, plain, said, p.closed)
	}
	if _, exists := f.alice().Lookup("Smuggled"); exists {
		t.Error("plain text was obeyed")
	}
	p = f.login()
	var client packing
	p.in = client.out.Append([]byte("a COMPRESS DEFLATE\r\n"), []byte("b NOOP\r\n"))
	p.run(t)
	_, packed, _ = bytes.Cut(p.out, []byte("a OK DEFLATE active\r\n"))
	if said, _ := io.ReadAll(flate.NewReader(bytes.NewReader(packed))); string(said) != "b OK NOOP completed\r\n" {
		t.Errorf("%q", said)
	}
}

// The commands before the place where a stream breaks are answered, then the
// session says why it ends.
func TestCompressedStreamThatBreaks(t *testing.T) {
	for end, bye := range map[string]string{
		"07":   "This is not a compressed stream", // a block of a type there is not
		"0300": "The compressed stream has ended", // a last block
	} {
		f := newFixture(t)
		p := f.loginCompressed()
		p.send("a NOOP\r\n")
		tail, _ := hex.DecodeString(end)
		p.in = append(p.in, tail...)
		p.run(t)
		if got, want := string(p.out), "a OK NOOP completed\r\n* BYE "+bye+"\r\n"; got != want || !p.closed {
			t.Errorf("%s: %q, closed: %v", end, got, p.closed)
		}
		p = f.loginCompressed()
		p.say(t, "a SELECT INBOX", "b IDLE")
		p.in = append(p.in, tail...)
		p.run(t)
		if got := string(p.out); got != "* BYE "+bye+"\r\n" || !p.closed {
			t.Errorf("%s in IDLE: %q, closed: %v", end, got, p.closed)
		}
	}
}

// A bomb is cut, be it of commands or of one message, and nothing of it is
// kept; what a client may well say is not.
func TestCompressedBombIsCut(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.AppendLimit, c.InflateRatio = 256<<10, 50 })
	commands := strings.Repeat("a NOOP\r\n", 1<<20)
	message := fmt.Sprintf("a APPEND INBOX {%d+}\r\n", 200<<10) + strings.Repeat("\x01", 200<<10)
	for name, bomb := range map[string]string{"commands": commands, "messages": strings.Repeat(message+"\r\n", 40)} {
		p := f.loginCompressed()
		p.in = deflated9(t, bomb)
		p.run(t)
		if !p.closed || !bytes.HasSuffix(p.out, []byte("* BYE What was compressed is too large\r\n")) {
			t.Errorf("%s: closed: %v, %d bytes, %.100q", name, p.closed, len(p.out), p.out)
		}
		if !strings.Contains(f.log.String(), "compressed stream cut") {
			t.Error("the operator is not told")
		}
	}
	p := f.loginCompressed()
	var honest strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&honest, "a%d NOOP\r\n", i)
	}
	p.in = deflated9(t, honest.String())
	p.run(t)
	if p.closed || !bytes.HasSuffix(p.out, []byte("\r\na39999 OK NOOP completed\r\n")) {
		t.Errorf("many commands: %d octets, closed: %v", len(p.out), p.closed)
	}
}

func deflated9(t *testing.T, text string) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 9)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text)
	w.Flush()
	return b.Bytes()
}

// A compressed session in IDLE keeps its history, a window as far as used, and
// what any session keeps; never a compressor.
func TestCompressedIdleSessionIsSmall(t *testing.T) {
	f := newFixture(t)
	for i := range 50 {
		f.deliver("INBOX", letter(i))
	}
	idle := func() *peer {
		p := f.loginCompressed()
		if out := p.say(t, "a SELECT INBOX", "b FETCH 1:* (UID ENVELOPE)", "c IDLE"); !strings.HasSuffix(out, "+ idling\r\n") {
			t.Fatal(out)
		}
		p.in, p.out, p.packed = nil, nil, nil
		return p
	}
	idle()
	const n = 200
	peers := make([]*peer, 0, n)
	var before, after runtime.MemStats
	runtime.GC() // twice: the pools, too, are emptied
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		peers = append(peers, idle())
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n
	t.Logf("%d bytes a session", each)
	if each > deflate.History+4<<10 {
		t.Errorf("%d bytes a session", each)
	}
	runtime.KeepAlive(peers)
}

// FETCH of 1,000 envelopes sends at most a quarter of the plain octets, and
// streams: no Step holds more than it may.
func TestCompressedFetchOfEnvelopes(t *testing.T) {
	f := newFixture(t)
	for i := range 1000 {
		f.deliver("INBOX", letter(i))
	}
	fetch := []string{"a SELECT INBOX", "b FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"}
	plain := f.login().say(t, fetch...)
	p := f.loginCompressed()
	got := p.say(t, fetch...)
	if plain, got = lines(plain), lines(got); plain != got {
		t.Errorf("not the same: %d and %d octets", len(plain), len(got))
	}
	size := p.packed.in.Size()
	t.Logf("%d octets for %d: %.3f", size.Packed, size.Plain, float64(size.Packed)/float64(size.Plain))
	if 4*size.Packed > size.Plain || size.Plain < 100_000 {
		t.Errorf("%d octets for %d", size.Packed, size.Plain)
	}
}

// lines are the FETCH responses, without what \Recent makes of them.
func lines(out string) string {
	var kept []string
	for l := range strings.Lines(out) {
		if strings.Contains(l, " FETCH (") {
			kept = append(kept, strings.ReplaceAll(l, `\Recent`, ""))
		}
	}
	return strings.Join(kept, "")
}

// letter is a message like many.
func letter(i int) []byte {
	return fmt.Appendf(nil, "Date: Mon, %d Nov 2026 %02d:%02d:%02d +0100\r\nFrom: Sender %d <sender%d@example.com>\r\n"+
		"To: Alice <alice@example.org>\r\nSubject: %x about %d\r\nMessage-ID: <%x.%d@mail.example.com>\r\n\r\nText %d\r\n",
		1+i%28, i%24, i%60, i*7%60, i%37, i%37, i*2654435761%65536, i%11, i*40503*40503, i, i)
}

// Over conn's own driver and TLS, which is under the compression (RFC 4978 §3):
// IDLE is woken, and a message streams both
// ways.
func TestCompressOverTLS(t *testing.T) {
	f := realTime(newFixture(t, func(c *Config) { c.AppendLimit = 8 << 20 }))
	w, _ := dialRemote(t, f)
	w.send("a LOGIN alice@example.org lemonade")
	w.want("a OK ")
	w.send("b COMPRESS DEFLATE")
	w.want("b OK DEFLATE active")
	c := newWire(t, &packedConn{Conn: w.Conn, from: flate.NewReader(w.r)})
	text := "Subject: large\r\n\r\n" + strings.Repeat("When life gives you lemons, make lemonade.\r\n", 100_000)
	c.send("c APPEND INBOX {%d+}\r\n%s", len(text), text)
	c.want("c OK [APPENDUID ")
	c.send("d SELECT INBOX")
	for !strings.HasPrefix(c.line(), "d OK") {
	}
	c.send("e FETCH 1 BODY.PEEK[]")
	c.want(fmt.Sprintf("* 1 FETCH (BODY[] {%d}", len(text)))
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != text {
		t.Fatal("not the same message", err)
	}
	c.want(")")
	c.want("e OK ")
	c.send("f IDLE")
	c.want("+ ")
	f.deliver("INBOX", nil)
	c.want("* 2 EXISTS")
	c.want("* 2 RECENT")
	c.send("DONE")
	c.want("f OK ")
	c.send("g LOGOUT")
	c.want("* BYE ")
	c.want("g OK ")
}

// packedConn is the client's side of a compressed connection.
type packedConn struct {
	net.Conn
	from io.Reader
	to   deflate.Encoder
}

func (c *packedConn) Read(p []byte) (int, error) { return c.from.Read(p) }

func (c *packedConn) Write(p []byte) (int, error) {
	if _, err := c.Conn.Write(c.to.Append(nil, p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Whatever the network, COMPRESS is for where passwords may be spoken of, and
// an operator may switch it off.
func TestCompressRefused(t *testing.T) {
	p := newFixture(t, func(c *Config) { c.NoCompress = true }).login()
	if out := p.say(t, "a COMPRESS DEFLATE", "b CAPABILITY"); !strings.HasPrefix(out, "a BAD COMPRESS is not offered here\r\n") || strings.Contains(out, "COMPRESS=") {
		t.Error(out)
	}
	p = newFixture(t).login()
	p.conn.remote = true
	if out := p.say(t, "a COMPRESS DEFLATE", "b CAPABILITY"); !strings.HasPrefix(out, "a NO [PRIVACYREQUIRED] ") || strings.Contains(out, "COMPRESS=") {
		t.Error(out)
	}
}
