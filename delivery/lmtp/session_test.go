package lmtp

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/ops/conn"
	"citron/wire/smtp"
)

// peer is a conn.Conn at rest, for stepping a session by hand.
type peer struct {
	conn.Conn // what a session does not use
	remote    string
	tls       *tls.ConnectionState
	canTLS    bool
}

func (p peer) Loopback() bool            { return p.remote == "" }
func (p peer) TLS() *tls.ConnectionState { return p.tls }
func (p peer) CanStartTLS() bool         { return p.canTLS }
func (p peer) Remote() netip.AddrPort    { a, _ := netip.ParseAddrPort(p.remote); return a }

// step gives a session all of in and takes its output, as a driver does.
func step(s conn.Session, now time.Time, in []byte) (out []byte, w conn.Wait) {
	t := conn.Turn{Now: now, In: in}
	for {
		w = s.Step(&t)
		out = append(out, t.Out...)
		t.Out = t.Out[:0]
		if w.Then != conn.Continue || !w.Again && !w.Drain {
			return out, w
		}
	}
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 3600))

func TestTrace(t *testing.T) {
	site := newSite(t)
	s := site.service("").NewSession(peer{remote: "[2001:db8::7]:1234", tls: &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{nil}}})
	out, _ := step(s, noon, []byte("LHLO mta.example.net\r\nMAIL FROM:<a@b> SMTPUTF8\r\nRCPT TO:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nhi\r\n.\r\n"))
	want := regexp.MustCompile("^Return-Path: <a@b>\r\nDelivered-To: alice@example.org\r\n" +
		"Received: from mta.example.net \\(\\[IPv6:2001:db8::7\\]\\)\r\n" +
		"\tby mx.example.org with UTF8LMTPS id ([0-9A-V]{13})\r\n" +
		"\tfor <alice@example.org>; Mon, 23 Nov 2026 12:00:00 \\+0100\r\nhi\r\n$")
	found := want.FindStringSubmatch(strings.Join(site.boxes.mail[site.ids["alice"]], ""))
	if found == nil {
		t.Fatalf("%s\n%v", out, site.boxes.mail)
	}
	if bob := site.boxes.mail[site.ids["bob"]][0]; !strings.Contains(bob, "for <bob@example.org>") || !strings.Contains(bob, found[1]) {
		t.Errorf("bob's copy: %q", bob)
	}
}

// LMTP has no login: strangers are turned away even if a listener is open.
func TestStrangers(t *testing.T) {
	lines := []byte("LHLO x\r\nMAIL FROM:<a@b>\r\nBDAT 1 LAST\r\nxNOOP\r\n")
	for name, p := range map[string]peer{
		"clear":          {remote: "192.0.2.1:1"},
		"no certificate": {remote: "192.0.2.1:1", tls: &tls.ConnectionState{}},
	} {
		site := newSite(t)
		out, _ := step(site.service("").NewSession(p), noon, lines)
		if strings.Contains(string(out), "250 2.1.0") || !strings.Contains(string(out), "530 5.7.0") {
			t.Errorf("%s: %s", name, out)
		}
		if len(site.boxes.mail) > 0 {
			t.Errorf("%s: filed", name)
		}
	}
}

func TestStartTLS(t *testing.T) {
	s := newSite(t).service("").NewSession(peer{canTLS: true})
	out, w := step(s, noon, []byte("LHLO x\r\nSTARTTLS\r\nMAIL FROM:<injected@b>\r\n"))
	if !strings.HasSuffix(string(out), "250 STARTTLS\r\n220 2.0.0 start TLS\r\n") || w.Then != conn.StartTLS {
		t.Fatalf("%s %+v", out, w)
	}
	// What was said before does not count after (RFC 3207 §4.2).
	if out, _ = step(s, noon, []byte("MAIL FROM:<a@b>\r\n")); !strings.HasPrefix(string(out), "503 5.5.1") {
		t.Fatalf("%s", out)
	}
}

func TestSilenceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := conn.NewPipe(newSite(t).service("").NewSession)
		defer pipe.Close()
		time.Sleep(DefaultTimeout - time.Second)
		pipe.Write([]byte("NO")) // counts as being heard
		synctest.Wait()
		time.Sleep(DefaultTimeout - time.Second)
		pipe.Write([]byte("OP\r\n"))
		start := time.Now()
		all, err := io.ReadAll(pipe)
		if err != nil || !strings.HasSuffix(string(all), "\r\n250 2.0.0 OK\r\n421 4.4.2 mx.example.org nothing heard for too long, closing\r\n") {
			t.Fatalf("%q, %v", all, err)
		}
		if d := time.Since(start); d < DefaultTimeout || d > DefaultTimeout+time.Minute {
			t.Errorf("after %v", d)
		}
	})
}

// At a shutdown a message on its way is taken to its end, nothing else begun.
func TestShutdown(t *testing.T) {
	site := newSite(t)
	s := site.service("").NewSession(peer{})
	step(s, noon, []byte("LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\nhi\r\n"))
	turn := conn.Turn{Now: noon, Shutdown: true}
	if w := s.Step(&turn); w.Then != conn.Continue || len(turn.Out) > 0 {
		t.Fatalf("%+v %s", w, turn.Out)
	}
	turn = conn.Turn{Now: noon, Shutdown: true, In: []byte(".\r\n")}
	if w := s.Step(&turn); w.Then != conn.Close || string(turn.Out) != "250 2.0.0 filed\r\n421 4.3.2 mx.example.org is shutting down\r\n" {
		t.Fatalf("%+v %s", w, turn.Out)
	}
	if len(site.boxes.mail[site.ids["alice"]]) != 1 {
		t.Fatal("not filed")
	}
}

