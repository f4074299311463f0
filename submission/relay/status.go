package relay

import (
	"errors"

	"citron/auth"
	"citron/store"
	"citron/submission"
	"citron/wire/smtp"
)

// status is what a report says when it is we who say so: codes are RFC 3463's
// and those registered since (RFC 5248).
type status struct {
	smtp.Status
	text string
}

func (s status) outcome(r submission.Result) submission.Outcome {
	return submission.Outcome{Result: r, Status: s.Status, Text: s.text}
}

func own(class, subject, detail uint16, text string) status {
	return status{smtp.Status{Class: class, Subject: subject, Detail: detail}, text}
}

var (
	statusFiled     = own(2, 0, 0, "filed")
	statusDirectory = own(4, 3, 0, "cannot look up the recipient now")
	statusFault     = own(4, 3, 0, "a fault on our side")
	statusHeld      = own(4, 4, 0, "mail for other domains is held here")
)

// refusals maps what may stand in the way of filing to what is reported. A
// disabled account's mail waits, because disabling can be undone and a bounce
// cannot (RFC 3463 §3.3, X.2.1).
var refusals = []struct {
	err    error
	result submission.Result
	status status
}{
	{auth.NoSuchUser, submission.Failed, own(5, 1, 1, "no such user here")},
	{auth.NoSuchDomain, submission.Failed, own(5, 1, 2, "domain is not served here")},
	{auth.Disabled, submission.Deferred, own(4, 2, 1, "mailbox is disabled for the time being")},
	{store.ErrOverQuota, submission.Deferred, own(4, 2, 2, "mailbox is over quota")},
	{store.ErrNoSpace, submission.Deferred, own(4, 3, 1, "no storage left")},
	{store.ErrTooLarge, submission.Failed, own(5, 3, 4, "message is too large")},
	{store.ErrNoAccount, submission.Failed, own(5, 1, 1, "no such user here")},
}

// refusal gives the outcome of an error of the resolver or the store; fault
// says that it is one of ours, for the log.
func refusal(err error) (o submission.Outcome, fault bool) {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.status.outcome(r.result), false
		}
	}
	return statusFault.outcome(submission.Deferred), true
}
