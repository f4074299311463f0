package relay

import (
	"context"
	"io"
	"strconv"

	"citron/auth"
	"citron/mail/trace"
	"citron/store"
	"citron/submission"
)

// reached is a recipient of this server: the accounts behind it that take mail
// now, and where their copies begin in the list for the store.
type reached struct {
	index   int
	first   int
	takers  int
	outcome submission.Outcome // if there are none
}

// deliverHere files the message for each recipient. Where one is several
// accounts (an alias) the worst outcome is reported, a temporary one before a
// permanent one before success, as delivery over LMTP does; what was filed then
// is not filed again.
//
// So success is "delivered", and not the "expanded" that RFC 3461 §5.2.7.3 (c)
// has of an alias: that one says that the message goes on from here and may
// still fail (RFC 3464 §2.3.3). These accounts are all of this server, and
// nothing is said before the message lies in each of them.
func (a *attempt) deliverHere(ctx context.Context) {
	select {
	case a.local <- struct{}{}:
		defer func() { <-a.local }()
	case <-ctx.Done():
		return
	}
	rcpts, to := a.resolve(ctx)
	var errs []error
	if len(to) > 0 {
		var err error
		if errs, err = a.file(ctx, to); err != nil {
			errs = make([]error, len(to))
			for i := range errs {
				errs[i] = err
			}
		}
	}
	for _, r := range rcpts {
		o := r.outcome
		if r.takers > 0 {
			o = a.worst(to, errs, r)
		}
		o.Index = r.index
		a.outcomes = append(a.outcomes, o)
		if o.Result == submission.Deferred {
			continue
		}
		for _, t := range to[r.first : r.first+r.takers] {
			a.filed = append(a.filed, memo{t.Account, t.Once})
		}
	}
}

// resolve finds the accounts behind the recipients.
func (a *attempt) resolve(ctx context.Context) (rcpts []reached, to []store.Recipient) {
	now, id := a.opt.Now(), a.job.ID()
	for _, due := range a.job.Due() {
		path := a.envelope.Rcpts[due.Index].To
		r := reached{index: due.Index, first: len(to)}
		reach, err := a.opt.Resolver.Resolve(ctx, path.Local, a.job.Domain())
		if err == nil {
			err = auth.Disabled // unless somebody behind it takes mail
		}
		received := trace.Received{By: a.opt.Hostname, ID: id, For: path, Date: now}
		prefix := received.Append(trace.AppendDelivery(nil, a.envelope.Mail.From, path))
		once := store.Once{Key: id + "/" + strconv.Itoa(due.Index), Since: a.envelope.Received}
		for _, d := range reach {
			if !d.Disabled {
				to = append(to, store.Recipient{Account: d.Account, Prefix: prefix, Detail: d.Detail, Once: once})
				r.takers++
			}
		}
		if r.takers == 0 {
			r.outcome = a.refused(err, "resolve recipient")
		}
		rcpts = append(rcpts, r)
	}
	return rcpts, to
}

// file hands the message to the store; errs is one error per copy, or nil.
func (a *attempt) file(ctx context.Context, to []store.Recipient) (errs []error, err error) {
	body, err := a.job.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	in, err := a.opt.Filing.Begin(ctx, to, body.Size())
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(in, io.NewSectionReader(body, 0, body.Size())); err != nil {
		in.Abort()
		return nil, err
	}
	return in.Commit(ctx), nil
}

// worst is the outcome of a recipient whose copies were filed, or not.
func (a *attempt) worst(to []store.Recipient, errs []error, r reached) submission.Outcome {
	worst := statusFiled.outcome(submission.Delivered)
	for i := r.first; i < r.first+r.takers; i++ {
		if errs == nil || errs[i] == nil {
			continue
		}
		if o := a.refused(errs[i], "file message"); severity(o.Result) > severity(worst.Result) {
			worst = o
		}
	}
	return worst
}

func severity(r submission.Result) int {
	switch r {
	case submission.Deferred:
		return 2
	case submission.Failed:
		return 1
	}
	return 0
}

// refused gives the outcome of an error, and logs it if the fault is ours.
func (a *attempt) refused(err error, doing string) submission.Outcome {
	o, fault := refusal(err)
	if fault {
		a.opt.Log.Warn("delivery failed for now", "doing", doing, "id", a.job.ID(), "err", err)
	}
	return o
}
