package relaytest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
)

// Host is a next hop that does as a test says. It is as strict as it need be:
// a client that breaks a rule is told so by a 500, and the test by Broken.
type Host struct {
	Name   string   // default mx.example.com
	Offers []string // of EHLO, beside STARTTLS
	// TLS, if not nil, is offered; TLSOnly: without it MAIL is refused.
	TLS     *tls.Config
	TLSOnly bool
	// Implicit TLS comes before the greeting.
	Implicit bool
	// Say, if not nil, gives the answer to a command line, to the end of a
	// message (".") or to a new connection (""): "" leaves it as it is, Close
	// closes without an answer, Stall never answers.
	Say func(line string) string

	mu      sync.Mutex
	mails   []Mail
	lines   []string
	dialled int
	open    int
	maxOpen int
	Broken  []string
}

// What Say may give, beside an answer.
const (
	Close = "close"
	Stall = "stall"
)

// Mail is a message that a Host took, or was about to take.
type Mail struct {
	From  string   // what came after MAIL FROM:
	Rcpts []string // those accepted, what came after RCPT TO:
	Data  string   // unstuffed
	TLS   bool
	BDAT  bool
}

// Mails are those taken so far, Lines all that was said, Dialled how many
// connections there were, MaxOpen how many at a time.
func (h *Host) Mails() []Mail {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Mail(nil), h.mails...)
}
func (h *Host) Lines() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.lines...)
}
func (h *Host) Dialled() int { h.mu.Lock(); defer h.mu.Unlock(); return h.dialled }
func (h *Host) MaxOpen() int { h.mu.Lock(); defer h.mu.Unlock(); return h.maxOpen }

// Dial is a connection to the host.
func (h *Host) Dial() net.Conn {
	ours, theirs := net.Pipe()
	go h.Serve(theirs)
	return ours
}

// Serve is one session.
func (h *Host) Serve(nc net.Conn) {
	h.mu.Lock()
	h.dialled++
	h.open++
	h.maxOpen = max(h.maxOpen, h.open)
	h.mu.Unlock()
	s := &session{Host: h, nc: nc}
	defer func() {
		s.nc.Close()
		h.mu.Lock()
		h.open--
		h.mu.Unlock()
	}()
	if h.Implicit {
		s.nc = tls.Server(nc, h.TLS)
		s.tls = true
	}
	s.in = bufio.NewReader(s.nc)
	if s.answer("", "220 "+h.name()+" ESMTP") {
		for s.step() {
		}
	}
}

func (h *Host) name() string {
	if h.Name == "" {
		return "mx.example.com"
	}
	return h.Name
}

type session struct {
	*Host
	nc    net.Conn
	in    *bufio.Reader
	tls   bool
	mail  *Mail
	ended bool
}

// answer says what Say says, or else the default; false: the session is over.
func (s *session) answer(line, usual string) bool {
	said := ""
	if s.Say != nil {
		said = s.Say(line)
	}
	return s.say(said, usual)
}

func (s *session) say(said, usual string) bool {
	switch said {
	case "":
		said = usual
	case Close:
		return false
	case Stall:
		io.Copy(io.Discard, s.in)
		return false
	}
	s.ended = said[0] != '2' && said[0] != '3'
	_, err := io.WriteString(s.nc, said+"\r\n")
	return err == nil && !strings.HasPrefix(said, "421")
}

func (s *session) broken(text string) bool {
	s.mu.Lock()
	s.Broken = append(s.Broken, text)
	s.mu.Unlock()
	io.WriteString(s.nc, "500 5.5.0 "+text+"\r\n")
	return false
}

