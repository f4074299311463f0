package account

// This file is the vocabulary shared by the account and its callers.

import (
	"time"

	"citron/engine/body"
	"citron/mail/acl"
	"citron/store/uidset"
)

// MailboxID numbers a mailbox within its account; never reused.
type MailboxID uint32

// Inbox is the number of INBOX in every account.
const Inbox MailboxID = 1

// UID is a message's unique identifier within its mailbox, 1 … 2^32-1.
type UID = uidset.UID

// ModSeq is a modification sequence (RFC 7162), common to the whole account:
// each transaction that changes anything takes the next. 1 … 2^63-1.
type ModSeq uint64

// ObjectID numbers a stored message within its account, in order of arrival;
// copies of a message share it.
type ObjectID uint64

// Actor says on whose behalf a call is made: the account's owner, or another
// user whom the mailbox's list lets. Every change takes one.
type Actor struct {
	Account uint64 // the acting account's number
	Name    string // for logs

	unbarred bool // flags go along, whatever the rights are
}

// SystemFlag is a bit set of RFC 9051's system flags.
type SystemFlag uint8

// System flags (RFC 9051 §2.3.2).
const (
	Seen SystemFlag = 1 << iota
	Answered
	Flagged
	Deleted
	Draft
)

// MaxKeywords is how many different keywords a mailbox can have, those of
// Reserved among them.
const MaxKeywords = 128

// Keywords is a set of indices into MailboxInfo.Keywords.
type Keywords [MaxKeywords / 64]uint64

// Has says whether keyword i is in the set.
func (k Keywords) Has(i int) bool { return k[i/64]>>(i%64)&1 != 0 }

// With gives the set with keyword i added.
func (k Keywords) With(i int) Keywords {
	k[i/64] |= 1 << (i % 64)
	return k
}

// Without gives the set with every keyword of o taken away.
func (k Keywords) Without(o Keywords) Keywords {
	for i := range k {
		k[i] &^= o[i]
	}
	return k
}

// Union gives what is in either set.
func (k Keywords) Union(o Keywords) Keywords {
	for i := range k {
		k[i] |= o[i]
	}
	return k
}

// Empty says that there is no keyword in the set.
func (k Keywords) Empty() bool { return k == Keywords{} }

// MailboxInfo describes a mailbox at one moment; shared and never changed,
// slices included.
type MailboxInfo struct {
	ID          MailboxID
	Name        string // UTF-8 in NFC, "/" between levels, INBOX in capitals
	ObjectID    string // MAILBOXID (RFC 8474)
	UIDValidity uint32
	UIDNext     uint64 // 1 … 2^32; 2^32: no UID is left
	ModSeq      ModSeq // HIGHESTMODSEQ
	LogFloor    ModSeq // changes after it are in the log
	Messages    uint32
	Unseen      uint32
	Deleted     uint32
	Size        uint64   // sum of RFC822.SIZE
	SpecialUse  []string // as RFC 6154 spells them: \Drafts, \Sent …
	Keywords    []string // table: index → keyword as first seen
	Subscribed  bool
	ACL         acl.List // nil: only the owner has rights
}

// View is a mailbox at one moment: what a session has been told. A value that
// can be kept; everything it points to is shared and never changed.
type View struct {
	Info *MailboxInfo
	Set  *uidset.Set

	extents []extent
}

// ModSeq is the mailbox's HIGHESTMODSEQ at that moment.
func (v View) ModSeq() ModSeq { return v.Info.ModSeq }

// Entry is what an account knows of one message in one mailbox.
type Entry struct {
	UID      UID
	Object   ObjectID
	ModSeq   ModSeq
	Flags    SystemFlag
	Keywords Keywords // bits of MailboxInfo.Keywords
	Size     int64    // RFC822.SIZE
	// Internationalized: its header is in UTF-8; for clients that did not
	// enable that its RFC822.SIZE is another (message.Downgraded).
	Internationalized bool
	InternalDate      time.Time
	SaveDate          time.Time // RFC 8514
}

// FlagChange is a STORE's operation on one set of messages.
type FlagChange struct {
	Op             FlagOp
	System         SystemFlag
	Keywords       []string // compared without regard to ASCII case
	UnchangedSince *ModSeq  // RFC 7162 §3.1.3
}

// FlagOp says what a FlagChange does with the flags it names.
type FlagOp uint8

