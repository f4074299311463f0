package session

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/auth"
	"citron/ops/conn"
	"citron/submission"
)

// peer is a conn.Conn at rest, for stepping a session by hand.
type peer struct {
	conn.Conn // what a session does not use
	remote    string
	tls       *tls.ConnectionState
	canTLS    bool
	woken     chan struct{} // nil: nobody waits
	delay     time.Duration // of answers to failed logins
}

func (p peer) Loopback() bool                        { return p.remote == "" }
func (p peer) TLS() *tls.ConnectionState             { return p.tls }
func (p peer) CanStartTLS() bool                     { return p.canTLS && p.tls == nil }
func (p peer) Remote() netip.AddrPort                { a, _ := netip.ParseAddrPort(p.remote); return a }
func (p peer) Login(string) error                    { return nil }
func (p peer) Logout()                               {}
func (p peer) LoginFailed(time.Time) time.Duration   { return p.delay }
func (p peer) ChannelBinding(string) ([]byte, error) { return nil, conn.ErrNoBinding }
func (p peer) Wake() {
	if p.woken != nil {
		p.woken <- struct{}{}
	}
}

// step gives a session all of in and takes its output, as a driver does, until
// it waits for more.
func step(s conn.Session, now time.Time, in []byte) (out []byte, w conn.Wait) {
	t := conn.Turn{Now: now, In: in}
	for {
		w = s.Step(&t)
		out = append(out, t.Out...)
		t.Out = t.Out[:0]
		switch {
		case w.Then != conn.Continue:
			return out, w
		case w.Again || w.Drain:
		case w == conn.Wait{}: // a job runs
			<-s.(*session).conn.(peer).woken
		default:
			return out, w
		}
	}
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 3600))

func plain(name string) string {
	return "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+name+"\x00"+password)) + "\r\n"
}

var hello = []byte("EHLO client\r\n" + plain("alice"))

const envelope = "MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\n"

// A silent connection is kept for as long as RFC 5321 §4.5.3.2.7 says, and
// longer; it is never ended for its duration.
func TestSilenceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, end := newSite(t, "").dial(false)
		defer end()
		for range 10 {
			time.Sleep(DefaultTimeout - time.Second)
			client.Write([]byte("NOOP\r\n")) // a NO of its own counts as being heard
			synctest.Wait()
		}
		start := time.Now()
		all, err := io.ReadAll(client)
		if err != nil || !strings.HasSuffix(string(all), "OK\r\n421 4.4.2 mail.example.org nothing heard for too long, closing\r\n") {
			t.Fatalf("%q, %v", all, err)
		}
		if d := time.Since(start); d < 5*time.Minute || d < DefaultTimeout || d > DefaultTimeout+time.Minute {
			t.Errorf("after %v", d)
		}
	})
}

// RFC 4865 §4.2: a time later than EHLO announced is refused, however long ago
// that was.
func TestHoldAsAnnounced(t *testing.T) {
	s := newSite(t, "").service.NewSession(peer{})
	step(s, noon, hello)
	latest := noon.Add(30 * 24 * time.Hour).UTC()
	for i, want := range []string{"501 5.5.4 ", "250 2.1.0 "} {
		until := latest.Add(time.Duration(1-i) * time.Second).Format(time.RFC3339)
		out, _ := step(s, noon.Add(5*time.Minute), []byte("MAIL FROM:<alice@example.org> HOLDUNTIL="+until+"\r\n"))
		if !strings.HasPrefix(string(out), want) {
			t.Errorf("%s: %q", until, out)
		}
	}
}

// At a shutdown a message on its way is taken to its end, nothing else begun.
func TestShutdown(t *testing.T) {
	site := newSite(t, "")
	s := site.service.NewSession(peer{})
	step(s, noon, []byte(string(hello)+envelope+"DATA\r\nFrom: alice@example.org\r\n\r\nhi\r\n"))
	turn := conn.Turn{Now: noon, Shutdown: true}
	if w := s.Step(&turn); w.Then != conn.Continue || len(turn.Out) > 0 {
		t.Fatalf("%+v %s", w, turn.Out)
	}
	turn = conn.Turn{Now: noon, Shutdown: true, In: []byte(".\r\n")}
	if w := s.Step(&turn); w.Then != conn.Close || string(turn.Out) != "250 2.0.0 queued as q1\r\n421 4.3.2 mail.example.org is shutting down\r\n" {
		t.Fatalf("%+v %s", w, turn.Out)
	}
	if len(site.spool.queued) != 1 {
		t.Fatal("not queued")
	}
}

