package smtptest

import (
	"bytes"
	"io"
	"math"
	"strconv"

	"citron/wire/smtp"
)

// syntax knows the parameters of what is offered, and no other.
func (c *session) syntax() *smtp.Syntax {
	if !c.extended {
		return smtp.NewSyntax()
	}
	offered := c.exts
	if len(c.mechanisms()) > 0 || c.user != "" {
		offered = append(offered[:len(offered):len(offered)], &smtp.Authentication)
	}
	return smtp.NewSyntax(offered...)
}

func (c *session) mail(args string) smtp.Reply {
	switch {
	case !c.greeted, c.m != nil:
		return c.wrong(replyOrder, "MAIL out of order")
	case c.server.opt.NeedTLS && !c.tls:
		return replyNeedTLS
	case len(c.server.opt.Users) > 0 && c.user == "":
		return replyLogin
	}
	m, err := c.syntax().ParseMail([]byte(args))
	switch {
	case err != nil:
		return c.wrong(err.(smtp.Reply), "MAIL %s: %v", args, err)
	case m.Body == smtp.BodyBinary && !c.offers(&smtp.BinaryMIME):
		return c.wrong(replySyntax, "BINARYMIME is not offered")
	case m.RequireTLS && !c.tls:
		return c.wrong(replyOrder, "REQUIRETLS without TLS")
	case m.Size > c.limit():
		return replyLarge
	}
	c.chunks = false
	c.m = &Message{Session: c.number, TLS: c.tls, User: c.user, Mail: m, Commands: []string{"MAIL " + args}}
	return replyOK
}

// limit is that of SIZE.
func (c *session) limit() int64 {
	limit, err := strconv.ParseInt(c.server.opt.Args[smtp.Size.Keyword], 10, 64)
	if err != nil || limit == 0 {
		return math.MaxInt64
	}
	return limit
}

func (c *session) rcpt(args string) smtp.Reply {
	switch {
	case c.m == nil && c.offers(&smtp.Pipelining): // MAIL was refused, and this was on its way
		return replyOrder
	case c.m == nil, c.chunks:
		return c.wrong(replyOrder, "RCPT out of order")
	}
	r, err := c.syntax().ParseRcpt([]byte(args), c.m.Mail.UTF8)
	if err != nil {
		return c.wrong(err.(smtp.Reply), "RCPT %s: %v", args, err)
	}
	c.m.Rcpts = append(c.m.Rcpts, r)
	return replyOK
}

// data reads up to CRLF "." CRLF. A DATA for nobody is no fault: who pipelines
// cannot know.
func (c *session) data(args string) smtp.Reply {
	switch {
	case c.m == nil && c.offers(&smtp.Pipelining):
		return replyOrder
	case c.m == nil, c.chunks, args != "", c.m.Mail.Body == smtp.BodyBinary: // RFC 3030 §3
		return c.wrong(replyOrder, "DATA out of order")
	case len(c.m.Rcpts) == 0:
		return replyNoRcpt
	}
	c.reply(smtp.Reply{Code: 354, Text: "go ahead"})
	if c.over = !c.text(); c.over {
		return smtp.Reply{}
	}
	if bareEnd(c.m.Data) {
		return c.wrong(replyContent, "a bare CR or LF in DATA")
	}
	return c.end()
}

// text reads what DATA sends; false if the connection ends first.
func (c *session) text() bool {
	var dots smtp.DotDecoder
	for {
		if _, err := c.in.Peek(1); err != nil {
			c.fault("ended in the midst of DATA")
			return false
		}
		waiting, _ := c.in.Peek(c.in.Buffered())
		piece, n, done := dots.Next(waiting)
		c.m.Data = append(c.m.Data, piece...)
		c.in.Discard(n)
		if done {
			return true
		}
	}
}

// bareEnd looks for a CR or LF alone.
func bareEnd(p []byte) bool {
	crlf := bytes.Count(p, []byte("\r\n"))
	return bytes.Count(p, []byte("\r")) != crlf || bytes.Count(p, []byte("\n")) != crlf
}

// bdat reads a chunk, whatever becomes of it (RFC 3030 §2).
func (c *session) bdat(args string) smtp.Reply {
	chunk, err := smtp.ParseChunk([]byte(args))
	if err != nil {
		c.over = true
		return c.wrong(smtp.ErrChunk, "BDAT %s", args)
	}
	piece, err := io.ReadAll(io.LimitReader(c.in, chunk.Size))
	if int64(len(piece)) < chunk.Size || err != nil {
		c.fault("ended in the midst of a chunk")
		c.over = true
		return smtp.Reply{}
	}
	switch {
	case !c.offers(&smtp.Chunking):
		return c.wrong(replyUnknown, "CHUNKING is not offered")
	case c.failed && c.offers(&smtp.Pipelining):
		return replyOrder // it may have been on its way
	case c.failed, c.m == nil:
		return c.wrong(replyOrder, "BDAT out of order")
	case len(c.m.Rcpts) == 0:
		return replyNoRcpt
	}
	c.chunks = true
	c.m.Data = append(c.m.Data, piece...)
	if r := c.instead("BDAT", args); r.Code != 0 {
		c.failed = r.Code >= 400
		return r
	}
	if int64(len(c.m.Data)) > c.limit() {
		c.failed = true
		return replyLarge
	}
	if !chunk.Last {
		return replyOK
	}
	if c.m.Mail.Body != smtp.BodyBinary && bareEnd(c.m.Data) {
		c.fault("a bare CR or LF, and no BINARYMIME")
	}
	return c.end()
}

// end accepts the message.
func (c *session) end() smtp.Reply {
	m := c.m
	c.m = nil
	if m.Mail.Body == smtp.Body7Bit && !m.Mail.UTF8 && bytes.ContainsFunc(m.Data, func(r rune) bool { return r >= 0x80 }) {
		return c.wrong(replyContent, "8-bit content with BODY=7BIT")
	}
	if int64(len(m.Data)) > c.limit() {
		return replyLarge
	}
	if m.Mail.Size > 0 && m.Mail.Size != int64(len(m.Data)) {
		c.fault("SIZE=%d, and %d octets came", m.Mail.Size, len(m.Data))
	}
	if r := c.instead(".", ""); r.Code != 0 {
		return r
	}
	c.server.accept(*m)
	return smtp.NewReply(250, 2, 6, 0, strconv.Itoa(len(m.Data))+" octets received")
}
