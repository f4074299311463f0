package imapserver

import (
	minheap "container/heap"
	"time"

	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// turns are the moments at which messages come to match, or no longer do, only
// because they grow older: OLDER and YOUNGER in a context (RFC 5032 §2). A
// message is there as long as it has a moment to come, so what is kept is
// bounded by the messages younger than the longest interval asked for.
type turns struct {
	heap  turnHeap
	noted map[uidset.UID]bool // in heap
}

// turn is a message's next moment, in Unix nanoseconds.
type turn struct {
	at  int64
	uid uidset.UID
}

type turnHeap []turn

func (h turnHeap) Len() int           { return len(h) }
func (h turnHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h turnHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *turnHeap) Push(x any)        { *h = append(*h, x.(turn)) }
func (h *turnHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// next is the first moment to come; the zero time for none.
func (t *turns) next() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return time.Unix(0, t.heap[0].at)
}

// take gives the messages whose moment has come.
func (t *turns) take(now time.Time) uidset.Ranges {
	var due []uidset.UID
	for len(t.heap) > 0 && t.heap[0].at <= now.UnixNano() {
		u := minheap.Pop(&t.heap).(turn).uid
		delete(t.noted, u)
		due = append(due, u)
	}
	return uidset.Of(due...)
}

// note notes the next moments of messages that have just been looked at.
func (t *turns) note(e *searcher, k *imap.SearchKey, uids uidset.Ranges) error {
	if !isTimed(k) {
		return nil
	}
	return e.m.acct.Entries(e.s.srv.ctx, e.m.view, uids, func(entries []account.Entry) error {
		for i := range entries {
			u := entries[i].UID
			at := nextTurn(k, entries[i].InternalDate, e.s.now)
			if at.IsZero() || at.Year() > maxTurnYear || t.noted[u] {
				continue
			}
			if t.noted == nil {
				t.noted = map[uidset.UID]bool{}
			}
			t.noted[u] = true
			minheap.Push(&t.heap, turn{at.UnixNano(), u})
		}
		return nil
	})
}

// isTimed says whether what a key matches changes with time alone.
func isTimed(k *imap.SearchKey) bool {
	return hasKey(k, imap.SearchOlder) || hasKey(k, imap.SearchYounger)
}

// nextTurn is the first moment after now at which a message of a date may
// change sides: it becomes OLDER n at date+n, and is YOUNGER n until just that
// moment, included.
func nextTurn(k *imap.SearchKey, date, now time.Time) (first time.Time) {
	consider := func(at time.Time) {
		if at.After(now) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	after := date.Add(time.Duration(min(k.Num, maxInterval)) * time.Second)
	switch k.Op {
	case imap.SearchOlder:
		consider(after)
	case imap.SearchYounger:
		consider(after.Add(time.Nanosecond))
	}
	for i := range k.Keys {
		if at := nextTurn(&k.Keys[i], date, now); !at.IsZero() {
			consider(at)
		}
	}
	return first
}

// maxTurnYear is the last year that is waited for: Unix nanoseconds end in 2262,
// and APPEND takes dates up to 9999.
const maxTurnYear = 2200

// maxInterval in seconds keeps a time.Duration in its bounds.
const maxInterval = 1 << 33
