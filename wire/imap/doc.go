// Package imap is the syntax of IMAP4rev1 (RFC 3501), IMAP4rev2 (RFC 9051) and
// their extensions: bytes to typed values and back. It holds no I/O policy,
// storage, configuration or logging, so that server, client tools, bench and
// fuzzers share it.
//
// # Server side
//
// A Scanner gathers bytes into a Frame, one whole command with its literals,
// asking at each literal what to do with it; a Parser turns the Frame into a
// Command; a Writer appends responses to a byte slice.
//
// # Client side
//
// AppendCommand writes a Command, a ResponseReader reads responses.
//
// # Invariants
//
//   - Whatever the input, memory is bounded by Limits, nothing panics, and an
//     error is an *Error.
//   - A Scanner between commands holds no buffer.
//   - Parsed values never alias the input.
//   - What AppendCommand and Writer write, Parser and ResponseReader read
//     back as the same value.
//   - Mailbox names in typed values are UTF-8 with INBOX in capitals; modified
//     UTF-7 exists on the wire only.
//
// # Adding an extension
//
// A verb is a type in a new file with its parse function and a line in the
// table verbs (verbs.go); a parameter, search key, fetch item or response code
// is a line in the table beside its parser; a capability is a line in
// extensions (capability.go).
package imap
