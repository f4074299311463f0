package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"

	"citron/wire/imap"
)

// client is an IMAP client of the tests. Its errors are those of a connection
// that broke, or a NO or BAD.
type client struct {
	net.Conn
	r   *imap.ResponseReader
	tag int
}

// unexpected is a NO or BAD where none was due.
type unexpected struct{ text string }

func (u *unexpected) Error() string { return u.text }

func dialClient(addr, user, password string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{Conn: conn, r: imap.NewResponseReader(conn)}
	if _, err = c.r.Next(); err == nil {
		_, err = c.do(&imap.Login{User: user, Password: password})
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// do gives the code of the tagged OK; each sees every other response.
func (c *client) do(cmd imap.Command, each ...func(imap.Response)) (imap.Code, error) {
	c.tag++
	tag := fmt.Sprint("t", c.tag)
	line, _ := imap.AppendCommand(nil, tag, cmd, false)
	if _, err := c.Write(line); err != nil {
		return nil, err
	}
	var copied imap.Code // COPYUID of a MOVE comes untagged (RFC 6851 §4.3)
	for {
		r, err := c.r.Next()
		if err != nil {
			return nil, err
		}
		status, ok := r.(*imap.StatusResponse)
		switch {
		case ok && status.Tag == tag && status.Kind != imap.OK:
			return nil, &unexpected{fmt.Sprintf("%s: %s", strings.TrimSpace(string(line[:min(len(line), 80)])), status.Text)}
		case ok && status.Tag == tag && copied != nil:
			return copied, nil
		case ok && status.Tag == tag:
			return status.Code, nil
		case ok && status.Code != nil && status.Code.CodeName() == "COPYUID":
			copied = status.Code
		}
		for _, fn := range each {
			fn(r)
		}
	}
}

// raw sends a line and gives all that is answered, as it came.
func (c *client) raw(line string) (string, error) {
	c.tag++
	tag := fmt.Sprint("t", c.tag)
	if _, err := fmt.Fprintf(c, "%s %s\r\n", tag, line); err != nil {
		return "", err
	}
	r := bufio.NewReader(c) // nothing comes that was not asked for
	for all := ""; ; {
		text, err := r.ReadString('\n')
		all += text
		switch {
		case err != nil:
			return all, err
		case strings.HasPrefix(text, tag+" OK"):
			return all, nil
		case strings.HasPrefix(text, tag+" "):
			return all, &unexpected{line + ": " + text}
		}
	}
}

// mailer is an LMTP client.
type mailer struct {
	net.Conn
	r *bufio.Reader
}

func dialMailer(addr string) (*mailer, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	m := &mailer{conn, bufio.NewReader(conn)}
	if err = m.want("220"); err == nil {
		err = m.say("LHLO test.example.net\r\n", "250")
	}
	return m, err
}

// say sends and awaits a reply of each code.
func (m *mailer) say(text string, codes ...string) error {
	if _, err := m.Write([]byte(text)); err != nil {
		return err
	}
	for _, code := range codes {
		if err := m.want(code); err != nil {
			return err
		}
	}
	return nil
}

func (m *mailer) want(code string) error {
	for {
		line, err := m.r.ReadString('\n')
		switch {
		case err != nil:
			return err
		case !strings.HasPrefix(line, code):
			return &unexpected{"LMTP: " + line}
		case line[3] == ' ':
			return nil
		}
	}
}

// deliver returns when the server has taken the message, which has no line
// that begins with a dot.
func (m *mailer) deliver(to string, text []byte) error {
	if err := m.say("MAIL FROM:<sender@example.net>\r\nRCPT TO:<"+to+">\r\nDATA\r\n", "250", "250", "354"); err != nil {
		return err
	}
	return m.say(string(text)+".\r\n", "250")
}
