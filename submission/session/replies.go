package session

import (
	"errors"

	"citron/auth"
	"citron/store"
	"citron/submission"
	"citron/wire/smtp"
)

// Replies that do not depend on the session. Codes are RFC 5321 §4.2.3's and
// those of the extensions, enhanced codes RFC 3463's and RFC 5248's.
var (
	replyReset    = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2}, Text: "reset"}
	replyNoop     = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2}, Text: "OK"}
	replyVrfy     = smtp.Reply{Code: 252, Status: smtp.Status{Class: 2, Subject: 5}, Text: "not verified here, RCPT will tell"}
	replyHelp     = smtp.Reply{Code: 214, Status: smtp.Status{Class: 2}, Text: "mail submission, RFC 6409: EHLO STARTTLS AUTH MAIL RCPT DATA BDAT BURL RSET NOOP QUIT"}
	replyQuit     = smtp.Reply{Code: 221, Status: smtp.Status{Class: 2}, Text: "closing connection"}
	replyStartTLS = smtp.Reply{Code: 220, Status: smtp.Status{Class: 2}, Text: "start TLS"}
	replyLoggedIn = smtp.Reply{Code: 235, Status: smtp.Status{Class: 2, Subject: 7}, Text: "logged in"}
	replySender   = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2, Subject: 1}, Text: "sender OK"}
	replyRcpt     = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2, Subject: 1, Detail: 5}, Text: "recipient OK"}
	replySend     = smtp.Reply{Code: 354, Text: "send the message, end with CRLF.CRLF"}
	replyChunk    = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2}, Text: "chunk taken"}
	replyQueued   = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2}, Text: "queued as"}

	replyURL       = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2, Subject: 5}, Text: "URL fetched, waiting for more"}
	replyURLQueued = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2, Subject: 5}, Text: "queued as"}

	replyUnknownVerb    = smtp.Reply{Code: 500, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "command not recognized"}
	replyNotImplemented = smtp.Reply{Code: 502, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "command not implemented"}
	replyHello          = smtp.Reply{Code: 501, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "syntax: EHLO hostname"}
	replyNoArgs         = smtp.Reply{Code: 501, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "this command has no argument"}
	replyVrfySyntax     = smtp.Reply{Code: 501, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "syntax: VRFY address"}
	replyNoTLS          = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "TLS is not to be had here"}
	replyTLSTwice       = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "TLS is active already"}
	replyHelloFirst     = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "say EHLO first"}
	replyNested         = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "MAIL within a transaction"}
	replyMailFirst      = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "say MAIL first"}
	replyMixed          = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "the message has begun: BDAT, BURL or RSET"}
	replyBinaryData     = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "BODY=BINARYMIME needs BDAT or BURL"}

	replyNeedTLS            = smtp.Reply{Code: 530, Status: smtp.Status{Class: 5, Subject: 7}, Text: "say STARTTLS and log in first"}
	replyNeedLogin          = smtp.Reply{Code: 530, Status: smtp.Status{Class: 5, Subject: 7}, Text: "log in first"}
	replyAuthTwice          = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "logged in already"}
	replyAuthNested         = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "AUTH within a transaction"}
	replyMechanism          = smtp.Reply{Code: 504, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "mechanism not supported"}
	replyLongAnswer         = smtp.Reply{Code: 500, Status: smtp.Status{Class: 5, Subject: 5, Detail: 6}, Text: "line too long"}
	replyCredentials        = smtp.Reply{Code: 535, Status: smtp.Status{Class: 5, Subject: 7, Detail: 8}, Text: "wrong name or password"}
	replyAccountDisabled    = smtp.Reply{Code: 525, Status: smtp.Status{Class: 5, Subject: 7, Detail: 13}, Text: "account is disabled"}
	replyBadExchange        = smtp.Reply{Code: 501, Status: smtp.Status{Class: 5, Subject: 5, Detail: 2}, Text: "malformed authentication exchange"}
	replyTooManyConnections = smtp.Reply{Code: 454, Status: smtp.Status{Class: 4, Subject: 7}, Text: "too many connections of this account"}
	replyAuthFault          = smtp.Reply{Code: 454, Status: smtp.Status{Class: 4, Subject: 7}, Text: "cannot log in now, try again later"}

	replyNotYours          = smtp.Reply{Code: 550, Status: smtp.Status{Class: 5, Subject: 7, Detail: 1}, Text: "not one of your addresses"}
	replyUnqualified       = smtp.Reply{Code: 554, Status: smtp.Status{Class: 5, Subject: 1, Detail: 2}, Text: "the domain is not fully qualified"}
	replyUnqualifiedSender = smtp.Reply{Code: 554, Status: smtp.Status{Class: 5, Subject: 1, Detail: 8}, Text: "the sender's domain is not fully qualified"}
	replyNoRcpt            = smtp.Reply{Code: 554, Status: smtp.Status{Class: 5, Subject: 5}, Text: "no recipient was accepted"}
	replyManyRcpts         = smtp.Reply{Code: 452, Status: smtp.Status{Class: 4, Subject: 5, Detail: 3}, Text: "too many recipients in a transaction"}
	replyTooMuch           = smtp.Reply{Code: 450, Status: smtp.Status{Class: 4, Subject: 7, Detail: 1}, Text: "you have sent as much as you may for now, try again later"}
	replyHoldLong          = smtp.Reply{Code: 501, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "to be held for longer than FUTURERELEASE says"}
	replyHoldBy            = smtp.Reply{Code: 501, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "to be held for longer than BY gives time"}
	replyByShort           = smtp.Reply{Code: 555, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "BY gives less time than DELIVERBY says"}
	replyEncrypt           = smtp.Reply{Code: 530, Status: smtp.Status{Class: 5, Subject: 7, Detail: 10}, Text: "REQUIRETLS needs TLS here, too"}

	replyNoURL        = smtp.Reply{Code: 554, Status: smtp.Status{Class: 5, Subject: 6, Detail: 6}, Text: "the URL cannot be fetched"}
	replyForeignStore = smtp.Reply{Code: 554, Status: smtp.Status{Class: 5, Subject: 7, Detail: 14}, Text: "the URL's store is not one of ours"}
	replyURLTooLarge  = smtp.Reply{Code: 554, Status: smtp.Status{Class: 5, Subject: 3, Detail: 4}, Text: "message is too large"} // RFC 4468 §6
	replyStoreDown    = smtp.Reply{Code: 451, Status: smtp.Status{Class: 4, Subject: 4, Detail: 1}, Text: "the URL's store does not answer, try again later"}
	replyStoreDied    = smtp.Reply{Code: 451, Status: smtp.Status{Class: 4, Subject: 4, Detail: 2}, Text: "the URL's store failed, try again later"}
	replyStoresBusy   = smtp.Reply{Code: 451, Status: smtp.Status{Class: 4, Subject: 4, Detail: 5}, Text: "too many URLs at a time, try again later"}

	replyAtomicWhole = smtp.Reply{Code: 503, Status: smtp.Status{Class: 5, Subject: 5, Detail: 1}, Text: "XATTEMPT needs the whole message by one BURL LAST"}
	replyNoTarget    = smtp.Reply{Code: 554, Status: smtp.Status{Class: 5, Subject: 2}, Text: "no mailbox for the sent copy"}
	replyReused      = smtp.Reply{Code: 554, Status: smtp.Status{Class: 5, Subject: 5, Detail: 4}, Text: "this attempt was another message"}
	replyOverQuota   = smtp.Reply{Code: 552, Status: smtp.Status{Class: 5, Subject: 2, Detail: 2}, Text: "the sent copy is over quota"}

	replyNoUser   = smtp.Reply{Code: 550, Status: smtp.Status{Class: 5, Subject: 1, Detail: 1}, Text: "no such user here"}
	replyNoSpace  = smtp.Reply{Code: 452, Status: smtp.Status{Class: 4, Subject: 3, Detail: 1}, Text: "no storage left, try again later"}
	replyTooLarge = smtp.Reply{Code: 552, Status: smtp.Status{Class: 5, Subject: 3, Detail: 4}, Text: "message is too large"}
	replyFault    = smtp.Reply{Code: 451, Status: smtp.Status{Class: 4, Subject: 3}, Text: "temporary failure, try again later"}
)

