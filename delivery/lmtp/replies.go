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
	replyReset    = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2}, Text: "reset"}
	replyNoop     = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2}, Text: "OK"}
	replyVrfy     = smtp.Reply{Code: 252, Status: smtp.Status{Class: 2, Subject: 5}, Text: "not verified here, RCPT will tell"}
	replyHelp     = smtp.Reply{Code: 214, Status: smtp.Status{Class: 2}, Text: "LMTP, RFC 2033: LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT"}
	replyStartTLS = smtp.Reply{Code: 220, Status: smtp.Status{Class: 2}, Text: "start TLS"}
	replySender   = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2, Subject: 1}, Text: "sender OK"}
	replyRcpt     = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2, Subject: 1, Detail: 5}, Text: "recipient OK"}
	replySend     = smtp.Reply{Code: 354, Text: "send the message, end with CRLF.CRLF"}
	replyChunk    = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2}, Text: "chunk taken"}

	replyUnknownVerb = smtp.Reply{Code: 500, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "command not recognized"}
	replySayLHLO     = smtp.Reply{Code: 500, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "this is LMTP: say LHLO"}
	replyHello       = smtp.Reply{Code: 501, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "syntax: LHLO hostname"}
	replyNoArgs      = smtp.Reply{Code: 501, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "this command has no argument"}
	replyVrfySyntax  = smtp.Reply{Code: 501, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "syntax: VRFY address"}
	replyNoTLS       = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "TLS is not to be had here"}
	replyNotTrusted  = smtp.Reply{Code: 530, Status: smtp.Status{Class: 5, Subject: 7, Detail: 0}, Text: "a client certificate is needed to deliver from another machine"}
	replyHelloFirst  = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "say LHLO first"}
	replyNested      = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "MAIL within a transaction"}
	replyMailFirst   = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "say MAIL first"}
	replyNoRcpt      = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "no recipient was accepted"}
	replyMixed       = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "BDAT and DATA or RCPT do not mix in a transaction"}
	replyBinaryData  = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "BODY=BINARYMIME needs BDAT"}
	replyManyRcpts   = smtp.Reply{Code: 452, Status: smtp.Status{Class: 4, Subject: 5, Detail: 3}, Text: "too many recipients in a transaction"}

	replyNoUser    = smtp.Reply{Code: 550, Status: smtp.Status{Class: 5, Subject: 1, Detail: 1}, Text: "no such user here"}
	replyNoDomain  = smtp.Reply{Code: 550, Status: smtp.Status{Class: 5, Subject: 1, Detail: 2}, Text: "domain is not served here"}
	replyDisabled  = smtp.Reply{Code: 450, Status: smtp.Status{Class: 4, Subject: 2, Detail: 1}, Text: "mailbox is disabled for the time being"}
	replyOverQuota = smtp.Reply{Code: 452, Status: smtp.Status{Class: 4, Subject: 2, Detail: 2}, Text: "mailbox is over quota"}
	replyNoSpace   = smtp.Reply{Code: 452, Status: smtp.Status{Class: 4, Subject: 3, Detail: 1}, Text: "no storage left, try again later"}
	replyTooLarge  = smtp.Reply{Code: 552, Status: smtp.Status{Class: 5, Subject: 3, Detail: 4}, Text: "message is too large"}
	replyFault     = smtp.Reply{Code: 451, Status: smtp.Status{Class: 4, Subject: 3}, Text: "temporary failure, try again later"}
)

// refusals maps what may stand in the way to its reply. A disabled account's
// mail is asked to wait, because disabling can be undone and a bounce cannot
// (RFC 3463 §3.3, X.2.1).
var refusals = []struct {
	err   error
	reply smtp.Reply
}{
	{auth.NoSuchUser, replyNoUser},
	{auth.NoSuchDomain, replyNoDomain},
	{auth.Disabled, replyDisabled},
	{store.ErrOverQuota, replyOverQuota},
	{store.ErrNoSpace, replyNoSpace},
	{store.ErrTooLarge, replyTooLarge},
	{store.ErrNoAccount, replyNoUser},
}

// replyTo gives the reply to an error of the resolver or the store; fault says
// that it is one of ours, for the log.
func replyTo(err error) (r smtp.Reply, fault bool) {
	for _, k := range refusals {
		if errors.Is(err, k.err) {
			return k.reply, false
		}
	}
	return replyFault, true
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
