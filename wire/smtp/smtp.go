// Package smtp is the syntax of SMTP (RFC 5321) and LMTP (RFC 2033), both
// sides: command lines, the arguments of MAIL and RCPT, replies with enhanced
// status codes (RFC 2034, 3463), DATA's dot-stuffing and BDAT's chunks (RFC
// 3030). It is pure: bytes to typed values and back, without input or output.
//
// Everything that reads is pushed: it gets what has arrived, in pieces as they
// come, takes what it can and says how much that was. Nothing needs more memory
// than one command line.
//
// # Lines
//
// CRLF ends a line and nothing else does (RFC 5321 §2.3.8). A command line with
// a bare CR or LF is an error. Within a message they are octets like others and
// are kept; only CRLF "." CRLF ends DATA, and a dot is unstuffed only after
// CRLF, so that no message can smuggle commands past a server that reads line
// ends more loosely than its neighbour.
//
// # Extensions
//
// An extension is an Extension value in a file of its own: what EHLO announces
// and which parameters it adds to MAIL and RCPT, both ways. A session gives the
// ones it speaks to NewSyntax; a client asks the server's Offer for them.
package smtp

// Limits of what a server reads, in octets.
const (
	// MaxLine is the default bound of a command line with its CRLF. It fits a
	// BURL with the longest URL that wire/imap reads (8 KiB), and any MAIL or
	// RCPT with all parameters (RFC 3461 §5.4): RFC 5321 §4.5.3.1.4 asks for
	// 512, to which come MAIL's SIZE 26, BODY 16, SMTPUTF8 10, AUTH 500, RET
	// 9, ENVID 107, HOLDUNTIL 34, BY 17, MT-PRIORITY 15, REQUIRETLS 11,
	// XATTEMPT 202 and XSENT 3007; or RCPT's ORCPT 501 and NOTIFY 29.
	MaxLine = 9 << 10
	// MaxPath bounds a path between its brackets. RFC 5321 §4.5.3.1.3 asks
	// for 256, and longer ones are seen (variable envelope return paths).
	MaxPath = 512
)
