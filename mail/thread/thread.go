// Package thread groups messages into threads as THREAD does (RFC 5256 §3): by
// ORDEREDSUBJECT and by REFERENCES.
//
// Nothing here is recursive, and the time is that of sorting the messages and
// their references, however the references may lie: a thread may be as deep as
// there are messages, and its messages come from strangers.
package thread

import (
	"cmp"

	"citron/mail/merge"
	"citron/wire/imap"
)

// Message is a message to be threaded. Messages are given in the order of the
// mailbox, which decides where sent dates are the same (RFC 5256 §2.2).
type Message struct {
	Num  uint32 // its number or UID, as the answer shall have it
	Date int64  // sent date, in seconds
	// Subject is the same number for the same base subject; 0 for an empty
	// one.
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

// dated is a message by its place in the mailbox.
type dated struct {
	date int64
	at   int32
}

func sooner(a, b dated) int { return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.at, b.at)) }

// byDate gives the messages' places in the order of their sent dates.
func byDate(messages []Message, breathe Breathe) ([]int32, error) {
	list := make([]dated, len(messages))
	for i := range messages {
		list[i] = dated{messages[i].Date, int32(i)}
	}
	list, err := merge.Sort(list, sooner, breathe)
	if err != nil {
		return nil, err
	}
	places := make([]int32, len(list))
	for i, d := range list {
		places[i] = d.at
	}
	return places, nil
}

// OrderedSubject threads messages with the same base subject: the first of
// them, and all others as its children.
func OrderedSubject(messages []Message, breathe Breathe) ([]imap.ThreadMember, error) {
	dated, err := byDate(messages, breathe)
	if err != nil {
		return nil, err
	}
	var threads [][]int32 // which begin in the order of their first messages
	of := map[uint32]int{}
	for _, at := range dated {
		thread, known := of[messages[at].Subject]
		if !known {
			thread = len(threads)
			of[messages[at].Subject] = thread
			threads = append(threads, nil)
		}
		threads[thread] = append(threads[thread], at)
	}
	members := make([]imap.ThreadMember, 0, len(messages))
	for _, t := range threads {
		members = append(members, imap.ThreadMember{Num: messages[t[0]].Num})
		for _, child := range t[1:] {
			members = append(members, imap.ThreadMember{Num: messages[child].Num, Depth: 1, Fork: len(t) > 2})
		}
	}
	return members, nil
}
