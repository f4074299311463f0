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
	replyHelp     = smtp.NewReply(214, 2, 0, 0, "mail submission, RFC 6409: EHLO STARTTLS AUTH MAIL RCPT DATA BDAT BURL RSET NOOP QUIT")
	replyLoggedIn = smtp.NewReply(235, 2, 7, 0, "logged in")
	replyQueued   = smtp.NewReply(250, 2, 0, 0, "queued as")

	replyURL       = smtp.NewReply(250, 2, 5, 0, "URL fetched, waiting for more")
	replyURLQueued = smtp.NewReply(250, 2, 5, 0, "queued as")

	replyNotImplemented = smtp.NewReply(502, 5, 5, 1, "command not implemented")
	replyHello          = smtp.NewReply(501, 5, 5, 4, "syntax: EHLO hostname")
	replyTLSTwice       = smtp.NewReply(503, 5, 5, 1, "TLS is active already")
	replyHelloFirst     = smtp.NewReply(503, 5, 5, 1, "say EHLO first")
	replyMixed          = smtp.NewReply(503, 5, 5, 1, "the message has begun: BDAT, BURL or RSET")
	replyBinaryData     = smtp.NewReply(503, 5, 5, 1, "BODY=BINARYMIME needs BDAT or BURL")

	replyNeedTLS            = smtp.NewReply(530, 5, 7, 0, "say STARTTLS and log in first")
	replyNeedLogin          = smtp.NewReply(530, 5, 7, 0, "log in first")
	replyAuthTwice          = smtp.NewReply(503, 5, 5, 1, "logged in already")
	replyAuthNested         = smtp.NewReply(503, 5, 5, 1, "AUTH within a transaction")
	replyMechanism          = smtp.NewReply(504, 5, 5, 4, "mechanism not supported")
	replyCredentials        = smtp.NewReply(535, 5, 7, 8, "wrong name or password")
	replyAccountDisabled    = smtp.NewReply(525, 5, 7, 13, "account is disabled")
	replyBadExchange        = smtp.NewReply(501, 5, 5, 2, "malformed authentication exchange")
	replyTooManyConnections = smtp.NewReply(454, 4, 7, 0, "too many connections of this account")
	replyAuthFault          = smtp.NewReply(454, 4, 7, 0, "cannot log in now, try again later")

	replyNotYours          = smtp.NewReply(550, 5, 7, 1, "not one of your addresses")
	replyUnqualified       = smtp.NewReply(554, 5, 1, 2, "the domain is not fully qualified")
	replyUnqualifiedSender = smtp.NewReply(554, 5, 1, 8, "the sender's domain is not fully qualified")
	replyNoRcpt            = smtp.NewReply(554, 5, 5, 0, "no recipient was accepted")
	replyTooMuch           = smtp.NewReply(450, 4, 7, 1, "you have sent as much as you may for now, try again later")
	replyHoldLong          = smtp.NewReply(501, 5, 5, 4, "to be held for longer than FUTURERELEASE says")
	replyHoldBy            = smtp.NewReply(501, 5, 5, 4, "to be held for longer than BY gives time")
	replyByShort           = smtp.NewReply(555, 5, 5, 4, "BY gives less time than DELIVERBY says")
	replyEncrypt           = smtp.NewReply(530, 5, 7, 10, "REQUIRETLS needs TLS here, too")

	replyNoURL        = smtp.NewReply(554, 5, 6, 6, "the URL cannot be fetched")
	replyForeignStore = smtp.NewReply(554, 5, 7, 14, "the URL's store is not one of ours")
	replyURLTooLarge  = smtp.NewReply(554, 5, 3, 4, "message is too large") // RFC 4468 §6
	replyStoreDown    = smtp.NewReply(451, 4, 4, 1, "the URL's store does not answer, try again later")
	replyStoreDied    = smtp.NewReply(451, 4, 4, 2, "the URL's store failed, try again later")
	replyStoresBusy   = smtp.NewReply(451, 4, 4, 5, "too many URLs at a time, try again later")

	replyAtomicWhole = smtp.NewReply(503, 5, 5, 1, "XATTEMPT needs the whole message by one BURL LAST")
	replyNoTarget    = smtp.NewReply(554, 5, 2, 0, "no mailbox for the sent copy")
	replyReused      = smtp.NewReply(554, 5, 5, 4, "this attempt was another message")
	replyOverQuota   = smtp.NewReply(552, 5, 2, 2, "the sent copy is over quota")
)

// What is said in front of the end of a connection; the server's name precedes
// the text.
var (
	replyGuessing = smtp.NewReply(421, 4, 7, 0, "too many failed logins, closing")
	replyRevoked  = smtp.NewReply(421, 4, 7, 0, "this login was withdrawn, closing")
)

// refusals maps what may stand in the way to its reply.
var refusals = []struct {
	err   error
	reply smtp.Reply
}{
	{auth.NoSuchUser, smtp.ReplyNoUser},
	{submission.ErrTooLarge, smtp.ReplyTooLarge},
	{store.ErrTooLarge, smtp.ReplyTooLarge},
	{submission.ErrNoSpace, smtp.ReplyNoSpace},
	{store.ErrNoSpace, smtp.ReplyNoSpace},
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
	return smtp.ReplyFault, true
}
