package session

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"citron/submission"
)

var histories = flag.Int("histories", 200, "random histories of the model test")

// model is what RFC 5321 §4.1.4, RFC 3030 §2 and RFC 4468 §3.2 say of a
// transaction, in the plainest way.
type model struct {
	r        *rand.Rand
	sent     bytes.Buffer // what the client sends
	want     []string     // how each reply begins; "-" stands for 4 or 5
	queued   []string     // the messages, in the end
	open     bool         // a transaction
	rcpts    int
	began    bool // by BDAT or BURL
	failed   bool
	text     string
	commands []string
}

const (
	goodHead = "From: alice@example.org\r\n\r\n"
	badHead  = "From: bob@example.org\r\n\r\n"
)

func (m *model) send(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	m.commands = append(m.commands, line)
	m.sent.WriteString(line)
}

func (m *model) expect(code string) { m.want = append(m.want, code) }

func (m *model) reset() { m.open, m.rcpts, m.began, m.failed, m.text = false, 0, false, false, "" }

func (m *model) step() {
	switch m.r.IntN(12) {
	case 0, 1:
		m.mail()
	case 2, 3:
		m.rcpt()
	case 4:
		m.data()
	case 5, 6, 7:
		m.bdat()
	case 8, 9, 10:
		m.burl()
	default:
		m.other()
	}
}

func (m *model) mail() {
	from, ok := "alice@example.org", !m.open
	if m.r.IntN(8) == 0 {
		from, ok = "bob@example.org", false
	}
	m.send("MAIL FROM:<%s>\r\n", from)
	if !ok {
		m.expect("5")
		return
	}
	m.expect("250 2.1.0")
	m.open = true
}

func (m *model) rcpt() {
	to, ok := "bob@example.org", m.open && !m.began
	if m.r.IntN(4) == 0 {
		to, ok = "nobody@example.org", false
	}
	m.send("RCPT TO:<%s>\r\n", to)
	if !ok {
		m.expect("5")
		return
	}
	m.expect("250 2.1.5")
	m.rcpts++
}

func (m *model) data() {
	m.send("DATA\r\n")
	if !m.open || m.began || m.rcpts == 0 {
		m.expect("5")
		return
	}
	m.expect("354")
	head := m.head()
	m.send("%s..dot\r\n.\r\n", head)
	m.text, m.failed = head+".dot\r\n", head == badHead
	m.end()
}

func (m *model) head() string {
	if m.r.IntN(5) == 0 {
		return badHead
	}
	return goodHead
}

// end is the end of a message.
func (m *model) end() {
	if m.failed {
		m.expect("-")
	} else {
		m.queued = append(m.queued, m.text)
		m.expect("250 2.")
	}
	m.reset()
}

// piece is one more piece of a message, or none: ok says that it can be had.
func (m *model) piece(text string, ok, last bool) {
	m.began = true
	if m.rcpts == 0 || !ok || m.text == "" && !strings.HasPrefix(text, goodHead) {
		m.failed = true
	}
	m.text += text
	switch {
	case last:
		m.end()
	case m.failed:
		m.expect("-")
	default:
		m.expect("250 2.")
	}
}

var lasts = map[bool]string{true: " LAST"}

func (m *model) bdat() {
	text, last := "NOOP\r\n", m.r.IntN(3) == 0
	if m.text == "" {
		text = m.head()
	}
	m.send("BDAT %d%s\r\n%s", len(text), lasts[last], text)
	if !m.open {
		m.expect("503")
		return
	}
	m.piece(text, true, last)
}

func (m *model) burl() {
	uid, last := byte(1+m.r.IntN(4)), m.r.IntN(3) == 0 // 1: whole, 2: body, 3: down, 4: none
	if m.text == "" && uid == 2 {
		uid = 1 // a body alone would be given a header
	}
	m.send("BURL %s%s\r\n", urlOf(uid), lasts[last])
	if !m.open {
		m.expect("503")
		return
	}
	m.piece(modelURLs[uid], uid < 3, last)
}

var modelURLs = map[byte]string{1: goodHead + "whole\r\n", 2: "body\r\n"}

func (m *model) other() {
	switch m.r.IntN(5) {
	case 0:
		m.send("NOOP\r\n")
		m.expect("250")
	case 1:
		m.send("FROM: x\r\n")
		m.expect("500")
	case 2:
		m.send("BURL LAST\r\n")
		if !m.open {
			m.expect("503")
			return
		}
		m.expect("501")
		m.reset()
	default:
		m.send("RSET\r\n")
		m.expect("250")
		m.reset()
	}
}

