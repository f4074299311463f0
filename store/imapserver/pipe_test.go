package imapserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"citron/ops/conn"
	"citron/ops/tlscert"
	"citron/wire/sasl"
)

// These tests run sessions on conn's own driver, with TLS.

// wire is a client that reads and writes lines.
type wire struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func newWire(t testing.TB, c net.Conn) *wire {
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return &wire{t, c, bufio.NewReader(c)}
}

func (w *wire) send(format string, args ...any) {
	w.t.Helper()
	if _, err := fmt.Fprintf(w.Conn, format+"\r\n", args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wire) line() string {
	w.t.Helper()
	line, err := w.r.ReadString('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

func (w *wire) want(prefix string) string {
	w.t.Helper()
	line := w.line()
	if !strings.HasPrefix(line, prefix) {
		w.t.Fatalf("want %s…, got %s", prefix, line)
	}
	return line
}

// dialRemote connects from another machine, by STARTTLS.
func dialRemote(t testing.TB, f *fixture) (*wire, *tls.Conn) {
	dir := t.TempDir()
	pair := tlscert.Pair{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	if _, err := tlscert.EnsureSelfSigned(pair, []string{"mail.example.org"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	source, err := tlscert.Open(tlscert.Options{Pairs: []tlscert.Pair{pair}})
	if err != nil {
		t.Fatal(err)
	}
	server := conn.NewServer(conn.Options{Portable: true})
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	listener := &conn.Listener{Name: "imap", NewSession: f.server.NewSession, TLS: source.Config}
	client := server.Pipe(listener, netip.MustParseAddrPort("192.0.2.7:4000"))
	t.Cleanup(func() { client.Close() })
	w := newWire(t, client)
	w.want("* OK [CAPABILITY IMAP4rev1 IMAP4rev2 STARTTLS LOGINDISABLED ")
	w.send("s STARTTLS")
	w.want("s OK Begin")
	secure := tls.Client(w.Conn, &tls.Config{InsecureSkipVerify: true, ServerName: "mail.example.org"})
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	return newWire(t, secure), secure
}

func realTime(f *fixture) *fixture {
	*f.clock = time.Now()
	return f
}

func TestScramPlusOverTLS(t *testing.T) {
	f := realTime(newFixture(t))
	w, secure := dialRemote(t, f)
	state := secure.ConnectionState()
	binding, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		t.Fatal(err)
	}
	authenticate(t, w, sasl.ScramOptions{Authcid: "alice@example.org", Password: "lemonade",
		Binding: sasl.TLSExporter, BindingData: binding})
	w.want("a OK [CAPABILITY ")
	w.send("b LOGOUT")
	w.want("* BYE ")
	w.want("b OK ")
}

// A man in the middle has another TLS connection to the server than the client.
func TestScramPlusWithForeignBinding(t *testing.T) {
	f := realTime(newFixture(t))
	w, _ := dialRemote(t, f)
	authenticate(t, w, sasl.ScramOptions{Authcid: "alice@example.org", Password: "lemonade",
		Binding: sasl.TLSExporter, BindingData: bytes.Repeat([]byte{7}, 32)})
	w.want("a NO [AUTHENTICATIONFAILED] ")
}

// A client that was told there is no -PLUS, although there is.
func TestScramDowngrade(t *testing.T) {
	f := realTime(newFixture(t))
	w, _ := dialRemote(t, f)
	authenticate(t, w, sasl.ScramOptions{Authcid: "alice@example.org", Password: "lemonade", CouldBind: true})
	w.want("a NO [AUTHENTICATIONFAILED] ")
}

func TestScramPlainBindingless(t *testing.T) {
	f := realTime(newFixture(t))
	w, _ := dialRemote(t, f)
	authenticate(t, w, sasl.ScramOptions{Authcid: "alice@example.org", Password: "lemonade"})
	w.want("a OK [CAPABILITY ")
}

// authenticate runs AUTHENTICATE with tag a up to the tagged answer, which is
// left to be read.
func authenticate(t *testing.T, w *wire, o sasl.ScramOptions) {
	t.Helper()
	client, err := sasl.NewScramClient(o)
	if err != nil {
		t.Fatal(err)
	}
	name, initial, err := client.Start()
	if err != nil {
		t.Fatal(err)
	}
	w.send("a AUTHENTICATE %s %s", name, base64.StdEncoding.EncodeToString(initial))
	for {
		next, err := w.r.Peek(1)
		if err != nil {
			t.Fatal(err)
		}
		if next[0] != '+' {
			return
		}
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(w.line(), "+ "))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Next(challenge)
		if err != nil {
			t.Fatal(err)
		}
		w.send("%s", base64.StdEncoding.EncodeToString(response))
	}
}

// A delivery reaches a session in IDLE through the driver's Wake.
func TestIdleIsWokenByDriver(t *testing.T) {
	f := realTime(newFixture(t))
	w, _ := dialRemote(t, f)
	w.send("a LOGIN alice@example.org lemonade")
	w.want("a OK ")
	w.send("b SELECT INBOX")
	for !strings.HasPrefix(w.line(), "b OK") {
	}
	w.send("c IDLE")
	w.want("+ ")
	f.deliver("INBOX", nil)
	w.want("* 1 EXISTS")
	w.want("* 1 RECENT")
	w.send("DONE")
	w.want("c OK ")
}
