package client

import (
	"time"

	"citron/wire/smtp"
)

// step is a command and how long its answer may take.
type step struct {
	op      string
	line    []byte
	timeout time.Duration
}

// command sends one command and gives its answer. The error is what broke the
// connection.
func (c *Conn) command(op string, timeout time.Duration, line string) (smtp.Response, error) {
	var answer smtp.Response
	err := c.perform([]step{{op, []byte(line), timeout}}, false, func(_ int, r smtp.Response) bool {
		answer = r
		return true
	})
	return answer, err
}

// perform sends commands and gives their answers to handle, by their number.
// Without pipelining each waits for the answer to the one before, and none is
// sent after handle has said no. With it all are sent, and answers are read
// while they are (RFC 2920 §3.1), so that a host that answers before it reads
// on is no trouble.
func (c *Conn) perform(steps []step, pipelined bool, handle func(i int, r smtp.Response) bool) error {
	if c.broken != nil {
		return c.broken
	}
	if pipelined {
		if err := c.nothingMore(steps[0].op); err != nil {
			return err
		}
		return c.pipeline(steps, handle)
	}
	for i, s := range steps {
		if err := c.nothingMore(s.op); err != nil {
			return err
		}
		if err := c.write(s.line, s.timeout, nil); err != nil {
			return c.lost(s, err)
		}
		r, err := c.answer(s)
		if r.Code != 0 && !handle(i, r) || err != nil {
			return err
		}
	}
	return nil
}

// nothingMore says that no answer is left over: one would be taken for that to
// the next command.
func (c *Conn) nothingMore(op string) error {
	if len(c.in) > 0 {
		return c.fail(op, ErrProtocol)
	}
	return nil
}

func (c *Conn) pipeline(steps []step, handle func(i int, r smtp.Response) bool) error {
	var group []byte
	for _, s := range steps {
		group = append(group, s.line...)
	}
	written, stop := make(chan error, 1), make(chan struct{})
	go func() { written <- c.write(group, steps[0].timeout, stop) }()
	for i, s := range steps {
		r, err := c.answer(s)
		if r.Code != 0 {
			handle(i, r)
		}
		if err != nil {
			close(stop)
			c.interrupt()
			<-written
			return err
		}
	}
	if err := <-written; err != nil {
		return c.fail(steps[0].op, err)
	}
	return nil
}

// answer waits for the answer to a step. A 421 comes with an error, because the
// host closes then (RFC 5321 §3.8).
func (c *Conn) answer(s step) (smtp.Response, error) {
	c.readWithin(s.timeout)
	r, err := c.receive()
	if err != nil {
		return smtp.Response{}, c.fail(s.op, err)
	}
	if r.Code == 421 {
		c.broken = refused(s.op, r)
	}
	return r, c.broken
}

// lost is called when a command could not be written: perhaps the host said
// why before it closed.
func (c *Conn) lost(s step, err error) error {
	c.readWithin(c.opt.Timeouts.Quit)
	if r, readErr := c.receive(); readErr == nil && !r.OK() {
		c.broken = &Error{Op: s.op, Reply: replyOf(r)}
		return c.broken
	}
	return c.fail(s.op, err)
}

// fail notes that the connection is of no use any more, and why.
func (c *Conn) fail(op string, err error) error {
	c.broken = &Error{Op: op, Reply: lostBy(err), Err: err}
	return c.broken
}

// refused is a host's answer that ends a conversation in good order.
func refused(op string, r smtp.Response) error { return &Error{Op: op, Reply: replyOf(r)} }
