package session

import (
	"context"
	"errors"
	"io"

	"citron/ops/conn"
	"citron/submission"
	"citron/wire/smtp"
)

// burl takes a piece of the message from a store (RFC 4468). Whatever is wrong
// with it, the whole transaction has failed (§3.2).
func (s *session) burl(t *conn.Turn, args []byte) error {
	x := s.trans
	switch {
	case s.service.Fetcher == nil:
		return replyNotImplemented
	case x == nil:
		return smtp.ReplyMailFirst
	}
	c, err := smtp.ParseBURL(args)
	switch {
	case err != nil:
		x.began = true
		x.fail(err)
	case x.mail.Atomic.Attempt != "":
		s.atomically(x, c)
	default:
		s.continueMessage(x)
	}
	if x.failed != nil {
		s.endURL(t, c, "", x.failed)
		return nil
	}
	s.beside(func(ctx context.Context) (string, error) {
		if x.mail.Atomic.Attempt != "" {
			return s.service.send(ctx, x, c.URL)
		}
		if err := s.service.fetch(ctx, x, c.URL); err != nil || !c.Last {
			return "", err
		}
		return x.commit(s.service.Now())
	}, func(t *conn.Turn, id string, err error) { s.endURL(t, c, id, err) })
	return nil
}

// endURL answers a BURL whose work has ended.
func (s *session) endURL(t *conn.Turn, c smtp.URLChunk, id string, err error) {
	x := s.trans
	switch {
	case err != nil:
		x.fail(err)
		s.deny(t, s.failure(x))
	case c.Last:
		s.queued(t, replyURLQueued, id)
	default:
		s.reply(t, replyURL)
	}
	if c.Last {
		s.reset()
	}
}

// offerBURL says "imap" only to who has logged in (RFC 4468 §3.1).
func offerBURL(s *session) (param string, offered bool) {
	if s.user == nil {
		return "", true
	}
	return "imap", true
}

// fetch adds what a URL points to to the message.
func (s *Service) fetch(ctx context.Context, x *transaction, url string) error {
	if !s.fetches.enter(ctx, x.envelope.Account) {
		return replyStoresBusy
	}
	defer s.fetches.leave(x.envelope.Account)
	content, err := s.Fetcher.Fetch(ctx, x.envelope.Sender, url, x.mail.Body == smtp.BodyBinary)
	if err != nil {
		return s.noURL(x, err, replyStoreDown)
	}
	defer content.Close()
	if content.Size() > s.MaxMessage-x.size { // it need not be fetched to know
		return replyURLTooLarge
	}
	return s.copyURL(x, content)
}

// pieceSize is the size of the buffer that a fetch reads into.
const pieceSize = 64 << 10

// copyURL reads what a store gives, all of it: one that ends early has died.
func (s *Service) copyURL(x *transaction, content submission.Fetched) error {
	buf := make([]byte, pieceSize)
	for left := content.Size(); ; {
		n, err := content.Read(buf)
		left -= int64(n)
		x.write(buf[:n])
		switch {
		case errors.Is(x.failed, submission.ErrTooLarge):
			return replyURLTooLarge
		case x.failed != nil:
			return x.failed
		case err == io.EOF && left == 0:
			return nil
		case err == io.EOF:
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return s.noURL(x, err, replyStoreDied)
		}
	}
}

// noURL gives the reply to what a fetch came to; otherwise is the one of faults
// that may pass.
func (s *Service) noURL(x *transaction, err error, otherwise smtp.Reply) smtp.Reply {
	switch {
	case errors.Is(err, submission.ErrNoURL):
		s.Log.Info("URL not fetched", "account", x.envelope.Sender, "cause", err)
		return replyNoURL
	case errors.Is(err, submission.ErrForeignStore):
		s.Log.Info("URL of a store that is not ours", "account", x.envelope.Sender)
		return replyForeignStore
	}
	s.Log.Warn("fetch failed for now", "account", x.envelope.Sender, "err", err)
	return otherwise
}
