package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// imapConn is an IMAP client that finds the ends of responses and no more.
type imapConn struct {
	net.Conn
	r        *bufio.Reader
	target   *target
	tag      int
	caps     string // capabilities after login, in capitals, spaces around
	received int64  // bytes
	sent     int64
	packed   *packedConn // once it is compressed
}

// dialIMAP connects, takes TLS if asked for, and logs in.
func dialIMAP(ctx context.Context, t *target, mode, user, password string) (*imapConn, error) {
	c, err := connectIMAP(ctx, t, mode)
	if err != nil {
		return nil, err
	}
	if err := c.login(user, password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// connectIMAP goes as far as the state before login.
func connectIMAP(ctx context.Context, t *target, mode string) (*imapConn, error) {
	dial := t.dial
	if mode == "tls" {
		dial = t.dialTLS
	}
	nc, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &imapConn{target: t}
	c.use(nc)
	if _, err := c.line(); err != nil { // the greeting
		nc.Close()
		return nil, err
	}
	if mode != "starttls" {
		return c, nil
	}
	if err := c.do("STARTTLS"); err != nil {
		nc.Close()
		return nil, err
	}
	secured, err := t.startTLS(ctx, nc)
	if err != nil {
		return nil, err
	}
	c.use(secured)
	return c, nil
}

func (c *imapConn) use(nc net.Conn) {
	c.Conn = nc
	c.r = bufio.NewReaderSize(nc, 64<<10)
}

func (c *imapConn) login(user, password string) error {
	if err := c.do("LOGIN %s %s", quote(user), quote(password)); err != nil {
		return err
	}
	return c.each(func(line []byte) {
		if rest, ok := bytes.CutPrefix(line, []byte("* CAPABILITY ")); ok {
			c.caps = " " + strings.ToUpper(string(bytes.TrimSpace(rest))) + " "
		}
	}, "CAPABILITY")
}

// can says whether the server announced a capability.
func (c *imapConn) can(capability string) bool {
	return strings.Contains(c.caps, " "+capability+" ")
}

// quote writes an argument as a quoted string (RFC 9051 §4.3).
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// do sends a command and waits for its OK.
func (c *imapConn) do(format string, args ...any) error { return c.each(nil, format, args...) }

// each sends a command, hands each untagged line to fn, its literals left out,
// and waits for the OK.
func (c *imapConn) each(fn func(line []byte), format string, args ...any) error {
	tag, err := c.start(format, args...)
	if err != nil {
		return err
	}
	return c.finish(tag, fn)
}

// start sends a command and gives its tag.
func (c *imapConn) start(format string, args ...any) (string, error) {
	c.tag++
	tag := "b" + strconv.Itoa(c.tag)
	return tag, c.write(fmt.Appendf(nil, tag+" "+format+"\r\n", args...))
}

func (c *imapConn) write(p []byte) error {
	n, err := c.Write(p)
	c.sent += int64(n)
	return err
}

// finish reads up to the tagged response.
func (c *imapConn) finish(tag string, fn func(line []byte)) error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		rest, tagged := bytes.CutPrefix(line, []byte(tag+" "))
		switch {
		case tagged && bytes.HasPrefix(rest, []byte("OK")):
			if fn != nil {
				fn(line)
			}
			return nil
		case tagged:
			return fmt.Errorf("%s answers: %s", c.target.name, bytes.TrimSpace(rest))
		case fn != nil:
			fn(line)
		}
	}
}

// line reads one response and gives its first piece, up to the first literal
// or what the buffer holds; the rest is read over. It is valid until the next.
func (c *imapConn) line() ([]byte, error) {
	line, more, err := c.piece()
	if err != nil || !more {
		return line, err
	}
	first := bytes.Clone(line) // reading on overwrites it
	for more {
		if _, more, err = c.piece(); err != nil {
			return nil, err
		}
	}
	return first, nil
}

// piece reads to the end of a line, or of the buffer, and the literal that the
// line announces.
func (c *imapConn) piece() (line []byte, more bool, err error) {
	line, err = c.r.ReadSlice('\n')
	c.received += int64(len(line))
	if errors.Is(err, bufio.ErrBufferFull) {
		return line, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: reading a response: %w", c.target.name, err)
	}
	size, ok := literal(line)
	if !ok {
		return line, false, nil
	}
	first := bytes.Clone(line)
	n, err := c.r.Discard(size)
	c.received += int64(n)
	return first, true, err
}

// literal gives the size that the end of a line announces: {n} and CRLF.
func literal(line []byte) (size int, ok bool) {
	line, ok = bytes.CutSuffix(line, []byte("}\r\n"))
	if !ok {
		return 0, false
	}
	open := bytes.LastIndexByte(line, '{')
	if open < 0 {
		return 0, false
	}
	size, err := strconv.Atoi(string(line[open+1:]))
	return size, err == nil && size >= 0
}

// appendMessages appends messages in one command where the server has
// MULTIAPPEND (RFC 3502), in one each otherwise. flags go with each.
func (c *imapConn) appendMessages(mailbox, flags string, texts ...[]byte) error {
	if len(texts) > 1 && !c.can("MULTIAPPEND") {
		for _, text := range texts {
			if err := c.appendMessages(mailbox, flags, text); err != nil {
				return err
			}
		}
		return nil
	}
	c.tag++
	tag := "b" + strconv.Itoa(c.tag)
	plus := ""
	if c.can("LITERAL+") {
		plus = "+"
	}
	head := fmt.Appendf(nil, "%s APPEND %s", tag, quote(mailbox))
	for _, text := range texts {
		head = fmt.Appendf(head, " (%s) {%d%s}\r\n", flags, len(text), plus)
		if plus == "" {
			if err := c.write(head); err != nil {
				return err
			}
			if line, err := c.line(); err != nil || line[0] != '+' {
				return fmt.Errorf("%s: no continuation for a literal: %q, %w", c.target.name, line, err)
			}
			head = head[:0]
		}
		buffers := net.Buffers{head, text}
		n, err := buffers.WriteTo(c.Conn)
		c.sent += n
		if err != nil {
			return err
		}
		head = nil
	}
	if err := c.write([]byte("\r\n")); err != nil {
		return err
	}
	return c.finish(tag, nil)
}

// status gives one number of STATUS.
func (c *imapConn) status(mailbox, item string) (n uint64, err error) {
	err = c.each(func(line []byte) {
		if bytes.HasPrefix(line, []byte("* STATUS ")) {
			n = numberAfter(line, item+" ")
		}
	}, "STATUS %s (%s)", quote(mailbox), item)
	return n, err
}

// numberAfter reads the number that follows the last place of a text; 0 if
// there is none.
func numberAfter(line []byte, text string) uint64 {
	i := bytes.LastIndex(line, []byte(text))
	if i < 0 {
		return 0
	}
	n := uint64(0)
	for _, digit := range line[i+len(text):] {
		if digit < '0' || digit > '9' {
			break
		}
		n = n*10 + uint64(digit-'0')
	}
	return n
}

// logout ends the session in good order.
func (c *imapConn) logout() {
	_ = c.do("LOGOUT")
	c.Close()
}
