package smtptest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"

	"citron/wire/smtp"
)

// session is one connection.
type session struct {
	server *Server
	number int
	nc     net.Conn
	in     *bufio.Reader
	exts   []*smtp.Extension

	greeted  bool // EHLO or HELO was said
	extended bool // it was EHLO
	tls      bool
	user     string
	over     bool

	m      *Message // of the transaction; nil outside
	chunks bool     // BDAT was said in it
	failed bool     // a BDAT failed: only RSET helps
}

var (
	replyOK      = smtp.NewReply(250, 2, 0, 0, "OK")
	replyOrder   = smtp.NewReply(503, 5, 5, 1, "bad sequence of commands")
	replyUnknown = smtp.NewReply(500, 5, 5, 1, "unknown command")
	replySyntax  = smtp.NewReply(501, 5, 5, 4, "syntax error")
	replyNoRcpt  = smtp.NewReply(554, 5, 5, 0, "no valid recipients")
	replyNeedTLS = smtp.NewReply(530, 5, 7, 0, "must issue a STARTTLS command first")
	replyLogin   = smtp.NewReply(530, 5, 7, 0, "authentication required")
	replyContent = smtp.NewReply(554, 5, 6, 0, "content is not what BODY said")
	replyLarge   = smtp.NewReply(552, 5, 3, 4, "message is too large")
)

// verbs of a server; the answer is the handler's.
var verbs = map[string]func(c *session, args string) smtp.Reply{
	"EHLO":     (*session).ehlo,
	"HELO":     (*session).helo,
	"STARTTLS": (*session).startTLS,
	"AUTH":     (*session).auth,
	"MAIL":     (*session).mail,
	"RCPT":     (*session).rcpt,
	"DATA":     (*session).data,
	"BDAT":     (*session).bdat,
	"RSET":     (*session).rset,
	"NOOP":     func(*session, string) smtp.Reply { return replyOK },
	"QUIT":     (*session).quit,
}

// alone are the verbs that must be the last of a group (RFC 2920 §3.1, RFC 3207
// §4, RFC 4954 §4).
var alone = []string{"EHLO", "HELO", "STARTTLS", "AUTH", "DATA", "NOOP", "QUIT"}

func (c *session) serve() {
	c.in = bufio.NewReader(c.nc)
	greeting := smtp.Reply{Code: 220, Text: c.server.opt.Hostname + " ESMTP"}
	if own := c.instead("greeting", ""); own.Code != 0 {
		greeting = own
	}
	if c.in.Buffered() > 0 {
		c.fault("spoke before the greeting")
	}
	c.reply(greeting)
	for !c.over {
		line, ok := c.line(smtp.MaxLine)
		if !ok {
			return
		}
		c.command(line)
	}
}

func (c *session) command(line string) {
	command := smtp.ParseCommand([]byte(line))
	verb, args := string(command.Verb()), string(command.Args)
	if c.in.Buffered() > 0 && verb != "BDAT" && (!c.offers(&smtp.Pipelining) || slices.Contains(alone, verb)) {
		c.fault("%s with more behind it", verb)
	}
	if c.m != nil && slices.Contains([]string{"RCPT", "DATA", "BDAT"}, verb) {
		c.m.Commands = append(c.m.Commands, line)
	}
	if verb != "BDAT" { // which asks when it has read the chunk
		if r := c.instead(verb, args); r.Code != 0 {
			c.reply(r)
			return
		}
	}
	handle, known := verbs[verb]
	if !known {
		c.fault("unknown command %q", line)
		c.reply(replyUnknown)
		return
	}
	if r := handle(c, args); r.Code != 0 {
		c.reply(r)
	}
}

// line reads one line, which ends with CRLF and has neither elsewhere.
func (c *session) line(limit int) (string, bool) {
	var line []byte
	for {
		piece, err := c.in.ReadSlice('\n')
		line = append(line, piece...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) || len(line) > limit {
			if len(line) > 0 {
				c.fault("ended in the midst of a line: %q", line)
			}
			return "", false
		}
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || strings.ContainsAny(text, "\r\x00") || len(line) > limit {
		c.fault("malformed line %.100q", line)
	}
	return text, true
}

func (c *session) reply(r smtp.Reply) {
	if !c.extended || !c.offers(&smtp.EnhancedStatusCodes) {
		r.Status = smtp.Status{}
	}
	c.nc.Write(r.Append(nil))
	c.over = c.over || r.Code == 421
}

// wrong notes a fault and refuses.
func (c *session) wrong(r smtp.Reply, format string, args ...any) smtp.Reply {
	c.fault(format, args...)
	return r
}

func (c *session) fault(format string, args ...any) { c.server.fault(c.number, format, args...) }

// instead asks the test for an answer.
func (c *session) instead(verb, args string) smtp.Reply {
	if c.server.opt.Answer == nil {
		return smtp.Reply{}
	}
	return c.server.opt.Answer(c.number, verb, args)
}

func (c *session) offers(e *smtp.Extension) bool { return c.extended && slices.Contains(c.exts, e) }

func (c *session) ehlo(args string) smtp.Reply {
	if args == "" {
		return c.wrong(replySyntax, "EHLO without a name")
	}
	c.greeted, c.extended, c.m, c.failed = true, true, nil, false
	lines := []string{c.server.opt.Hostname}
	for _, e := range c.exts {
		lines = append(lines, c.keyword(e))
	}
	if c.canTLS() {
		lines = append(lines, "STARTTLS")
	}
	if m := c.mechanisms(); len(m) > 0 {
		lines = append(lines, "AUTH "+strings.Join(m, " "))
	}
	c.nc.Write(smtp.AppendLines(nil, 250, lines...))
	return smtp.Reply{}
}

func (c *session) keyword(e *smtp.Extension) string {
	if args := c.server.opt.Args[e.Keyword]; args != "" {
		return e.Keyword + " " + args
	}
	return e.Keyword
}

func (c *session) helo(args string) smtp.Reply {
	if args == "" {
		return c.wrong(replySyntax, "HELO without a name")
	}
	c.greeted, c.extended, c.m, c.failed = true, false, nil, false
	return smtp.Reply{Code: 250, Text: c.server.opt.Hostname}
}

func (c *session) canTLS() bool { return c.server.opt.TLS != nil && !c.tls }

// startTLS forgets everything that was said before (RFC 3207 §4.2).
func (c *session) startTLS(args string) smtp.Reply {
	if !c.extended || !c.canTLS() || args != "" || c.m != nil {
		return c.wrong(replyOrder, "STARTTLS out of order")
	}
	c.reply(smtp.NewReply(220, 2, 0, 0, "go ahead"))
	tc := tls.Server(c.nc, c.server.opt.TLS)
	if err := tc.Handshake(); err != nil {
		c.over = true
		return smtp.Reply{}
	}
	c.nc, c.in, c.tls = tc, bufio.NewReader(tc), true
	c.greeted, c.extended, c.user = false, false, ""
	return smtp.Reply{}
}

func (c *session) rset(args string) smtp.Reply {
	if args != "" {
		return c.wrong(replySyntax, "RSET with arguments")
	}
	c.m, c.failed = nil, false
	return replyOK
}

func (c *session) quit(string) smtp.Reply {
	c.over = true
	return smtp.NewReply(221, 2, 0, 0, "bye")
}
