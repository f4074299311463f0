package client

import "citron/wire/smtp"

// greeting waits for 220. With 554 a host says that it takes no mail (RFC 5321
// §3.1).
func (c *Conn) greeting() error {
	const op = "greeting"
	c.readWithin(c.opt.Timeouts.Greeting)
	r, err := c.receive()
	switch {
	case err != nil:
		return c.fail(op, err)
	case r.Code == 220:
		return nil
	case r.Code == 421:
		c.broken = refused(op, r)
		return c.broken
	case r.Code < 400:
		return c.fail(op, ErrProtocol)
	}
	return refused(op, r)
}

// hello says EHLO, and HELO to a host that does not know it (RFC 5321 §3.2).
func (c *Conn) hello() error {
	c.offer = smtp.Offer{}
	r, err := c.command("EHLO", c.opt.Timeouts.Hello, "EHLO "+c.opt.Hello+"\r\n")
	if err != nil {
		return err
	}
	if r.OK() {
		c.offer = smtp.ParseOffer(r)
		return nil
	}
	if r.Code/100 != 5 {
		return refused("EHLO", r)
	}
	r, err = c.command("HELO", c.opt.Timeouts.Hello, "HELO "+c.opt.Hello+"\r\n")
	switch {
	case err != nil:
		return err
	case !r.OK():
		return refused("HELO", r)
	}
	c.offer = smtp.ParseOffer(smtp.Response{Code: r.Code, Lines: r.Lines[:1]})
	return nil
}