func TestNonsenseEnds(t *testing.T) {
	s := newSite(t, "").service.NewSession(peer{})
	out, w := step(s, noon, bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 10*DefaultMaxBadCommands))
	if w.Then != conn.Close || bytes.Count(out, []byte("\n")) != DefaultMaxBadCommands+2 || !bytes.Contains(out, []byte("\r\n421 4.7.0 ")) {
		t.Fatalf("%+v, %d octets: %.200s", w, len(out), out)
	}
}

// A client that does not read holds up itself only.
func TestOutputIsBounded(t *testing.T) {
	s := newSite(t, "").service.NewSession(peer{})
	turn := conn.Turn{Now: noon, In: bytes.Repeat([]byte("RSET\r\n"), 100_000)}
	if w := s.Step(&turn); !w.Drain || len(turn.Out) > conn.HighWater+1024 {
		t.Fatalf("%+v with %d octets", w, len(turn.Out))
	}
	if out, _ := step(s, noon, turn.In); bytes.Count(out, []byte("\n"))+bytes.Count(turn.Out, []byte("\n")) < 100_000 {
		t.Fatal("answers are missing")
	}
}

// Answers to these are sent before more is read, those to others in groups; all
// in the order of the commands (RFC 2920 §3.2).
func TestAnswersNotHeldBack(t *testing.T) {
	for command, flushed := range map[string]bool{
		"EHLO x": true, "DATA": true, "VRFY x": true, "EXPN x": true, "TURN": true, "NOOP": true, "XYZZY": true,
		"RSET": false, "MAIL FROM:<x>": false, "RCPT TO:<x@y>": false, "BURL x": false,
	} {
		s := newSite(t, "").service.NewSession(peer{woken: make(chan struct{}, 1)})
		step(s, noon, hello)
		turn := conn.Turn{Now: noon, In: []byte(command + "\r\nRSET\r\n")}
		if w := s.Step(&turn); w.Drain != flushed || (len(turn.In) > 0) != flushed || len(turn.Out) == 0 {
			t.Errorf("%s: %+v, left %q, answered %q", command, w, turn.In, turn.Out)
		}
	}
	s := newSite(t, "").service.NewSession(peer{})
	out, _ := step(s, noon, []byte("HELO x\r\nHELP\r\nRSET\r\nQUIT\r\n"))
	var codes []string
	for line := range strings.Lines(string(out)) {
		codes = append(codes, line[:3])
	}
	if got := strings.Join(codes, " "); got != "220 250 214 250 221" {
		t.Error(got)
	}
}

// The Received line says how the message came (RFC 4954 §7, RFC 3848), and who
// sent it only if that is wanted.
func TestReceived(t *testing.T) {
	for want, p := range map[string]peer{
		" with ESMTPA id ":  {},
		" with ESMTPSA id ": {remote: "192.0.2.7:4000", tls: &tls.ConnectionState{}},
	} {
		site := newSite(t, "")
		step(site.service.NewSession(p), noon, []byte(string(hello)+envelope+"DATA\r\n"+goodHead+".\r\n"))
		if len(site.spool.queued) != 1 || !strings.HasPrefix(site.spool.queued[0].text, "Received: from client.invalid\r\n\tby mail.example.org"+want) || strings.Contains(site.spool.queued[0].text, "192.0.2.7") {
			t.Errorf("want %s: %+v", want, site.spool.queued)
		}
		site.service.ShowClient = true
		step(site.service.NewSession(p), noon, []byte(string(hello)+strings.Replace(envelope, ">", "> MT-PRIORITY=-2", 1)+"DATA\r\n"+goodHead+".\r\n"))
		if text := site.spool.queued[1].text; !strings.HasPrefix(text, "Received: from client\r\n") && !strings.HasPrefix(text, "Received: from client (") || strings.Contains(text, "192.0.2.7") != (p.remote != "") ||
			!strings.Contains(text, "\r\n\tPRIORITY -2; ") { // RFC 6710 §4.1
			t.Errorf("with the client: %s", text)
		}
	}
}

