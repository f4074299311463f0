package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"citron/store"
	"citron/submission"
	"citron/wire/smtp"
)

// Atomic send (docs/atomic-send.md): a draft is sent and filed in one step. The
// store first records the attempt, in the transaction that files the copy; what
// is recorded is sent, now or after a crash, and once: the queue takes a message
// of one origin once.

func offerAtomic(s *session) (param string, offered bool) { return "", s.user != nil }

// atomically says what is wrong with a BURL of an attempt: it is the whole
// message.
func (s *session) atomically(x *transaction, c smtp.URLChunk) {
	x.began = true
	switch {
	case x.failed != nil:
	case len(x.envelope.Rcpts) == 0:
		x.failed = replyNoRcpt
	case !c.Last:
		x.failed = replyAtomicWhole
	}
}

// send sends an attempt. One that is known gets the answer that it got, though its
// draft may be gone by now, or its sender over his limit: so the outbox is asked
// even then, but makes no new one of a draft that was refused, or that nobody has
// looked at.
func (s *Service) send(ctx context.Context, x *transaction, url string) (id string, err error) {
	refusal := s.validate(ctx, x, url)
	request := x.request(url)
	sent, err := s.record(s.ctx, request, len(x.envelope.Rcpts), x.envelope.Sender, refusal)
	if err != nil || sent.Queued != "" {
		return sent.Queued, err
	}
	id, err = s.finally(s.ctx, sent, x.id, x.facts)
	if errors.Is(err, store.ErrNoURL) { // another session, or Recover, was faster
		request.KnownOnly = true
		if sent, err = s.Outbox.Send(s.ctx, request); err == nil && sent.Queued == "" {
			err = submission.ErrTemporary
		}
		return sent.Queued, err
	}
	return id, err
}

// record asks the outbox for an attempt. What it may come to is counted before,
// so that attempts at the same time do not pass the limit together, and given back
// where it is no new mail.
func (s *Service) record(ctx context.Context, r store.SendRequest, rcpts int, sender string, refusal error) (store.Sent, error) {
	if refusal == nil {
		refusal = s.tooMuch(s.rates.take(r.Account, rcpts, s.Now()), sender)
	}
	r.KnownOnly = refusal != nil
	sent, err := s.Outbox.Send(ctx, r)
	if refusal == nil && (err != nil || sent.Repeated) {
		s.rates.giveBack(r.Account, rcpts)
	}
	if errors.Is(err, store.ErrNoURL) && refusal != nil {
		err = refusal
	}
	if err != nil {
		return store.Sent{}, err
	}
	return sent, nil
}

// validate mends the message into nothing: what is recorded is sure to be sent.
func (s *Service) validate(ctx context.Context, x *transaction, url string) error {
	filter := s.filter(x.envelope.Account, &x.envelope, io.Discard, x.id, x.facts)
	x.sink = filter
	if err := s.fetch(ctx, x, url); err != nil {
		return err
	}
	_, err := filter.Close()
	return err
}

// request is what the outbox is asked for. The envelope is what the client said,
// and nothing of the moment: by it a repeated attempt is known.
func (x *transaction) request(url string) store.SendRequest {
	e := x.envelope
	e.Received = time.Time{}
	return store.SendRequest{
		Account: e.Account, User: e.Sender, Attempt: e.Mail.Atomic.Attempt, URL: url,
		Target: e.Mail.Atomic.Sent, Envelope: submission.AppendEnvelope(nil, &e),
	}
}

// take takes a recorded attempt from the outbox into the queue, by its draft as
// it was.
func (s *Service) take(ctx context.Context, sent store.Sent, id string, f facts) (queued string, err error) {
	e, err := submission.DecodeEnvelope(sent.Envelope)
	if err != nil {
		return "", err
	}
	e.Received = sent.At
	e.HoldUntil = holdUntil(e.Mail.Hold, sent.At)
	e.Origin = origin(sent)
	content, err := s.Outbox.Open(ctx, sent.Account, sent.Attempt, e.Mail.Body == smtp.BodyBinary)
	if err != nil {
		return "", err
	}
	defer content.Close()
	incoming, err := s.Spool.Begin(ctx, content.Size())
	if err != nil {
		return "", err
	}
	defer incoming.Abort()
	filter := s.filter(0, e, incoming, id, f)
	if err := copyAll(filter, content); err != nil {
		return "", err
	}
	if e.Content, err = filter.Close(); err != nil {
		return "", err
	}
	if queued, err = incoming.Commit(ctx, *e); err != nil {
		return "", err
	}
	if err := s.Outbox.Queued(ctx, sent.Account, sent.Attempt, queued); err != nil {
		// It is in the queue, and Recover will find it there.
		s.Log.Warn("attempt is queued, and the outbox does not know yet", "id", queued, "err", err)
	}
	return queued, nil
}

// origin names an attempt among all accounts', and among those that had the same
// name before it: the queue may remember longer than the outbox.
func origin(sent store.Sent) string {
	return fmt.Sprintf("%d:%d:%s", sent.Account, sent.At.Unix(), sent.Attempt)
}

// copyAll writes all that src has.
func copyAll(dst io.Writer, src store.URLContent) error {
	buf := make([]byte, pieceSize)
	for at := int64(0); at < src.Size(); {
		n, err := src.ReadAt(buf[:min(int64(len(buf)), src.Size()-at)], at)
		if n == 0 {
			return err
		}
		at += int64(n)
		if _, err := dst.Write(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}
