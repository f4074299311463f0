package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"citron/wire/imap"
	"citron/wire/sasl"
)

// What `citron demo` promises to those who build on it (ARCHITECTURE, "What a
// user types").
func TestDemoContract(t *testing.T) {
	data := filepath.Join(t.TempDir(), "citron-demo")
	p := startDemo(t, data, "--accounts", "3")
	for _, user := range []string{"alice@example.org", "bob@example.org", "u1@example.org", "u3@example.org"} {
		mustLogin(t, p, user).Close()
	}
	if _, err := dialClient(p.addr("imap"), "u4@example.org", demoPassword); err == nil {
		t.Error("--accounts 3 made a fourth")
	}
	for name, login := range logins {
		t.Run(name, func(t *testing.T) { login(t, p) })
	}
	m, err := dialMailer(p.addr("lmtp"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.deliver("u2@example.org", []byte("Subject: hello\r\n\r\n")); err != nil {
		t.Error(err)
	}
	m.Close()
	seeded := messages(t, p, "alice@example.org")
	if seeded == 0 {
		t.Error("alice has no mail")
	}
	p.stopped(t, os.Interrupt)

	// The second start reuses the data, and seeds nothing twice: not even
	// what alice has deleted since.
	p = startDemo(t, data)
	if n := messages(t, p, "alice@example.org"); n != seeded {
		t.Errorf("alice had %d messages, and after another start %d", seeded, n)
	}
	if n := messages(t, p, "u2@example.org"); n != 1 {
		t.Errorf("u2 has %d messages", n)
	}
	c := mustLogin(t, p, "alice@example.org")
	for _, cmd := range []imap.Command{&imap.Select{Mailbox: "INBOX"},
		&imap.Store{Set: imap.SeqSet{Star: 1}, Op: imap.StoreAdd, Flags: flagList(`\Deleted`)}, &imap.Expunge{}} {
		if _, err := c.do(cmd); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	p.stopped(t, syscall.SIGTERM)
	p = startDemo(t, data)
	if n := messages(t, p, "alice@example.org"); n != 0 {
		t.Errorf("%d messages came back to alice", n)
	}
	p.stopped(t, syscall.SIGTERM)
}

func mustLogin(t *testing.T, p *process, user string) *client {
	t.Helper()
	c, err := dialClient(p.addr("imap"), user, demoPassword)
	if err != nil {
		t.Fatal(user, err)
	}
	return c
}

// messages counts those in INBOX.
func messages(t *testing.T, p *process, user string) (n uint32) {
	t.Helper()
	c := mustLogin(t, p, user)
	defer c.Close()
	_, err := c.do(&imap.Status{Mailbox: "INBOX", Items: imap.StatusMessages}, func(r imap.Response) {
		if s, ok := r.(*imap.StatusDataResponse); ok {
			n = s.Messages
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// logins are the ways of logging in that the demo promises.
var logins = map[string]func(*testing.T, *process){
	"PLAIN in the clear": func(t *testing.T, p *process) {
		exchange(t, greeted(t, p, "imap", nil), sasl.NewPlainClient("", "bob@example.org", demoPassword))
	},
	"SCRAM in the clear": func(t *testing.T, p *process) {
		exchange(t, greeted(t, p, "imap", nil), scram(t, sasl.ScramOptions{}))
	},
	"SCRAM after STARTTLS": func(t *testing.T, p *process) {
		c := greeted(t, p, "imap", nil)
		if _, err := c.do(&imap.StartTLS{}); err != nil {
			t.Fatal(err)
		}
		secure := tls.Client(c.Conn, anyCertificate)
		exchange(t, &client{Conn: secure, r: imap.NewResponseReader(secure)}, scram(t, sasl.ScramOptions{CouldBind: false}))
	},
	"SCRAM bound to implicit TLS": func(t *testing.T, p *process) {
		var secure *tls.Conn
		c := greeted(t, p, "imaps", func(conn net.Conn) net.Conn {
			secure = tls.Client(conn, anyCertificate)
			return secure
		})
		state := secure.ConnectionState()
		data, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32) // RFC 9266 §2
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, c, scram(t, sasl.ScramOptions{Binding: sasl.TLSExporter, BindingData: data}))
	},
}

// anyCertificate: the demo signs its own.
var anyCertificate = &tls.Config{InsecureSkipVerify: true}

func scram(t *testing.T, o sasl.ScramOptions) sasl.Client {
	t.Helper()
	o.Authcid, o.Password = "bob@example.org", demoPassword
	c, err := sasl.NewScramClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// greeted is a connection that has read the greeting.
func greeted(t *testing.T, p *process, name string, wrap func(net.Conn) net.Conn) *client {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.addr(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if wrap != nil {
		conn = wrap(conn)
	}
	c := &client{Conn: conn, r: imap.NewResponseReader(conn)}
	if _, err := c.r.Next(); err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange logs in by AUTHENTICATE.
func exchange(t *testing.T, c *client, mechanism sasl.Client) {
	t.Helper()
	name, initial, err := mechanism.Start()
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.do(&imap.Authenticate{Mechanism: name, Initial: initial}, func(r imap.Response) {
		challenge, ok := r.(*imap.ContinueResponse)
		if !ok {
			return
		}
		text, _ := imap.DecodeSASL([]byte(strings.TrimSpace(challenge.Text)))
		answer, err := mechanism.Next(text)
		if err != nil {
			t.Error(err)
			c.Close()
			return
		}
		c.Write(append(base64.StdEncoding.AppendEncode(nil, answer), "\r\n"...))
	})
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
