package smtp

// Auth is MAIL's AUTH parameter (RFC 4954 §5): who submitted the message first.
type Auth struct {
	Said bool
	// Mailbox is decoded, as addr-spec; empty: "<>", not known or not trusted.
	Mailbox string
}
