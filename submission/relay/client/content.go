package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"citron/wire/smtp"
)

// ears listens for an answer while a message is still being sent, so that a
// host that says no in the midst of it is heard.
type ears struct {
	heard chan struct{} // closed when there is an answer, or an error
	no    chan struct{} // closed when there is no sense in writing on
	// ended is set right before the octets are sent that an answer may follow.
	ended atomic.Bool

	r     smtp.Response
	err   error
	early bool // it came before that
}

// listen waits for one answer. While it does nobody else may receive. What comes
// early ends the writing if no answer was due yet (onlyEnd), or if the host is
// gone; a chunk is sent to its end after a refusal of the one before, so that
// RSET finds the host.
func (c *Conn) listen(onlyEnd bool) *ears {
	e := &ears{heard: make(chan struct{}), no: make(chan struct{})}
	c.readWithin(0)
	go func() {
		e.r, e.err = c.receive()
		e.early = !e.ended.Load()
		if e.early && (onlyEnd || e.err != nil || e.r.Code == 421) {
			close(e.no)
			c.interrupt()
		}
		close(e.heard)
	}()
	return e
}

// errOurs marks what went wrong on our side, in the midst of a message.
var errOurs = errors.New("the message could not be sent to its end")

// handOver says that the end is about to be sent, unless the host has said no
// already (e is nil where none is listened to).
func (t *transaction) handOver(ctx context.Context, e *ears) error {
	if t.HandOver == nil {
		return nil
	}
	if e != nil {
		select {
		case <-e.no:
			return errStopped
		default:
		}
	}
	if err := t.HandOver(ctx, t.accepted); err != nil {
		return fmt.Errorf("%w: %w", errOurs, err)
	}
	return nil
}

// ending is called right before the last octets are sent. From here on only the
// timeouts of single waits count: who knows what a host makes of a message that
// is not waited for?
func (t *transaction) ending(e *ears) {
	t.endWithin(0)
	t.readWithin(0)
	e.ended.Store(true)
}

// pieces reads the message piece by piece, each valid until the next.
func (t *transaction) pieces(each func(p []byte) error) error {
	buf := make([]byte, min(blockSize, t.Size))
	for at := int64(0); at < t.Size; {
		p := buf[:min(int64(len(buf)), t.Size-at)]
		n, err := t.Body.ReadAt(p, at)
		if n < len(p) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("%w: %w", errOurs, err)
		}
		if err := each(p); err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}

// abandon gives a connection up in the midst of a message, because of err; if
// the host has said why it does not want more, that is the verdict.
func (t *transaction) abandon(op string, e *ears, err error) error {
	if errors.Is(err, errOurs) {
		t.nc.Close()
		<-e.heard
		t.settle(replyOurFault)
		t.broken = &Error{Op: op, Reply: replyOurFault, Err: err}
		return t.broken
	}
	t.readWithin(t.opt.Timeouts.Quit)
	<-e.heard
	if e.ended.Load() && !errors.Is(err, errStopped) {
		defer t.rest(replyUnclear) // the end may have gone out
	}
	switch {
	case e.err == nil:
		return t.interrupted(op, e.r)
	case !errors.Is(e.err, os.ErrDeadlineExceeded):
		err = e.err // which tells more than that of a write
	}
	return t.fail(op, err)
}

// interrupted takes an answer that came before the message had ended: a refusal
// is the verdict, anything else is nonsense. The connection is over, because
// host and client no longer agree where they are.
func (t *transaction) interrupted(op string, r smtp.Response) error {
	if r.Code < 400 {
		return t.fail(op, ErrProtocol)
	}
	t.settle(replyOf(r))
	t.broken = refused(op, r)
	return t.broken
}

// verdict waits for the answer to the whole message.
func (t *transaction) verdict(op string, e *ears) error {
	t.readWithin(t.opt.Timeouts.End)
	<-e.heard
	switch {
	case e.err != nil:
		t.settle(replyUnclear)
		return t.fail(op, e.err)
	case e.r.Code < 400 && (e.early || !e.r.OK()):
		t.settle(replyUnclear)
		return t.fail(op, ErrProtocol)
	case e.early:
		return t.interrupted(op, e.r)
	case e.r.Code == 421:
		t.broken = refused(op, e.r)
	}
	t.settle(replyOf(e.r))
	t.dirty = !e.r.OK()
	return t.broken
}
