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
	replyReset    = smtp.NewReply(250, 2, 0, 0, "reset")
	replyNoop     = smtp.NewReply(250, 2, 0, 0, "OK")
	replyVrfy     = smtp.NewReply(252, 2, 5, 0, "not verified here, RCPT will tell")
	replyHelp     = smtp.NewReply(214, 2, 0, 0, "LMTP, RFC 2033: LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT")
	replyStartTLS = smtp.NewReply(220, 2, 0, 0, "start TLS")
	replySender   = smtp.NewReply(250, 2, 1, 0, "sender OK")
	replyRcpt     = smtp.NewReply(250, 2, 1, 5, "recipient OK")
	replySend     = smtp.Reply{Code: 354, Text: "send the message, end with CRLF.CRLF"}
	replyChunk    = smtp.NewReply(250, 2, 0, 0, "chunk taken")

	replyUnknownVerb = smtp.NewReply(500, 5, 5, 1, "command not recognized")
	replySayLHLO     = smtp.NewReply(500, 5, 5, 1, "this is LMTP: say LHLO")
	replyHello       = smtp.NewReply(501, 5, 5, 4, "syntax: LHLO hostname")
	replyNoArgs      = smtp.NewReply(501, 5, 5, 4, "this command has no argument")
	replyVrfySyntax  = smtp.NewReply(501, 5, 5, 4, "syntax: VRFY address")
	replyNoTLS       = smtp.NewReply(503, 5, 5, 1, "TLS is not to be had here")
	replyNotTrusted  = smtp.NewReply(530, 5, 7, 0, "a client certificate is needed to deliver from another machine")
	replyHelloFirst  = smtp.NewReply(503, 5, 5, 1, "say LHLO first")
	replyNested      = smtp.NewReply(503, 5, 5, 1, "MAIL within a transaction")
	replyMailFirst   = smtp.NewReply(503, 5, 5, 1, "say MAIL first")
	replyNoRcpt      = smtp.NewReply(503, 5, 5, 1, "no recipient was accepted")
	replyMixed       = smtp.NewReply(503, 5, 5, 1, "BDAT and DATA or RCPT do not mix in a transaction")
	replyBinaryData  = smtp.NewReply(503, 5, 5, 1, "BODY=BINARYMIME needs BDAT")
	replyManyRcpts   = smtp.NewReply(452, 4, 5, 3, "too many recipients in a transaction")

	replyNoUser    = smtp.NewReply(550, 5, 1, 1, "no such user here")
	replyNoDomain  = smtp.NewReply(550, 5, 1, 2, "domain is not served here")
	replyDisabled  = smtp.NewReply(450, 4, 2, 1, "mailbox is disabled for the time being")
	replyOverQuota = smtp.NewReply(452, 4, 2, 2, "mailbox is over quota")
	replyNoSpace   = smtp.NewReply(452, 4, 3, 1, "no storage left, try again later")
	replyTooLarge  = smtp.NewReply(552, 5, 3, 4, "message is too large")
	replyFault     = smtp.NewReply(451, 4, 3, 0, "temporary failure, try again later")
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