func (s *session) step() bool {
	line, err := s.in.ReadString('\n')
	if err != nil {
		return false
	}
	line, ok := strings.CutSuffix(line, "\r\n")
	if !ok {
		return s.broken("a line ends with LF")
	}
	s.mu.Lock()
	s.lines = append(s.lines, line)
	s.mu.Unlock()
	verb, _, _ := strings.Cut(line, " ")
	switch verb {
	case "EHLO":
		return s.answer(line, s.offer())
	case "STARTTLS":
		return s.startTLS()
	case "MAIL":
		return s.begin(line)
	case "RCPT":
		return s.rcpt(line)
	case "DATA":
		return s.data()
	case "BDAT":
		return s.bdat(line)
	case "RSET":
		s.mail = nil
		return s.answer(line, "250 reset")
	case "QUIT":
		s.answer(line, "221 bye")
		return false
	}
	return s.answer(line, "500 5.5.1 what")
}

func (s *session) offer() string {
	lines := append([]string{s.name()}, s.Offers...)
	if s.TLS != nil && !s.tls {
		lines = append(lines, "STARTTLS")
	}
	for i := range lines[:len(lines)-1] {
		lines[i] = "250-" + lines[i]
	}
	lines[len(lines)-1] = "250 " + lines[len(lines)-1]
	return strings.Join(lines, "\r\n")
}

func (s *session) startTLS() bool {
	if !s.answer("STARTTLS", "220 go on") {
		return false
	}
	if s.ended {
		return true
	}
	tc := tls.Server(s.nc, s.TLS)
	if tc.Handshake() != nil {
		return false
	}
	s.nc, s.in, s.tls = tc, bufio.NewReader(tc), true
	return true
}

func (s *session) begin(line string) bool {
	switch {
	case s.mail != nil:
		return s.broken("MAIL within a transaction")
	case s.TLSOnly && !s.tls:
		return s.answer(line, "530 5.7.0 say STARTTLS first")
	case !s.answer(line, "250 2.1.0 sender OK"):
		return false
	case !s.ended:
		s.mail = &Mail{From: strings.TrimPrefix(line, "MAIL FROM:"), TLS: s.tls}
	}
	return true
}

func (s *session) rcpt(line string) bool {
	if s.mail == nil {
		return s.answer(line, "503 5.5.1 MAIL first")
	}
	if !s.answer(line, "250 2.1.5 recipient OK") {
		return false
	}
	if !s.ended {
		s.mail.Rcpts = append(s.mail.Rcpts, strings.TrimPrefix(line, "RCPT TO:"))
	}
	return true
}

func (s *session) data() bool {
	if s.mail == nil || len(s.mail.Rcpts) == 0 {
		return s.answer("DATA", "503 5.5.1 no recipients")
	}
	if !s.answer("DATA", "354 go on") {
		return false
	}
	if s.ended {
		return true
	}
	var text strings.Builder
	for {
		line, err := s.in.ReadString('\n')
		switch {
		case err != nil:
			return false
		case !strings.HasSuffix(line, "\r\n"):
			return s.broken("a line of a message ends with LF")
		case line == ".\r\n":
			s.mail.Data = text.String()
			return s.end()
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
}

func (s *session) bdat(line string) bool {
	words := strings.Fields(line)
	n, err := strconv.Atoi(words[1])
	if err != nil {
		return s.broken("BDAT of no size")
	}
	piece := make([]byte, n)
	if _, err := io.ReadFull(s.in, piece); err != nil {
		return false
	}
	if s.mail == nil || len(s.mail.Rcpts) == 0 {
		return s.answer(line, "503 5.5.1 no recipients")
	}
	s.mail.Data += string(piece)
	s.mail.BDAT = true
	if len(words) == 3 {
		return s.end()
	}
	return s.answer(line, fmt.Sprintf("250 2.0.0 %d octets", n))
}

func (s *session) end() bool {
	m := *s.mail
	s.mail = nil
	said := ""
	if s.Say != nil {
		said = s.Say(".")
	}
	if said == "" || said[0] == '2' {
		s.mu.Lock()
		s.mails = append(s.mails, m)
		s.mu.Unlock()
	}
	return s.say(said, "250 2.0.0 taken")
}
