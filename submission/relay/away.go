package relay

import (
	"context"
	"errors"

	"citron/submission"
	"citron/submission/relay/client"
	"citron/submission/relay/route"
	"citron/wire/smtp"
)

var (
	statusUnrouted = own(4, 4, 3, "the domain's hosts cannot be found now")
	statusNoAnswer = own(4, 4, 1, "the host does not answer")
	statusBusy     = own(4, 4, 5, "too much mail is on its way to the host")
	statusSlow     = own(4, 4, 5, "the host is slow, and other mail had to go on")
	statusNotNow   = own(4, 4, 2, "the host broke off before it was this recipient's turn")
	statusLoop     = own(5, 4, 6, "the host calls itself by this server's name")
)

// errCut ends a turn at a slow host. It is the verdict, too, on those who have
// none by then.
var errCut = &client.Error{Op: "turn", Reply: client.Reply{Status: statusSlow.Status, Text: statusSlow.text}}

// away is a job for another domain: which recipients are not done, and the best
// that is known of why.
type away struct {
	*attempt
	left     []int // indices of recipients that may still be tried
	verdicts map[int]submission.Outcome
	sessions int  // hosts that got as far as MAIL
	reached  bool // a host could be talked to
	cut      bool // the last turn was cut off
	stop     bool // no further host is to be tried
}

// deliverAway tries the domain's hosts in their order (RFC 5321 §5.1), until
// every recipient is done. A host that refuses some for the time being is not
// the last one: the next may take them.
func (a *attempt) deliverAway(ctx context.Context) {
	defer a.close()
	r, err := a.opt.Router.Route(ctx, a.job.Domain())
	if err != nil {
		if ctx.Err() == nil {
			o := a.unrouted(err)
			o.DomainDown = o.Result == submission.Deferred
			a.all(o)
		}
		return
	}
	w := &away{attempt: a, verdicts: make(map[int]submission.Outcome)}
	for _, due := range a.job.Due() {
		w.left = append(w.left, due.Index)
	}
	for i := range r.Hosts {
		if len(w.left) == 0 || w.stop || w.sessions >= a.opt.MaxSessions || ctx.Err() != nil {
			break
		}
		w.try(ctx, &r.Hosts[i], i == 0)
	}
	if ctx.Err() != nil && !a.handed {
		return // as if not tried
	}
	for _, i := range w.left {
		o, ok := w.verdicts[i]
		if !ok {
			o = statusNoAnswer.outcome(submission.Deferred)
		}
		o.DomainDown = o.Result == submission.Deferred && (!w.reached || w.cut)
		w.done(i, o)
	}
}

// unrouted is the outcome where the DNS gives no host, or no address.
func (a *attempt) unrouted(err error) submission.Outcome {
	var e *route.Error
	if !errors.As(err, &e) {
		a.opt.Log.Warn("no route", "id", a.job.ID(), "domain", a.job.Domain(), "err", err)
		return statusUnrouted.outcome(submission.Deferred)
	}
	if e.Cause != nil {
		a.opt.Log.Debug("no route", "id", a.job.ID(), "domain", a.job.Domain(), "err", err)
	}
	o := submission.Outcome{Result: submission.Failed, Status: e.Status, Code: e.Code, Text: e.Text}
	if e.Temporary() {
		o.Result = submission.Deferred
	}
	return o
}

// try tries one host for the recipients that are left.
func (w *away) try(ctx context.Context, h *route.Host, first bool) {
	tls, unfit := w.security(h)
	if unfit != nil {
		w.all(h, unfit.outcome(resultOf(unfit.Status)))
		return
	}
	addrs, err := w.opt.Router.Addresses(ctx, *h)
	if err != nil {
		var e *route.Error
		if errors.As(err, &e) && e.Self {
			// RFC 5321 §5.1: neither this server nor what is worse.
			if w.stop = true; !first {
				return
			}
		}
		w.all(h, w.unrouted(err))
		return
	}
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	turn, ok := w.hosts.enter(ctx, cut, h.Name, h.Port, addrs)
	if !ok {
		w.all(h, w.busy())
		return
	}
	defer turn.leave()
	c, o := w.connect(ctx, turn, h, tls, addrs)
	if c == nil {
		w.all(h, o)
	} else {
		w.reached = true
		w.sessions++
		w.talk(ctx, turn, h, c)
		w.pool.put(c)
	}
	w.cut = context.Cause(ctx) == errCut
}

func resultOf(s smtp.Status) submission.Result {
	if s.Class == 5 {
		return submission.Failed
	}
	return submission.Deferred
}

