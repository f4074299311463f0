// Package message reads Internet messages: RFC 5322 headers, MIME structure
// (RFC 2045, 2046), and everything a mail store wants to know of a message
// when it enters.
//
// # One pass
//
// A Parser is fed the bytes as they come from the network, in pieces of any
// size, and never sees a byte twice. It keeps the headers (up to a limit), a
// bounded prefix of the first text for the preview, and one Part of fixed size
// for each entity. Everything else is offsets: a 50 MB body costs the parser
// nothing but the search for line ends.
//
// # No message is refused
//
// A parser gives a Message for any input. What is broken is read the way that
// RFC 2045 §5.2 and §6.4 tell: a Content-Type that cannot be read, or a
// multipart without a boundary or without parts, is text/plain; what lies
// deeper or is more than the Limits allow is application/octet-stream or
// belongs to the last part that was allowed. The same bytes give the same
// tree, and every part of the tree can be fetched: Section resolves each
// number that BODYSTRUCTURE shows to a range of the message's bytes.
//
// # Summary
//
// What the store keeps of a message is its Index (AppendIndex, Index): the
// ENVELOPE and BODYSTRUCTURE in IMAP's wire form, the parts with their
// offsets, the preview and the sort keys; and the raw header. Both hold for
// the lifetime of the message; Version tells when they must be made anew.
//
// All strings in wire forms are valid UTF-8 without NUL: a header value that
// is neither ASCII nor UTF-8 is read as windows-1252. What is not ASCII stands
// in a literal, which is legal in IMAP4rev1 and rev2 alike.
package message