// Who guesses waits for his answer, and what he sends meanwhile waits, too; after
// some failures the session ends, after 3 at the earliest (RFC 4954 §9).
func TestGuessingIsHeldBack(t *testing.T) {
	s := newSite(t, "").service.NewSession(peer{delay: time.Minute})
	guess := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00alice\x00guess")) + "\r\n"
	step(s, noon, []byte("EHLO client\r\n"))
	now := noon
	for n := 1; ; n++ {
		out, w := step(s, now, []byte(guess+"NOOP\r\n"))
		if len(out) > 0 || w.Input || !w.Until.Equal(now.Add(time.Minute)) {
			t.Fatalf("%d: %s, %+v", n, out, w)
		}
		now = now.Add(time.Minute)
		if out, w = step(s, now, []byte("NOOP\r\n")); !strings.HasPrefix(string(out), "535 5.7.8 ") {
			t.Fatalf("%d: %s", n, out)
		}
		if w.Then == conn.Close {
			if n < 3 || n != maxLoginFailures || !strings.Contains(string(out), "\r\n421 4.7.0 ") {
				t.Fatalf("%d: %s", n, out)
			}
			return
		}
	}
}

// A credential that is withdrawn ends its sessions, in the middle of a message,
// too, which is not queued; and no other's.
func TestRevoke(t *testing.T) {
	site := newSite(t, "")
	woken := make(chan struct{}, 1)
	alice, bob := site.service.NewSession(peer{woken: woken}), site.service.NewSession(peer{})
	step(alice, noon, []byte(string(hello)+envelope+"DATA\r\nFrom: alice@example.org\r\n\r\n"))
	step(bob, noon, []byte("EHLO client\r\n"+plain("bob")))
	secret, err := site.dir.Password(t.Context(), "changed")
	if err != nil {
		t.Fatal(err)
	}
	if n := site.service.Sessions(); n != 2 {
		t.Fatalf("%d sessions", n)
	}
	if _, err := site.dir.SetPassword(t.Context(), "alice@example.org", secret); err != nil {
		t.Fatal(err)
	}
	<-woken
	out, w := step(alice, noon, []byte("hi\r\n.\r\n"))
	if w.Then != conn.Close || !strings.HasPrefix(string(out), "421 4.7.0 ") {
		t.Fatalf("%s, %+v", out, w)
	}
	alice.Close(nil)
	if out, _ := step(bob, noon, []byte("MAIL FROM:<bob@example.org>\r\n")); !strings.HasPrefix(string(out), "250 ") {
		t.Fatalf("bob: %s", out)
	}
	bob.Close(nil)
	if len(site.spool.queued) != 0 || site.service.Sessions() != 0 {
		t.Errorf("%d queued, %d sessions", len(site.spool.queued), site.service.Sessions())
	}
	site.spool.check(t)
}

// revoking is an Authenticator whose credential is withdrawn while it is
// checked.
type revoking struct {
	auth.Authenticator
	service *Service
}

func (r *revoking) Plain(ctx context.Context, authcid, authzid, password string) (auth.Identity, error) {
	id, err := r.Authenticator.Plain(ctx, authcid, authzid, password)
	r.service.Revoke(id.Account, id.Credential)
	return id, err
}

func TestRevokedMeanwhile(t *testing.T) {
	site := newSite(t, "")
	site.service.Authenticator = &revoking{site.dir, site.service}
	out, _ := step(site.service.NewSession(peer{}), noon, hello)
	if !bytes.Contains(out, []byte("\r\n454 4.7.0 ")) {
		t.Fatalf("%s", out)
	}
}

// What a client sends behind STARTTLS in the clear is discarded (RFC 3207 §4.2,
// CVE-2011-0411), and so is all that was said before.
func TestInjectedBeforeTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, end := newSite(t, "tls").dial(true)
		defer end()
		talker(t, client, 1<<20).Play("S+ 220\nC: EHLO client\nS+ 250\n" + `C" "STARTTLS\r\nEHLO injected\r\nNOOP\r\n"` +
			"\nS: 220 *\nTLS\nC: MAIL FROM:<a@b>\nS: 530 *\nC: AUTH PLAIN AAAA\nS: 503 *\nC: QUIT\nS: 221 *\nEOF")
	})
}

// A login before TLS does not count after it (RFC 3207 §4.2).
func TestLoginBeforeTLS(t *testing.T) {
	site := newSite(t, "")
	s := site.service.NewSession(peer{canTLS: true})
	if out, w := step(s, noon, []byte(string(hello)+envelope+"STARTTLS\r\n")); w.Then != conn.StartTLS || !strings.HasSuffix(string(out), "\r\n220 2.0.0 start TLS\r\n") {
		t.Fatalf("%s, %+v", out, w)
	}
	if n := site.service.Sessions(); n != 0 {
		t.Errorf("%d sessions are logged in", n)
	}
	if out, _ := step(s, noon, []byte("EHLO client\r\nDATA\r\n")); !bytes.HasSuffix(out, []byte("\r\n530 5.7.0 log in first\r\n")) {
		t.Fatalf("%s", out)
	}
}