// talk sends the message to the recipients that are left, in as many
// transactions as the host wants (RFC 5321 §4.5.3.1.10) and connAge allows.
func (w *away) talk(ctx context.Context, turn *turn, h *route.Host, c *conn) {
	todo, progress := w.left, true
	for len(todo) > 0 && progress && c.Usable() && w.opt.Now().Sub(turn.began) < connAge {
		var later []int
		n := min(len(todo), c.MaxRcpts())
		later, progress = w.send(ctx, turn, h, c, todo[:n])
		todo = append(later, todo[n:]...)
	}
	w.some(h, todo, statusNotNow.outcome(submission.Deferred))
}

// send is one transaction. later are recipients of which the host wants to hear
// in another one; without progress there is no use in that.
func (w *away) send(ctx context.Context, turn *turn, h *route.Host, c *conn, rcpts []int) (later []int, progress bool) {
	m, unfit := w.message(ctx, c, rcpts)
	switch {
	case unfit != nil && w.stop:
		for len(w.left) > 0 {
			w.finish(w.left[0], *unfit)
		}
		return nil, false
	case unfit != nil:
		w.some(h, rcpts, *unfit)
		return nil, false
	}
	handed := make(map[int]bool)
	m.HandOver = func(ctx context.Context, accepted []int) error {
		list := make([]int, len(accepted))
		for i, n := range accepted {
			list[i] = rcpts[n]
		}
		if err := w.job.HandOver(ctx, h.Name, list); err != nil {
			return err
		}
		w.handed = true
		turn.mayHave()
		for _, i := range list {
			handed[i] = true
		}
		return nil
	}
	replies, err := c.Send(ctx, m)
	if err != nil {
		w.opt.Log.Debug("a connection broke", "id", w.job.ID(), "host", h.Name, "err", err)
	}
	dsn, tell := c.Offer().Has(&smtp.DSN), tellsRelayed(m.Mail.By, c.Offer())
	for n, i := range rcpts {
		o := outcomeOf(replies[n], dsn)
		o.Host, o.TellRelayed = h.Name, tell && replies[n].OK()
		switch {
		case o.Result == submission.Deferred && handed[i]:
			// Nobody else is to get it in this attempt.
			w.finish(i, o)
		case o.Result == submission.Deferred:
			w.some(h, []int{i}, o)
			if isTooMany(o.Status) {
				later = append(later, i)
			}
		case o.Result == submission.Failed && replies[n].Code == 0:
			// This host cannot be given it; another one may.
			w.some(h, []int{i}, o)
		default:
			w.finish(i, o)
			progress = true
		}
	}
	return later, progress
}

// isTooMany: RFC 3463 §3.6, X.5.3.
func isTooMany(s smtp.Status) bool { return s.Subject == 5 && s.Detail == 3 }

// outcomeOf reads a verdict of the client.
func outcomeOf(r client.Reply, dsn bool) submission.Outcome {
	o := submission.Outcome{Status: r.Status, Code: r.Code, Text: r.Text}
	switch {
	case r.OK() && dsn:
		o.Result = submission.Relayed
	case r.OK():
		o.Result = submission.RelayedBlind
	case r.Permanent():
		o.Result = submission.Failed
	}
	return o
}

// all says of all recipients that are left why they did not get on with a host.
func (w *away) all(h *route.Host, o submission.Outcome) { w.some(h, w.left, o) }

// some says so of some. What is only for the time being counts more than what is
// for good, since another attempt may find the host that could not be reached;
// and what a host said more than our own words.
func (w *away) some(h *route.Host, rcpts []int, o submission.Outcome) {
	if o.Host == "" && o.Code != 0 {
		o.Host = h.Name
	}
	for _, i := range rcpts {
		if old, ok := w.verdicts[i]; !ok || weight(o) >= weight(old) {
			w.verdicts[i] = o
		}
	}
}

func weight(o submission.Outcome) int {
	switch {
	case o.Result != submission.Deferred:
		return 0
	case o.Code == 0:
		return 1
	}
	return 2
}

// finish is the end of a recipient in this attempt.
func (w *away) finish(i int, o submission.Outcome) {
	for n := range w.left {
		if w.left[n] == i {
			w.left = append(w.left[:n:n], w.left[n+1:]...)
			break
		}
	}
	w.done(i, o)
}

func (w *away) done(i int, o submission.Outcome) {
	o.Index = i
	w.outcomes = append(w.outcomes, o)
}