// What a FlagChange does.
const (
	ReplaceFlags FlagOp = iota
	AddFlags
	RemoveFlags
)

// StoreResult says what became of a STORE. Messages that were asked for and
// are in neither set had the wanted flags already, or are not there.
type StoreResult struct {
	Changed  uidset.Ranges // got a new modseq
	Modified uidset.Ranges // refused by UNCHANGEDSINCE
	ModSeq   ModSeq        // of the last change; 0 when nothing changed
}

// AppendItem is one message of an APPEND or delivery.
type AppendItem struct {
	Incoming     *Incoming
	Flags        SystemFlag
	Keywords     []string
	InternalDate time.Time // zero: now
	// For imports: UID asks for this UID, which must not be below UIDNEXT
	// (0: the next), SaveDate for another than now.
	UID      UID
	SaveDate time.Time
	// Sources are messages of this account that it was made of.
	Sources []Source
	// Import, if not zero, is remembered with the message (see Imported).
	Import ImportKey
}

// AppendResult is what APPENDUID says (RFC 4315 §3).
type AppendResult struct {
	UIDValidity uint32
	UIDs        uidset.Ranges // in the order of the items
	ModSeq      ModSeq
}

// CopyResult is what COPYUID says (RFC 4315 §3): the i-th number of Source
// became the i-th of Dest. Both are empty when nothing was there to copy.
type CopyResult struct {
	UIDValidity uint32 // of the destination
	Source      uidset.Ranges
	Dest        uidset.Ranges
	ModSeq      ModSeq
}

// Changes is what happened to a mailbox between a modseq and a View.
type Changes struct {
	Came    uidset.Ranges // in the View, not there before
	Changed uidset.Ranges // in the View, there before, and with other flags
	Gone    uidset.Ranges // there before, not in the View
	// Fleeting came after and are gone again. A client that noted no modseq
	// in between may have seen them.
	Fleeting uidset.Ranges
	// Complete: exact. Otherwise the log no longer reaches back so far
	// (RFC 7162 §3.2.6): Gone is every UID below UIDNEXT that is not in the
	// View, Came is empty and Changed holds what came, too.
	Complete bool
}

// Want says what Summaries shall bring.
type Want uint8

// What Summaries can bring.
const (
	WantIndex  Want = 1 << iota // message.Index, as stored
	WantHeader                  // the raw header
	// WantBody: OpenStored will follow, and costs nothing for messages up to
	// Options.InlineLimit.
	WantBody
	// WantObject: EmailID, ThreadID and Size. WantBody includes it.
	WantObject
)

// Stored is what is kept of a message itself, shared by its copies.
type Stored struct {
	Object ObjectID
	Found  bool   // false: swept long ago; all else is empty
	Err    error  // of kind Damaged: what is there cannot be read
	Size   int64  // as stored; RFC822.SIZE differs for a message with NULs
	Index  []byte // with WantIndex; not to be modified
	Header []byte // with WantHeader; not to be modified
	// HeaderWhole: Header is all of it; otherwise open the message.
	HeaderWhole bool

	emailID, threadID objectID
	ref               body.Ref
	inline            *inlineReader // with WantBody, of a message kept in the engine
}

// EmailID is the message's identity (RFC 8474 §5.1), shared by its copies; with
// WantObject.
func (s *Stored) EmailID() string { return s.emailID.text('M') }

// ThreadID is that of the thread it belongs to (RFC 8474 §5.2); with WantObject.
func (s *Stored) ThreadID() string { return s.threadID.text('T') }

// Quota is an account's storage limit (RFC 9208 STORAGE), in bytes.
type Quota struct {
	Used  uint64 // sum of RFC822.SIZE over all mailboxes
	Limit uint64 // 0: none
}

// CreateOptions say how a new account begins.
type CreateOptions struct {
	Quota uint64 // bytes, 0: none
	// StandardFolders makes Drafts, Sent, Junk, Trash and Archive with their
	// special use, subscribed.
	StandardFolders bool
}

// CreateMailboxOptions are CREATE's parameters and what an import chooses.
type CreateMailboxOptions struct {
	SpecialUse  []string // RFC 6154; at most one mailbox has each
	UIDValidity uint32   // 0: a new one. ErrCannot if it could mislead a client
	ObjectID    string   // "": a new one
	// Like is the mailbox whose access control list it gets if there is none
	// above it; 0: that of the beginning.
	Like MailboxID

	from string // the log shall say that this is it by another name
}
