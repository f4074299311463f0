package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
)

// lmtpConn is an LMTP client's connection (RFC 2033).
type lmtpConn struct {
	net.Conn
	r      *bufio.Reader
	pipe   bool // PIPELINING (RFC 2920)
	target *target
	out    []byte
}

// dialLMTP connects and says LHLO.
func dialLMTP(ctx context.Context, t *target) (*lmtpConn, error) {
	nc, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &lmtpConn{Conn: nc, r: bufio.NewReaderSize(nc, 4<<10), target: t}
	if _, err = c.reply("220"); err == nil {
		if err = c.send("LHLO bench.example.net\r\n"); err == nil {
			var offer string
			offer, err = c.reply("250")
			c.pipe = strings.Contains(strings.ToUpper(offer), "PIPELINING")
		}
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

func (c *lmtpConn) send(s string) error {
	_, err := c.Write([]byte(s))
	return err
}

// reply reads one reply, of several lines perhaps, which must begin with want.
func (c *lmtpConn) reply(want string) (string, error) {
	var all strings.Builder
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return "", fmt.Errorf("%s: reading an LMTP reply: %w", c.target.name, err)
		}
		if len(line) < 4 || !bytes.HasPrefix(line, []byte(want)) {
			return "", fmt.Errorf("%s: LMTP reply %q, want %s", c.target.name, bytes.TrimSpace(line), want)
		}
		if line[3] == ' ' && all.Len() == 0 {
			return "", nil // the usual case: nobody looks at the text
		}
		all.Write(line)
		if line[3] == ' ' {
			return all.String(), nil
		}
	}
}

// deliver hands over one message, whose lines need no stuffing, and returns
// when the server has taken it.
func (c *lmtpConn) deliver(recipient string, text []byte) error {
	c.out = append(c.out[:0], "MAIL FROM:<sender@example.net>\r\n"...)
	if !c.pipe {
		if err := c.exchange("250"); err != nil {
			return err
		}
	}
	c.out = append(append(append(c.out, "RCPT TO:<"...), recipient...), ">\r\n"...)
	if !c.pipe {
		if err := c.exchange("250"); err != nil {
			return err
		}
	}
	c.out = append(c.out, "DATA\r\n"...)
	wants := []string{"354"}
	if c.pipe {
		wants = []string{"250", "250", "354"}
	}
	if err := c.exchange(wants...); err != nil {
		return err
	}
	body := net.Buffers{text, endOfData}
	if _, err := body.WriteTo(c.Conn); err != nil {
		return err
	}
	_, err := c.reply("250")
	return err
}

var endOfData = []byte(".\r\n")

// exchange sends what is in out and reads the replies.
func (c *lmtpConn) exchange(wants ...string) error {
	if _, err := c.Write(c.out); err != nil {
		return err
	}
	c.out = c.out[:0]
	for _, want := range wants {
		if _, err := c.reply(want); err != nil {
			return err
		}
	}
	return nil
}

// quit ends the session in good order.
func (c *lmtpConn) quit() {
	if c.send("QUIT\r\n") == nil {
		_, _ = c.reply("221")
	}
	c.Close()
}
