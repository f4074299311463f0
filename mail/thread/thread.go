// Package thread groups messages into threads as THREAD does (RFC 5256 §3): by
// ORDEREDSUBJECT and by REFERENCES.
//
// Nothing here is recursive, and the time is that of sorting the messages and
// their references, however the references may lie: a thread may be as deep as
// there are messages, and its messages come from strangers.
package thread

import (
	"cmp"
	"slices"

	"citron/wire/imap"
)

// Message is a message to be threaded. Messages are given in the order of the
// mailbox, which decides where sent dates are the same (RFC 5256 §2.2).
type Message struct {
	Num  uint32 // its number or UID, as the answer shall have it
	Date int64  // sent date, in seconds
	// Subject is the same number for the same base subject; 0 for an empty
	// one. Ascending numbers are ascending subjects.
	Subject uint32
	// Reply: the subject is that of a reply or forward.
	Reply bool
	// ID stands for the Message-ID, 0 for none; Refs for the references: the
	// identifiers of References, or the first of In-Reply-To.
	ID   uint64
	Refs []uint64
}

// Breathe is called now and then; an error ends the work and is given back.
type Breathe func() error

// sooner orders messages by sent date.
func sooner(messages []Message) func(a, b int32) int {
	return func(a, b int32) int {
		return cmp.Or(cmp.Compare(messages[a].Date, messages[b].Date), cmp.Compare(a, b))
	}
}

// numbers are 0 … n-1.
func numbers(n int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32(i)
	}
	return list
}

// OrderedSubject threads messages with the same base subject: the first of
// them, and all others as its children.
func OrderedSubject(messages []Message) []imap.ThreadMember {
	date := sooner(messages)
	sorted := numbers(len(messages))
	slices.SortFunc(sorted, func(a, b int32) int {
		return cmp.Or(cmp.Compare(messages[a].Subject, messages[b].Subject), date(a, b))
	})
	var threads [][]int32
	for from := 0; from < len(sorted); {
		to := from + 1
		for to < len(sorted) && messages[sorted[to]].Subject == messages[sorted[from]].Subject {
			to++
		}
		threads = append(threads, sorted[from:to])
		from = to
	}
	slices.SortFunc(threads, func(a, b []int32) int { return date(a[0], b[0]) })
	members := make([]imap.ThreadMember, 0, len(messages))
	for _, t := range threads {
		members = append(members, imap.ThreadMember{Num: messages[t[0]].Num})
		for _, child := range t[1:] {
			members = append(members, imap.ThreadMember{Num: messages[child].Num, Depth: 1, Fork: len(t) > 2})
		}
	}
	return members
}
