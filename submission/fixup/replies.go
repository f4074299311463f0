package fixup

import "citron/wire/smtp"

// Refusals. The codes are RFC 5321 §4.2.3's, RFC 3463's and RFC 6531 §4's.
var (
	replyHeaderTooLarge = smtp.NewReply(552, 5, 3, 4, "the header is too large")
	replyJunk           = smtp.NewReply(550, 5, 6, 0, "a line of the header is no field (RFC 5322)")
	replyNUL            = smtp.NewReply(550, 5, 6, 0, "the header has a NUL (RFC 5322)")
	replyLongLine       = smtp.NewReply(550, 5, 6, 0, "a line of the header has more than 998 octets (RFC 5322)")
	replyTwice          = smtp.NewReply(550, 5, 6, 0, "two fields that differ, where one is allowed (RFC 5322): ")
	replyNoFrom         = smtp.NewReply(550, 5, 6, 0, "the message has no From field (RFC 5322)")
	replyNoSender       = smtp.NewReply(550, 5, 6, 0, "a message of several authors needs a Sender field (RFC 5322)")
	replyManyAuthors    = smtp.NewReply(550, 5, 6, 0, "the message has too many authors")
	replyAddress        = smtp.NewReply(550, 5, 6, 0, "malformed or ambiguous address field (RFC 5322): ")
	replyLoop           = smtp.NewReply(554, 5, 4, 6, "the message has passed too many hosts: a loop")
	replyNotYours       = smtp.NewReply(550, 5, 7, 1, "you may not send in the name of an address in this field: ")
	replyNeedsUTF8      = smtp.NewReply(554, 5, 6, 9, "a header that is not ASCII needs SMTPUTF8 (RFC 6531)")
	replyCharset        = smtp.NewReply(550, 5, 6, 0, "the header is neither ASCII nor UTF-8")
)

// about adds to a reply the name of a field, one of the table's.
func about(r smtp.Reply, field string) smtp.Reply {
	r.Text += field
	return r
}
