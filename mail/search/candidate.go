package search

import (
	"io"
	"time"

	"citron/mail/collate"
	"citron/mail/message"
	"citron/wire/imap"
)

// Level says how much of a message must be read, each level including those
// before it.
type Level uint8

const (
	// Entry: what the mailbox knows, from Seq to HasKeyword.
	Entry Level = iota
	// Index: EmailID, ThreadID, Index.
	Index
	// Header: Header.
	Header
	// Body: Body.
	Body
)

// Candidate is a message to be tested. A Program calls a method only if a key
// needs it, and may call it again: what had to be fetched is worth keeping.
type Candidate interface {
	Seq() uint32
	UID() uint32
	ModSeq() uint64
	Flags() imap.SystemFlags
	// HasKeyword compares without regard to ASCII case.
	HasKeyword(keyword string) bool
	Size() int64 // RFC822.SIZE
	// InternalDate is in the zone in which it was given.
	InternalDate() time.Time
	// SaveDate is when the message came into the mailbox (RFC 8514); the
	// zero time if that is not known.
	SaveDate() time.Time

	EmailID() (string, error)
	ThreadID() (string, error)
	Index() (message.Index, error)
	// Header is the whole raw header, up to a limit of the caller's.
	Header() ([]byte, error)
	// Body reads the whole message as stored, header included: the offsets
	// are those of the Index.
	Body() (io.ReaderAt, error)
}

// Env is what the strings and numbers of a program are relative to.
type Env struct {
	// Now is the time of the command, for OLDER and YOUNGER (RFC 5032).
	Now time.Time
	// MaxSeq and MaxUID are what "*" means: those of the last message, 0 in
	// an empty mailbox.
	MaxSeq, MaxUID uint32
	// Saved are the UIDs that "$" stands for (RFC 5182).
	Saved imap.NumSet
	// Collation is how strings are compared (RFC 5255 §4.6); it must have
	// the substring operation if the program has strings. nil: the default.
	Collation *collate.Collation
}
