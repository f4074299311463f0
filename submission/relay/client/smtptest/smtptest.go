// Package smtptest is a strict SMTP server for tests of what sends mail: it
// keeps to RFC 5321, RFC 2920 (PIPELINING), RFC 3030 (CHUNKING, BINARYMIME), RFC
// 3207 (STARTTLS) and RFC 4954 (AUTH) to the letter, refuses whatever comes out
// of order, and remembers each message octet by octet.
//
//	s, err := smtptest.Listen(smtptest.Options{})
//	defer s.Close()
//	… send to s.Addr() …
//	s.Messages(), s.Faults()
//
// A client that does something it must not do is answered with a refusal and
// also noted in Faults: a test that ends with faults has found a bug, even if
// the mail arrived.
package smtptest

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync"

	"citron/wire/smtp"
)

// Options says what the server offers and how it answers.
type Options struct {
	// Hostname is what it calls itself; empty: mx.example.com.
	Hostname string
	// Extensions are announced; nil: Everything. STARTTLS and AUTH come by
	// TLS and Users.
	Extensions []*smtp.Extension
	// Args are added to the keywords of EHLO, by keyword, as "SIZE": "1000".
	Args map[string]string
	// TLS, if not nil, is what STARTTLS offers.
	TLS *tls.Config
	// NeedTLS refuses mail without it.
	NeedTLS bool
	// Users may log in by PLAIN (within TLS) and SCRAM-SHA-256, with these
	// passwords; if there are any, mail needs a login.
	Users map[string]string
	// Answer, if not nil, may answer a command instead of the server: verb in
	// capitals (also "." for the end of a message, and "greeting"), args as
	// sent, and of which session, the first being 1. A Reply with Code 0 leaves
	// the answer to the server; a 421 closes the connection behind it.
	Answer func(session int, verb, args string) smtp.Reply
}

// Everything is what a server offers if Options does not say.
var Everything = []*smtp.Extension{
	&smtp.Pipelining, &smtp.EnhancedStatusCodes, &smtp.EightBitMIME, &smtp.UTF8, &smtp.Size, &smtp.Chunking,
	&smtp.BinaryMIME, &smtp.DSN, &smtp.Deadline, &smtp.MTPriority,
}

// Message is one that was accepted.
type Message struct {
	Session int // of which connection, the first being 1
	TLS     bool
	User    string // who logged in
	Mail    smtp.Mail
	Rcpts   []smtp.Rcpt // those accepted
	// Commands are the lines of the transaction, without their ends: MAIL,
	// RCPT, DATA and BDAT.
	Commands []string
	// Data is the message: octet by octet by BDAT; without its stuffing and
	// its end by DATA.
	Data []byte
}

// Server is a running server. Its methods may be called concurrently.
type Server struct {
	opt      Options
	listener net.Listener
	done     sync.WaitGroup

	mu       sync.Mutex
	sessions int
	conns    map[net.Conn]bool
	messages []Message
	faults   []string
}

// New makes a server that has no listener: for ServeConn.
func New(o Options) *Server {
	if o.Hostname == "" {
		o.Hostname = "mx.example.com"
	}
	if o.Extensions == nil {
		o.Extensions = Everything
	}
	return &Server{opt: o, conns: map[net.Conn]bool{}}
}

// Listen starts a server on a free port of the loopback address.
func Listen(o Options) (*Server, error) {
	s := New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.listener = l
	s.done.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			s.done.Go(func() { s.ServeConn(nc) })
		}
	})
	return s, nil
}

// Addr is where Listen's server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends the server and its connections.
func (s *Server) Close() {
	if s.listener != nil {
		s.listener.Close()
	}
	s.mu.Lock()
	for nc := range s.conns {
		nc.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// Messages lists what was accepted so far, in order.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Faults lists what clients did that they must not do.
func (s *Server) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.faults...)
}

// Sessions is how many connections there were.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// ServeConn serves one connection and closes it.
func (s *Server) ServeConn(nc net.Conn) {
	s.mu.Lock()
	s.sessions++
	c := &session{server: s, number: s.sessions, nc: nc, exts: s.opt.Extensions}
	s.conns[nc] = true
	s.mu.Unlock()
	c.serve()
	nc.Close()
	s.mu.Lock()
	delete(s.conns, nc)
	s.mu.Unlock()
}

func (s *Server) fault(session int, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Sprintf("session %d: ", session)+fmt.Sprintf(format, args...))
}

func (s *Server) accept(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
}