// Random commands, pipelined in random pieces: replies and queue are as the
// model says. So nothing is queued of a transaction that failed, and nothing is
// lost that was answered with 250.
func TestModel(t *testing.T) {
	site := newSite(t, "norates\nurl 3 down\nmaxbadcommands 1000")
	for uid, text := range modelURLs {
		site.urls.content[uint32(uid)] = content{text: text}
	}
	for seed := range uint64(*histories) {
		m := &model{r: rand.New(rand.NewPCG(seed, 4468))}
		for range 40 {
			m.step()
		}
		site.spool.queued = nil
		replies := m.talk(t, site)
		m.compare(t, seed, replies, site.spool.queued)
		site.spool.check(t)
		if t.Failed() {
			return
		}
	}
}

func (m *model) talk(t *testing.T, site *site) []string {
	s := site.service.NewSession(peer{woken: make(chan struct{}, 1)})
	step(s, noon, hello)
	var out []byte
	for in := m.sent.Bytes(); len(in) > 0; {
		n := min(1+m.r.IntN(200), len(in))
		part, _ := step(s, noon, in[:n])
		out, in = append(out, part...), in[n:]
	}
	s.Close(nil)
	return strings.Split(strings.TrimSuffix(string(out), "\r\n"), "\r\n")
}

func (m *model) compare(t *testing.T, seed uint64, replies []string, queue []queued) {
	for i, want := range m.want {
		if i >= len(replies) || !strings.HasPrefix(replies[i], want) && (want != "-" || !strings.ContainsAny(replies[i][:1], "45")) {
			t.Fatalf("seed %d, reply %d: want %q of\n%s\ncommands:\n%s", seed, i, want, strings.Join(replies, "\n"), strings.Join(m.commands, ""))
		}
	}
	if len(replies) != len(m.want) || len(queue) != len(m.queued) {
		t.Fatalf("seed %d: %d replies, want %d; %d queued, want %d", seed, len(replies), len(m.want), len(queue), len(m.queued))
	}
	for i, want := range m.queued {
		if got := made.ReplaceAllString(date.ReplaceAllString(queue[i].text, ""), ""); got != want {
			t.Fatalf("seed %d: queued %q, want %q", seed, got, want)
		}
	}
}

// FuzzSession: pieces make no difference, every message begun ends, nothing is
// queued without a login, and an envelope never holds more than it may.
func FuzzSession(f *testing.F) {
	f.Add([]byte(envelope+"DATA\r\n"+goodHead+"..\r\n.\r\nQUIT\r\n"), uint8(3), true)
	f.Add([]byte(envelope+"BDAT 3\r\nabcBURL "+urlOf(1)+"\r\nBDAT 2 LAST\r\nde"), uint8(1), true)
	f.Add([]byte("EHLO x\r\nAUTH SCRAM-SHA-256\r\nbiwsbj1hbGljZSxyPXg=\r\n*\r\nAUTH LOGIN YQ==\r\nYQ==\r\nSTARTTLS\r\n"), uint8(5), false)
	f.Add([]byte("BDAT 2\r\nxxBDAT 1 LAST\r\nxEHLO x\r\nMAIL FROM:<> XATTEMPT=1 HOLDFOR=5 BY=9;RT MT-PRIORITY=3\r\n"), uint8(7), true)
	f.Add([]byte("MAIL FROM:<alice@example.org> XATTEMPT=1 XSENT=Sent\r\nRCPT TO:<bob@example.org>\r\nBURL "+urlOf(1)+" LAST\r\n"), uint8(9), true)
	site := newSite(f, "norates\natomic\nmaxmessage 500\nmaxrecipients 3\nmaxfetches 1")
	site.urls.content[1] = content{text: modelURLs[1]}
	run := func(t *testing.T, in []byte, n int, login bool) string {
		site.spool.queued, site.outbox.known = nil, map[string]*attempt{}
		s := site.service.NewSession(peer{canTLS: true, woken: make(chan struct{}, 1)})
		if login {
			step(s, noon, hello)
		}
		var out []byte
		for len(in) > 0 {
			part, w := step(s, noon, in[:min(n, len(in))])
			out, in = append(out, part...), in[min(n, len(in)):]
			if x := s.(*session).trans; x != nil && (len(x.envelope.Rcpts) > 3 || x.octets > submission.MaxEnvelope) {
				t.Fatalf("%d recipients, %d octets", len(x.envelope.Rcpts), x.octets)
			}
			if w.Then != 0 {
				break
			}
		}
		s.Close(nil)
		site.spool.check(t)
		if !login && len(site.spool.queued) > 0 && !bytes.Contains(out, []byte("235 ")) {
			t.Fatal("queued without a login")
		}
		return nonce.ReplaceAllString(string(out), "334")
	}
	f.Fuzz(func(t *testing.T, in []byte, n uint8, login bool) {
		if whole, pieces := run(t, in, len(in)+1, login), run(t, in, int(n)+1, login); whole != pieces {
			t.Fatalf("%q: %q, in pieces %q", in, whole, pieces)
		}
	})
}
