package smtp

// Extensions that add no parameter of their own.
var (
	// Pipelining lets commands be sent in groups (RFC 2920).
	Pipelining = Extension{Keyword: "PIPELINING", RFC: "RFC 2920"}
	// EnhancedStatusCodes puts RFC 3463's codes into replies.
	EnhancedStatusCodes = Extension{Keyword: "ENHANCEDSTATUSCODES", RFC: "RFC 2034"}
	// StartTLS is the verb STARTTLS.
	StartTLS = Extension{Keyword: "STARTTLS", RFC: "RFC 3207"}
)
