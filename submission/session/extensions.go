package session

import (
	"time"

	"citron/wire/smtp"
)

// extension is what the session does about an SMTP extension, besides its
// syntax; the verbs are in the table of verbs.
type extension struct {
	syntax *smtp.Extension
	what   string // for docs/capabilities.md
	// needs says whether the configuration has what the extension needs;
	// nil: it needs nothing. Without it its parameters are not known.
	needs func(*Config) bool
	// offer gives the keyword's parameter in the answer to EHLO, and whether
	// it is offered at this moment; nil: always, without parameter.
	offer func(*session) (param string, offered bool)
	// mail checks what MAIL said, and may complete it.
	mail func(*session, *transaction) error
}

// extensions are announced in this order.
var extensions = []extension{
	{syntax: &smtp.Pipelining, what: "commands in groups"},
	{syntax: &smtp.EnhancedStatusCodes, what: "codes of RFC 3463 in replies"},
	{syntax: &smtp.EightBitMIME, what: "8-bit text"},
	{syntax: &smtp.UTF8, what: "UTF-8 in addresses and headers"},
	{syntax: &smtp.Size, what: "the size of a message, said before it", offer: offerSize, mail: mailSize},
	{syntax: &smtp.SessionLimits, what: "how many recipients a message may have", offer: offerLimits},
	{syntax: &smtp.Chunking, what: "messages in chunks (BDAT)"},
	{syntax: &smtp.BinaryMIME, what: "messages with binary parts"},
	{syntax: &smtp.BURL, what: "pieces of a message from a store (BURL)", needs: hasFetcher, offer: offerBURL},
	{syntax: &smtp.DSN, what: "which reports are wanted"},
	{syntax: &smtp.FutureRelease, what: "messages held back", needs: mayHold, offer: offerHold, mail: mailHold},
	{syntax: &smtp.Deadline, what: "when delivery is late", offer: offerBy, mail: mailBy},
	{syntax: &smtp.MTPriority, what: "messages that overtake others", mail: mailPriority},
	{syntax: &smtp.RequireTLS, what: "TLS on every hop", offer: offerRequireTLS, mail: mailRequireTLS},
	{syntax: &smtp.AtomicSend, what: "a draft sent and filed in one step", needs: hasOutbox, offer: offerAtomic},
	{syntax: &smtp.StartTLS, what: "TLS on 587", offer: offerStartTLS},
	{syntax: &smtp.Authentication, what: "login", offer: offerAuth, mail: mailAuth},
}

func hasFetcher(c *Config) bool { return c.Fetcher != nil }
func hasOutbox(c *Config) bool  { return c.Fetcher != nil && c.Outbox != nil }
func mayHold(c *Config) bool    { return c.MaxHold >= time.Second }
