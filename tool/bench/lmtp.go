package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
)

// mailConn is a connection of an LMTP client (RFC 2033), or of an SMTP client.
type mailConn struct {
	net.Conn
	r      *bufio.Reader
	offer  string // the extensions offered, in capitals
	pipe   bool   // PIPELINING (RFC 2920)
	target *target
	out    []byte
}

// dialLMTP connects and says LHLO.
func dialLMTP(ctx context.Context, t *target) (*mailConn, error) {
	nc, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &mailConn{target: t}
	c.use(nc)
	if _, err = c.reply("220"); err == nil {
		err = c.hello("LHLO")
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

func (c *mailConn) use(nc net.Conn) { c.Conn, c.r = nc, bufio.NewReaderSize(nc, 4<<10) }

// hello says EHLO or LHLO and notes what is offered.
func (c *mailConn) hello(verb string) error {
	if err := c.send(verb + " bench.example.net\r\n"); err != nil {
		return err
	}
	offer, err := c.reply("250")
	c.offer = strings.ToUpper(offer)
	c.pipe = strings.Contains(c.offer, "PIPELINING")
	return err
}

func (c *mailConn) send(s string) error {
	_, err := c.Write([]byte(s))
	return err
}

// reply reads one reply, of several lines perhaps, which must begin with want.
func (c *mailConn) reply(want string) (string, error) {
	var all strings.Builder
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return "", fmt.Errorf("%s: reading a reply: %w", c.target.name, err)
		}
		if len(line) < 4 || !bytes.HasPrefix(line, []byte(want)) {
			return "", fmt.Errorf("%s: reply %q, want %s", c.target.name, bytes.TrimSpace(line), want)
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

// deliver hands over one message, in pieces whose lines need no stuffing, and
// returns when the server has taken it.
func (c *mailConn) deliver(sender, recipient string, text ...[]byte) error {
	c.out = append(append(append(c.out[:0], "MAIL FROM:<"...), sender...), ">\r\n"...)
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
	body := append(net.Buffers(text), endOfData)
	if _, err := body.WriteTo(c.Conn); err != nil {
		return err
	}
	_, err := c.reply("250")
	return err
}

var endOfData = []byte(".\r\n")

// exchange sends what is in out and reads the replies.
func (c *mailConn) exchange(wants ...string) error {
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
func (c *mailConn) quit() {
	if c.send("QUIT\r\n") == nil {
		_, _ = c.reply("221")
	}
	c.Close()
}