func TestNonsenseEnds(t *testing.T) {
	s := newSite(t).service("").NewSession(peer{})
	out, w := step(s, noon, bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 10*maxErrors))
	if w.Then != conn.Close || bytes.Count(out, []byte("\n")) != maxErrors+2 || !bytes.Contains(out, []byte("\r\n421 4.7.0 ")) {
		t.Fatalf("%+v, %d octets: %.200s", w, len(out), out)
	}
}

// A client that does not read holds up itself only.
func TestOutputIsBounded(t *testing.T) {
	s := newSite(t).service("").NewSession(peer{})
	turn := conn.Turn{Now: noon, In: bytes.Repeat([]byte("NOOP\r\n"), 100_000)}
	if w := s.Step(&turn); !w.Drain || len(turn.Out) > conn.HighWater+1024 {
		t.Fatalf("%+v with %d octets", w, len(turn.Out))
	}
	if out, _ := step(s, noon, turn.In); bytes.Count(out, []byte("\n"))+bytes.Count(turn.Out, []byte("\n")) < 100_000 {
		t.Fatal("answers are missing")
	}
}

// Long names fill the envelope before MaxRecipients does.
func TestEnvelopeIsBounded(t *testing.T) {
	site := newSite(t)
	s := site.service("").NewSession(peer{})
	long := strings.Repeat("x", 240)
	step(s, noon, []byte("LHLO x\r\nMAIL FROM:<"+long+"@b>\r\n"))
	out, _ := step(s, noon, bytes.Repeat([]byte("RCPT TO:<alice+"+long+"@example.org>\r\n"), 100))
	accepted := bytes.Count(out, []byte("250 2.1.5 "))
	if accepted < 20 || accepted == 100 || accepted+bytes.Count(out, []byte("452 4.5.3 ")) != 100 {
		t.Fatalf("%d recipients accepted: %.300s", accepted, out)
	}
	step(s, noon, []byte("DATA\r\n.\r\n"))
	total := 0
	for _, m := range site.boxes.mail[site.ids["alice"]] {
		total += len(m)
	}
	if total > 64<<10 || total < 16<<10 {
		t.Fatalf("%d octets of header lines", total)
	}
}

func TestValidateListener(t *testing.T) {
	for _, tt := range []struct {
		network, address string
		mutual, ok       bool
	}{
		{"unix", "/run/citron/lmtp", false, true},
		{"tcp", "127.0.0.1:24", false, true},
		{"tcp", "127.1.2.3:1024", false, true},
		{"tcp", "[::1]:24", false, true},
		{"tcp", "localhost:24", false, true},
		{"tcp", "192.0.2.1:24", true, true},
		{"tcp", "192.0.2.1:24", false, false},
		{"tcp", "10.0.0.1:24", false, false},
		{"tcp", ":24", false, false},
		{"tcp", "0.0.0.0:24", false, false},
		{"tcp", "[::]:24", false, false},
		{"tcp", "mx.example.org:24", false, false},
		{"tcp", "127.0.0.1:25", false, false},
		{"tcp", "127.0.0.1", false, false},
	} {
		if err := ValidateListener(tt.network, tt.address, tt.mutual); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

// FuzzSession: pieces make no difference, every message begun ends, and nothing
// panics.
func FuzzSession(f *testing.F) {
	f.Add([]byte("LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\nhi\r\n..\r\n.\r\nQUIT\r\n"), uint8(3))
	f.Add([]byte("LHLO x\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<both@example.org>\r\nBDAT 3\r\nabcBDAT 2 LAST\r\nde"), uint8(1))
	f.Add([]byte("BDAT 2\r\nxxBDAT 1 LAST\r\nxSTARTTLS\r\nNOOP\r\n"), uint8(5))
	site := newSite(f)
	service := site.service("maxmessage 50\nmaxrecipients 2\nfile bob temporary\n")
	run := func(t *testing.T, in []byte, n int) (out []byte) {
		s := service.NewSession(peer{canTLS: true})
		for len(in) > 0 {
			part, w := step(s, noon, in[:min(n, len(in))])
			out, in = append(out, part...), in[min(n, len(in)):]
			if w.Then != conn.Continue {
				break
			}
		}
		s.Close(nil)
		if site.boxes.open != 0 {
			t.Fatalf("%d messages left open", site.boxes.open)
		}
		clear(site.boxes.mail)
		return out
	}
	f.Fuzz(func(t *testing.T, in []byte, n uint8) {
		if whole, pieces := run(t, in, len(in)+1), run(t, in, int(n)+1); !bytes.Equal(whole, pieces) {
			t.Fatalf("%q: %q, in pieces %q", in, whole, pieces)
		}
	})
}

// BenchmarkDelivery is a small message through a session, without the store.
func BenchmarkDelivery(b *testing.B) {
	site := newSite(b)
	site.boxes.pile = true
	s := site.service("").NewSession(peer{})
	step(s, noon, []byte("LHLO client\r\n"))
	envelope := smtp.AppendMail(nil, smtp.Mail{From: smtp.Path{Local: "sender", Domain: "example.net"}, Size: 1500})
	envelope = append(envelope, "RCPT TO:<alice@example.org>\r\nDATA\r\n"...)
	message := append(bytes.Repeat([]byte("A line of seventy-odd octets, as they are found in many messages.....\r\n"), 20), ".\r\n"...)
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	turn := conn.Turn{Now: noon, Out: make([]byte, 0, 4096)}
	for b.Loop() {
		for _, in := range [][]byte{envelope, message} {
			turn.In, turn.Out = in, turn.Out[:0]
			s.Step(&turn)
		}
		if !bytes.HasPrefix(turn.Out, []byte("250 ")) {
			b.Fatalf("%s", turn.Out)
		}
	}
}
