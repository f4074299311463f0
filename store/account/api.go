package account

// This file is the contract between the account and its callers; see doc.go.

import "time"

// MailboxID numbers a mailbox within its account; never reused.
type MailboxID uint32

// UID is a message's unique identifier within its mailbox, 1 … 2^32-1.
type UID uint32

// ModSeq is a modification sequence (RFC 7162), common to the whole account:
// each transaction that changes anything takes the next.
type ModSeq uint64

// ObjectID numbers a stored message within its account, in order of arrival;
// copies of a message share it.
type ObjectID uint64

// Actor says on whose behalf a call is made: the account's owner or, once
// mailboxes are shared, another user. Every change takes one.
type Actor struct {
	Account uint64 // the acting account's number
	Name    string // for logs
}

// SystemFlag is a bit set of RFC 9051's system flags.
type SystemFlag uint8

const (
	Seen SystemFlag = 1 << iota
	Answered
	Flagged
	Deleted
	Draft
)

// MailboxInfo describes a mailbox at one moment; a value, never changed.
type MailboxInfo struct {
	ID          MailboxID
	Name        string // UTF-8, "/" between levels, INBOX in capitals
	ObjectID    string // MAILBOXID (RFC 8474)
	UIDValidity uint32
	UIDNext     UID
	ModSeq      ModSeq // HIGHESTMODSEQ
	Messages    uint32
	Unseen      uint32
	Deleted     uint32
	Size        uint64 // sum of RFC822.SIZE
	SpecialUse  []string
	Keywords    []string // table: index → keyword as first seen
	Subscribed  bool
}

// Entry is what an account knows of one message in one mailbox.
type Entry struct {
	UID          UID
	Object       ObjectID
	ModSeq       ModSeq
	Flags        SystemFlag
	Keywords     Keywords // bits of MailboxInfo.Keywords
	Size         int64
	InternalDate time.Time
	SaveDate     time.Time
}

// FlagChange is a STORE's operation on one set of messages.
type FlagChange struct {
	Op             FlagOp
	System         SystemFlag
	Keywords       []string
	UnchangedSince *ModSeq // RFC 7162 §3.1.3
}

// FlagOp says what a FlagChange does with the flags it names.
type FlagOp uint8

const (
	ReplaceFlags FlagOp = iota
	AddFlags
	RemoveFlags
)