// What is said in front of the end of a connection; the server's name precedes
// the text.
var (
	replyShutdown = smtp.Reply{Code: 421, Status: smtp.Status{Class: 4, Subject: 3, Detail: 2}, Text: "is shutting down"}
	replySilent   = smtp.Reply{Code: 421, Status: smtp.Status{Class: 4, Subject: 4, Detail: 2}, Text: "nothing heard for too long, closing"}
	replyErrors   = smtp.Reply{Code: 421, Status: smtp.Status{Class: 4, Subject: 7}, Text: "too many errors, closing"}
	replyGuessing = smtp.Reply{Code: 421, Status: smtp.Status{Class: 4, Subject: 7}, Text: "too many failed logins, closing"}
	replyRevoked  = smtp.Reply{Code: 421, Status: smtp.Status{Class: 4, Subject: 7}, Text: "this login was withdrawn, closing"}
)

// refusals maps what may stand in the way to its reply.
var refusals = []struct {
	err   error
	reply smtp.Reply
}{
	{auth.NoSuchUser, replyNoUser},
	{submission.ErrTooLarge, replyTooLarge},
	{store.ErrTooLarge, replyTooLarge},
	{submission.ErrNoSpace, replyNoSpace},
	{store.ErrNoSpace, replyNoSpace},
	{store.ErrNoURL, replyNoURL},
	{store.ErrNoTarget, replyNoTarget},
	{store.ErrAttemptReused, replyReused},
	{store.ErrOverQuota, replyOverQuota},
}

// replyTo gives the reply to an error of what Config names; ours says that the
// fault is on our side, for the log.
func replyTo(err error) (r smtp.Reply, ours bool) {
	for _, k := range refusals {
		if errors.Is(err, k.err) {
			return k.reply, false
		}
	}
	return replyFault, true
}
