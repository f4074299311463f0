package session

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"

	"citron/store"
	"citron/submission"
	"citron/submission/dsn"
	"citron/wire/smtp"
)

// Recover takes into the queue what is recorded in the outbox and not yet there:
// what a crash, or a queue that refused, left over. It is for the beginning, and
// for every minute or so. An attempt that cannot be taken now stays where it is.
func (s *Service) Recover(ctx context.Context) error {
	if s.Outbox == nil {
		return nil
	}
	return s.Outbox.Waiting(ctx, func(sent store.Sent) error {
		id, err := s.finally(ctx, sent, newID(), facts{})
		switch {
		case errors.Is(err, store.ErrNoURL): // its session has queued it meanwhile
		case err != nil:
			s.Log.Error("recorded message cannot be queued for now", "account", sent.Account, "attempt", sent.Attempt, "err", err)
		default:
			s.Log.Info("recorded message queued", "id", id, "account", sent.Account)
		}
		return ctx.Err()
	})
}

// finally is take, of an attempt that ends one way or the other: what the queue
// will never take, or has not taken for too long, is reported to its sender, as if
// it had been accepted and then failed. So it had: the copy is filed. What the
// queue has of it then is the report, whose id is given.
func (s *Service) finally(ctx context.Context, sent store.Sent, id string, f facts) (queued string, err error) {
	queued, err = s.take(ctx, sent, id, f)
	why, over := s.over(sent, err)
	if !over || ctx.Err() != nil {
		return queued, err
	}
	queued, failed := s.giveUp(ctx, sent, id, why)
	if failed != nil {
		return "", errors.Join(err, failed)
	}
	s.Log.Error("recorded message can never be queued and is given up", "trace", id, "account", sent.Account,
		"attempt", sent.Attempt, "report", queued, "err", err)
	return cmp.Or(queued, id), nil
}

// replyGivenUp is what a report says of an attempt that grew too old.
var replyGivenUp = smtp.NewReply(554, 5, 4, 7, "it could not be taken into the queue for too long")

// over says whether an attempt that could not be taken is to be given up, and why.
func (s *Service) over(sent store.Sent, err error) (why smtp.Reply, over bool) {
	if err == nil || errors.Is(err, store.ErrNoURL) { // somebody else has taken it
		return why, false
	}
	why, ok := err.(smtp.Reply)
	if !ok {
		why, _ = replyTo(err)
	}
	switch {
	case why.Code >= 500:
		return why, true
	case s.Now().Sub(sent.At) >= s.GiveUp:
		return replyGivenUp, true
	}
	return why, false
}

// giveUp ends an attempt with a report in the queue; id is empty where nobody is to
// be told. If even that cannot be done, because the queue takes nothing or nobody
// can read the envelope, the attempt stays: it is not lost in silence.
func (s *Service) giveUp(ctx context.Context, sent store.Sent, trace string, why smtp.Reply) (id string, err error) {
	e, err := submission.DecodeEnvelope(sent.Envelope)
	if err != nil {
		return "", err
	}
	e.Received = sent.At
	r := &dsn.Report{
		Hostname: s.Hostname, QueueID: trace, Envelope: e, Now: s.Now(), ID: strings.ToLower(rand.Text()),
	}
	for i := range e.Rcpts {
		if n := e.Rcpts[i].Notify; n == 0 || n&smtp.NotifyFailure != 0 { // RFC 3461 §5.2.6
			r.Recipients = append(r.Recipients, dsn.Recipient{Index: i, Action: dsn.Failed, Status: why.Status, Text: why.Text})
		}
	}
	if len(r.Recipients) > 0 && !e.Mail.From.IsNull() {
		if id, err = s.report(ctx, sent, r); err != nil {
			return "", err
		}
	}
	return id, s.Outbox.Queued(ctx, sent.Account, sent.Attempt, cmp.Or(id, trace))
}

// report queues a report under the origin of its attempt: if both get there, the
// first is all there is. Of the message it has the header: what else there is in it
// nobody knows, as nobody could mend it.
func (s *Service) report(ctx context.Context, sent store.Sent, r *dsn.Report) (id string, err error) {
	r.Envelope.Mail.Return = smtp.ReturnHeaders
	var original io.ReaderAt = bytes.NewReader(nil)
	size := int64(0)
	if content, err := s.Outbox.Open(ctx, sent.Account, sent.Attempt, false); err == nil {
		defer content.Close()
		original, size = content, content.Size()
	}
	in, err := s.Spool.Begin(ctx, 0)
	if err != nil {
		return "", err
	}
	defer in.Abort()
	c, err := dsn.Write(in, r, original, size)
	if err != nil {
		return "", err
	}
	e := r.NewEnvelope(c)
	e.Origin = origin(sent)
	return in.Commit(ctx, e)
}
