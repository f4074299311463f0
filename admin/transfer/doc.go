// Package transfer brings mail into an account and out of it: import from
// mbox, Maildir, single files and another IMAP server, export to Maildir and
// mbox.
//
// An import remembers, in the account and in the transaction of the message
// itself, the identity of each message it brought: (source, UIDVALIDITY and
// UID) of an IMAP server, (source, unique name) of a Maildir, hash and date of
// an mbox or a file. So it can be interrupted anywhere, repeated at will, and
// never adds a message twice or brings back one that the user has since moved
// or deleted.
//
// Lines end in CRLF in the store and in LF in mbox and Maildir files; a bare LF
// becomes CRLF on the way in and CRLF becomes LF on the way out.
package transfer

import (
	"context"
	"io"
	"time"
)

// Flags are the system flags and keywords of a message, as IMAP spells them
// (`\Seen`, `$Forwarded`); never `\Recent`.
type Flags []string

// Has says whether the flag is among them.
func (f Flags) Has(flag string) bool {
	for _, have := range f {
		if have == flag {
			return true
		}
	}
	return false
}

// Item is one message that a source offers.
type Item struct {
	Mailbox      string // UTF-8, "/" between levels; INBOX in capitals
	ID           string // identity within the source; see the package comment
	Flags        Flags
	InternalDate time.Time // zero: now
	UID          uint32    // of an IMAP source; 0: any
	// Open gives the message with CRLF line ends; nil for a Streamer's.
	Open func(ctx context.Context) (io.ReadCloser, error) `json:"-"`

	held int // bytes that it keeps in memory until it was brought
}

// Mailbox is a mailbox that a source offers, before its messages.
type Mailbox struct {
	Name        string
	UIDValidity uint32 // of an IMAP source; 0: any
	UIDNext     uint32 // 0: not known
	ModSeq      uint64 // HIGHESTMODSEQ of an IMAP source; 0: not known
	SpecialUse  []string
	Subscribed  bool
}

// End says that a mailbox has been given whole. What was given so far is
// brought before the source is asked for more.
type End struct{}

// Source yields mailboxes and their messages. Next returns *Mailbox, *Item, an
// item's mailbox always before it, or End, which a source may leave out, and
// io.EOF at the end. A *BadItem error concerns one message or mailbox; the
// source goes on after it.
type Source interface {
	// Name identifies the source, as of the mailbox last given, for the
	// memory of what it brought.
	Name() string
	Next(ctx context.Context) (any, error)
	Close() error
}

// Streamer is a Source that gives many messages in one go.
type Streamer interface {
	Source
	// Stream calls each for every one of the items that is still there, in
	// any order, and returns its error, if there is one. All are of the
	// mailbox last given.
	Stream(ctx context.Context, items []*Item, each func(*Item, io.Reader) error) error
}

// BadItem says that one message could not be read.
type BadItem struct {
	Where string
	Cause error
}

func (e *BadItem) Error() string { return e.Where + ": " + e.Cause.Error() }
func (e *BadItem) Unwrap() error { return e.Cause }

// Target receives an import. It is the account, in process or behind the
// command socket.
type Target interface {
	// Ensure makes the mailbox unless it is there; one that never held a
	// message it gives the source's UIDVALIDITY. It says whether UIDs may be
	// kept. A *BadItem: there can be no such mailbox, and it is left out.
	Ensure(ctx context.Context, m Mailbox) (keepUIDs bool, err error)
	// Complete is called when all of a mailbox whose UIDs are kept is there:
	// no UID below its UIDNext will be given to another message.
	Complete(ctx context.Context, m Mailbox) error
	// Known says of each identity whether this source already brought it.
	Known(ctx context.Context, source string, ids []string) ([]bool, error)
	// Append files the message and remembers it in one transaction. It gives
	// the UID: the item's, if it has one that is still free.
	Append(ctx context.Context, source string, item *Item, message io.Reader) (uid uint32, err error)
}

// Progress is told after each message; for the terminal.
type Progress struct {
	Mailbox           string
	Added, Known, Bad int
	Bytes             int64
	Problems          []*BadItem // in order; each counted in Bad
	// Renumbered are mailboxes of an IMAP source of which not all UIDs could
	// be kept: clients will fetch messages anew.
	Renumbered []string
}

// Add adds the counts of another import.
func (p *Progress) Add(o Progress) {
	p.Added, p.Known, p.Bad = p.Added+o.Added, p.Known+o.Known, p.Bad+o.Bad
	p.Bytes += o.Bytes
	p.Problems = append(p.Problems, o.Problems...)
	p.Renumbered = append(p.Renumbered, o.Renumbered...)
}