// truncated gives less than it says, and no error.
type truncated struct{ io.Reader }

func (truncated) Size() int64  { return 1000 }
func (truncated) Close() error { return nil }

type truncating struct{}

func (truncating) Fetch(context.Context, string, string, bool) (submission.Fetched, error) {
	return truncated{strings.NewReader(goodHead + "half a mess")}, nil
}

// What ends early is no message, whether the store says so or not.
func TestTruncatedURL(t *testing.T) {
	site := newSite(t, "")
	site.service.Fetcher = truncating{}
	out, _ := step(site.service.NewSession(peer{woken: make(chan struct{}, 1)}), noon, []byte(string(hello)+envelope+"BURL x:y LAST\r\n"))
	if !bytes.Contains(out, []byte("\r\n451 4.4.2 ")) || len(site.spool.queued) != 0 {
		t.Errorf("%s", out)
	}
	site.spool.check(t)
}

// A session that ends while a store is slow leaves nothing behind: the fetch is
// cancelled, the message forgotten.
func TestLeftInTheMiddleOfAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newSite(t, "url 1 slow")
		s := site.service.NewSession(peer{})
		step(s, time.Now(), hello)
		turn := conn.Turn{Now: time.Now(), In: []byte(envelope + "BURL " + urlOf(1) + " LAST\r\nNOOP\r\n")}
		if w := s.Step(&turn); w != (conn.Wait{}) || string(turn.In) != "NOOP\r\n" {
			t.Fatalf("%+v, left %q", w, turn.In)
		}
		synctest.Wait()
		if site.urls.asked.Load() != 1 || len(site.service.fetches.slots) != 1 {
			t.Fatal("no fetch under way")
		}
		start := time.Now()
		s.Close(nil)
		synctest.Wait()
		if len(site.service.fetches.slots) != 0 || time.Since(start) > 0 {
			t.Errorf("%d fetches left after %v", len(site.service.fetches.slots), time.Since(start))
		}
		site.spool.check(t)
		if len(site.spool.queued) != 0 {
			t.Error("queued")
		}
	})
}

// Not more URLs are fetched at a time than MaxFetches, and of one account a
// quarter; who waits too long for his turn is told to come again.
func TestFetchesAreBounded(t *testing.T) {
	for most, want := range map[string]map[string]int{
		"1": {"451 4.4.1": 1, "451 4.4.5": 5}, // bob's waits until both end, in any order
		"4": {"451 4.4.1": 2, "451 4.4.5": 4}, // one for each account
		"8": {"451 4.4.1": 4, "451 4.4.5": 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			site := newSite(t, "url 1 slow\nmaxfetches "+most)
			var clients []io.Reader
			for n := range 6 {
				name := []string{"alice", "bob"}[n%2]
				client, end := site.dial(false)
				defer end()
				client.Write([]byte("EHLO x\r\n" + plain(name) + strings.ReplaceAll(envelope, "alice", name) + "BURL " +
					strings.ReplaceAll(urlOf(1), "alice", name) + " LAST\r\nQUIT\r\n"))
				clients = append(clients, client)
			}
			synctest.Wait()
			if n := int(site.urls.asked.Load()); n != want["451 4.4.1"] {
				t.Fatalf("%s: %d fetches at a time", most, n)
			}
			codes := map[string]int{}
			for _, c := range clients {
				all, _ := io.ReadAll(c)
				lines := strings.Split(string(all), "\r\n")
				codes[lines[len(lines)-3][:9]]++
			}
			if most == "1" && codes["451 4.4.1"] == 2 {
				codes["451 4.4.1"], codes["451 4.4.5"] = 1, codes["451 4.4.5"]+1
			}
			if !maps.Equal(codes, want) || len(site.service.fetches.by) != 0 {
				t.Errorf("%s: %v, %v left", most, codes, site.service.fetches.by)
			}
		})
	}
}

func urlOf(uid byte) string {
	return "imap://alice@mail.example.org/Drafts;UIDVALIDITY=1/;UID=" + string('0'+uid) + ";URLAUTH=submit+alice:internal:9" + strings.Repeat("0", 31)
}
