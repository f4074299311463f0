package smtp

// Replies that servers of SMTP and LMTP give alike. Codes are RFC 5321 §4.2.3's,
// enhanced codes RFC 3463's and RFC 5248's.
var (
	ReplyReset    = NewReply(250, 2, 0, 0, "reset")
	ReplyNoop     = NewReply(250, 2, 0, 0, "OK")
	ReplyVrfy     = NewReply(252, 2, 5, 0, "not verified here, RCPT will tell")
	ReplyStartTLS = NewReply(220, 2, 0, 0, "start TLS")
	ReplySender   = NewReply(250, 2, 1, 0, "sender OK")
	ReplyRcpt     = NewReply(250, 2, 1, 5, "recipient OK")
	ReplySend     = Reply{Code: 354, Text: "send the message, end with CRLF.CRLF"}
	ReplyChunk    = NewReply(250, 2, 0, 0, "chunk taken")

	ReplyUnknownVerb = NewReply(500, 5, 5, 1, "command not recognized")
	ReplyNoArgs      = NewReply(501, 5, 5, 4, "this command has no argument")
	ReplyVrfySyntax  = NewReply(501, 5, 5, 4, "syntax: VRFY address")
	ReplyNoTLS       = NewReply(503, 5, 5, 1, "TLS is not to be had here")
	ReplyNested      = NewReply(503, 5, 5, 1, "MAIL within a transaction")
	ReplyMailFirst   = NewReply(503, 5, 5, 1, "say MAIL first")
	ReplyManyRcpts   = NewReply(452, 4, 5, 3, "too many recipients in a transaction")
	ReplyNoUser      = NewReply(550, 5, 1, 1, "no such user here")
	ReplyNoSpace     = NewReply(452, 4, 3, 1, "no storage left, try again later")
	ReplyTooLarge    = NewReply(552, 5, 3, 4, "message is too large")
	ReplyFault       = NewReply(451, 4, 3, 0, "temporary failure, try again later")
)

// What is said in front of the end of a connection, by Named.
var (
	ReplyQuit     = NewReply(221, 2, 0, 0, "closing connection")
	ReplyShutdown = NewReply(421, 4, 3, 2, "is shutting down")
	ReplySilent   = NewReply(421, 4, 4, 2, "nothing heard for too long, closing")
	ReplyErrors   = NewReply(421, 4, 7, 0, "too many errors, closing")
)

// Named is the reply with the server's name in front of its text, as RFC 5321
// §4.2.3 has it of 221 and 421.
func (r Reply) Named(hostname string) Reply {
	r.Text = hostname + " " + r.Text
	return r
}
