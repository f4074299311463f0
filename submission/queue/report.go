package queue

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/submission"
	"citron/submission/dsn"
	"citron/wire/smtp"
)

// report is a report about to be queued.
type report struct {
	in    *incoming
	entry *entry
}

// report writes what the sender is told; nil if there is nothing to tell, or
// nobody to be told: a report about a report is never sent (RFC 5321 §6.1).
func (w *work) report(ctx context.Context, news []dsn.Recipient) (*report, error) {
	if len(news) == 0 || w.envelope.Mail.From.IsNull() {
		return nil, nil
	}
	original, err := w.q.open(ctx, w.id, w.message)
	if err != nil {
		if values, failed := w.q.read(ctx, messageKey(w.id)); failed == nil && values[0] == nil {
			return nil, errStale
		}
		if !errors.Is(err, body.ErrCorrupt) && !errors.Is(err, body.ErrGone) {
			return nil, err
		}
		// The sender is told all the same, if without what he sent.
		w.q.opt.Log.Error("a report has nothing of its message", "id", formatID(w.id), "err", err)
		original = inlineBody{bytes.NewReader(nil)}
	}
	defer original.Close()
	r := &dsn.Report{
		Hostname: w.q.opt.Hostname, QueueID: formatID(w.id), Envelope: w.envelope, Recipients: news,
		Now: w.q.opt.Now(), ID: strings.ToLower(rand.Text()),
	}
	if w.message.size > w.q.opt.MaxReturned {
		r.Envelope = headersOnly(w.envelope)
	}
	made, err := w.write(ctx, r, original, false)
	if errors.Is(err, submission.ErrNoSpace) {
		// The settling makes room, so there is room for a short one.
		r.Envelope = headersOnly(w.envelope)
		made, err = w.write(ctx, r, original, true)
	}
	return made, err
}

// headersOnly asks for no more than the header (RFC 3461 §6.2).
func headersOnly(e *submission.Envelope) *submission.Envelope {
	short := *e
	short.Mail.Return = smtp.ReturnHeaders
	return &short
}

// write makes the message of a report, its body durable. inline: it stays in
// the engine, whatever its length.
func (w *work) write(ctx context.Context, r *dsn.Report, original submission.Body, inline bool) (*report, error) {
	made := &report{in: w.q.incoming(ctx)}
	if inline {
		made.in.inline = kv.MaxValue
	}
	content, err := dsn.Write(made.in, r, original, original.Size())
	if err == nil {
		e := r.NewEnvelope(content)
		e.Received = w.now.time()
		made.entry, err = w.q.newEntry(made.in.id, &e)
	}
	if err == nil {
		err = made.in.seal(ctx)
	}
	if err != nil {
		made.in.Abort()
		return nil, storageError(fmt.Errorf("writing a report: %w", err))
	}
	return made, nil
}
