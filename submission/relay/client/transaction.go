package client

import (
	"context"

	"citron/wire/smtp"
)

// transaction is a Message on its way. A recipient has its verdict when its
// Reply has a Status.
type transaction struct {
	*Conn
	*Message
	replies  []Reply
	accepted []int // indices of recipients the host took, in order
	tried    []int // indices of recipients that RCPT was said for
	mailOK   bool
	started  *smtp.Response // the answer to DATA, nil if that was not said
}

// run leaves no recipient without a verdict.
func (t *transaction) run(ctx context.Context) error {
	if t.broken != nil {
		t.rest(lostBy(t.broken))
		return t.broken
	}
	mail, no := t.adapt(t.Message)
	if no != nil {
		t.rest(*no)
		return nil
	}
	if t.dirty {
		if err := t.reset(); err != nil {
			t.rest(lostBy(err))
			return err
		}
	}
	t.choose(mail.UTF8)
	if len(t.tried) == 0 {
		t.rest(replyLater)
		return nil
	}
	t.dirty = true
	t.mails++
	err := t.envelope(mail)
	if err == nil {
		err = t.content(ctx)
	}
	if err != nil {
		t.rest(lostBy(err))
	}
	return err
}

// rest gives a verdict to those that have none.
func (t *transaction) rest(r Reply) {
	for i := range t.replies {
		if t.replies[i].Status == (smtp.Status{}) {
			t.replies[i] = r
		}
	}
}

// settle gives one to those that the host accepted.
func (t *transaction) settle(r Reply) {
	for _, i := range t.accepted {
		t.replies[i] = r
	}
}

// choose decides which recipients are tried now.
func (t *transaction) choose(utf8 bool) {
	limit := t.MaxRcpts()
	for i, r := range t.Rcpts {
		switch {
		case !utf8 && !r.To.ASCII():
			t.replies[i] = replyNoUTF8
		case len(t.tried) == limit || !t.countDomain(r.To):
			t.replies[i] = replyLater
		default:
			t.tried = append(t.tried, i)
		}
	}
}

// byChunks says that the message goes by BDAT.
func (t *transaction) byChunks() bool { return t.offer.Has(&smtp.Chunking) }

// envelope says MAIL and RCPT, and DATA with them where commands may be
// pipelined.
func (t *transaction) envelope(mail smtp.Mail) error {
	times := &t.opt.Timeouts
	steps := []step{{"MAIL", smtp.AppendMail(nil, mail), times.Mail}}
	for _, i := range t.tried {
		steps = append(steps, step{"RCPT", smtp.AppendRcpt(nil, t.adaptRcpt(t.Rcpts[i]), mail.UTF8), times.Rcpt})
	}
	pipelined := t.offer.Has(&smtp.Pipelining)
	if pipelined && !t.byChunks() {
		steps = append(steps, step{"DATA", []byte("DATA\r\n"), times.Data})
	}
	return t.perform(steps, pipelined, func(i int, r smtp.Response) bool {
		switch {
		case i == 0:
			t.onMail(r)
			return t.mailOK
		case i > len(t.tried):
			t.started = &r
		default:
			t.onRcpt(t.tried[i-1], r)
		}
		return true
	})
}

func (t *transaction) onMail(r smtp.Response) {
	if t.mailOK = r.OK(); !t.mailOK {
		t.rest(replyOf(r))
	}
}

// onRcpt notes an answer to RCPT, if MAIL's was positive. 552 is what some say
// for "too many recipients" and then means 452 (RFC 5321 §4.5.3.1.10): where
// some were accepted before, and the enhanced code does not speak of something
// else.
func (t *transaction) onRcpt(i int, r smtp.Response) {
	switch {
	case !t.mailOK:
	case r.OK():
		t.accepted = append(t.accepted, i)
	case r.Code == 552 && len(t.accepted) > 0 && (r.Status.Subject == 0 || r.Status.Subject == 5):
		reply := replyOf(r)
		reply.Status = smtp.Status{Class: 4, Subject: 5, Detail: 3}
		t.replies[i] = reply
	default:
		t.replies[i] = replyOf(r)
	}
}

// content sends the message, if anybody is to get it.
func (t *transaction) content(ctx context.Context) error {
	switch {
	case !t.mailOK && t.started != nil && t.started.Code == 354:
		return t.fail("DATA", ErrProtocol) // a message of nobody's
	case !t.mailOK, len(t.accepted) == 0 && t.started == nil:
		return nil
	case t.byChunks():
		if err := t.nothingMore("BDAT"); err != nil {
			return err
		}
		return t.chunks(ctx)
	case t.started == nil:
		r, err := t.command("DATA", t.opt.Timeouts.Data, "DATA\r\n")
		if err != nil {
			return err
		}
		t.started = &r
	}
	return t.data(ctx)
}
