package lmtp

import (
	"errors"

	"citron/auth"
	"citron/store"
	"citron/wire/smtp"
)

// Replies that do not depend on the session. Codes are RFC 5321 §4.2.3's,
// enhanced codes RFC 3463's and RFC 5248's.
var (
	replyHelp = smtp.NewReply(214, 2, 0, 0, "LMTP, RFC 2033: LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT")

	replySayLHLO    = smtp.NewReply(500, 5, 5, 1, "this is LMTP: say LHLO")
	replyHello      = smtp.NewReply(501, 5, 5, 4, "syntax: LHLO hostname")
	replyNotTrusted = smtp.NewReply(530, 5, 7, 0, "a client certificate is needed to deliver from another machine")
	replyHelloFirst = smtp.NewReply(503, 5, 5, 1, "say LHLO first")
	replyNoRcpt     = smtp.NewReply(503, 5, 5, 1, "no recipient was accepted")
	replyMixed      = smtp.NewReply(503, 5, 5, 1, "BDAT and DATA or RCPT do not mix in a transaction")
	replyBinaryData = smtp.NewReply(503, 5, 5, 1, "BODY=BINARYMIME needs BDAT")

	replyNoDomain  = smtp.NewReply(550, 5, 1, 2, "domain is not served here")
	replyDisabled  = smtp.NewReply(450, 4, 2, 1, "mailbox is disabled for the time being")
	replyOverQuota = smtp.NewReply(452, 4, 2, 2, "mailbox is over quota")
)

// refusals maps what may stand in the way to its reply. A disabled account's
// mail is asked to wait, because disabling can be undone and a bounce cannot
// (RFC 3463 §3.3, X.2.1).
var refusals = []struct {
	err   error
	reply smtp.Reply
}{
	{auth.NoSuchUser, smtp.ReplyNoUser},
	{auth.NoSuchDomain, replyNoDomain},
	{auth.Disabled, replyDisabled},
	{store.ErrOverQuota, replyOverQuota},
	{store.ErrNoSpace, smtp.ReplyNoSpace},
	{store.ErrTooLarge, smtp.ReplyTooLarge},
	{store.ErrNoAccount, smtp.ReplyNoUser},
}

// replyTo gives the reply to an error of the resolver or the store; fault says
// that it is one of ours, for the log.
func replyTo(err error) (r smtp.Reply, fault bool) {
	for _, k := range refusals {
		if errors.Is(err, k.err) {
			return k.reply, false
		}
	}
	return smtp.ReplyFault, true
}

// worse says whether a is the answer to be preferred over b for a recipient
// that is several accounts: see the package comment.
func worse(a, b smtp.Reply) bool { return severity(a) > severity(b) }

func severity(r smtp.Reply) int {
	switch r.Code / 100 {
	case 4:
		return 2
	case 5:
		return 1
	}
	return 0
}
