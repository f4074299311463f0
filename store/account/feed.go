package account

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// What a watcher reads once Watch has woken it. The feed keeps no queue and
// nothing per watcher: who was told of everything up to a modseq asks what is
// new since, and is answered at the cost of what changed, however many
// mailboxes there are.

// News is what is new in an account after a modseq.
type News struct {
	// ModSeq is the account's: what to ask with the next time.
	ModSeq ModSeq
	// Log: the account's log has something (LogSince).
	Log bool
	// Mailboxes had changes of messages, flags or UIDVALIDITY; in the order of
	// their last ones.
	Mailboxes []MailboxNews
}

// MailboxNews says that a mailbox has changed.
type MailboxNews struct {
	Info *MailboxInfo
	// At is the modseq of its last change, Before that of the one before it.
	At, Before ModSeq
	// Messages: some came or went, or the UIDVALIDITY is another; else only
	// flags have changed. Unseen: how many are unseen has.
	Messages, Unseen bool
}

// movement is a mailbox's change at a modseq.
type movement struct {
	at ModSeq
	id MailboxID
}

// moved notes a change of a mailbox beside what its log record says.
func (w *work) moved(at ModSeq, messages bool) {
	if at > w.movedAt {
		w.movedBefore, w.movedAt, w.hasMoved = w.movedAt, at, true
	}
	if messages {
		w.messagesAt = at
	}
	if w.Unseen != w.unseenThen {
		w.unseenThen, w.unseenAt = w.Unseen, at
	}
}

// follow puts the mailboxes that a transaction changed at the end of the trail,
// the account's mailboxes in the order of their last changes. Where a mailbox
// stood before stays until half of the trail is of that kind. The caller holds
// mu and has published the boxes.
func (a *Account) follow(works []*work) {
	from := len(a.trail)
	for _, w := range works {
		if w.hasMoved && !w.removed {
			a.trail = append(a.trail, movement{w.movedAt, w.ID})
		}
	}
	slices.SortFunc(a.trail[from:], func(x, y movement) int { return cmp.Compare(x.at, y.at) })
	if len(a.trail) > 2*len(a.boxes)+64 {
		a.trail = slices.DeleteFunc(a.trail, func(m movement) bool { return a.last(m) == nil })
	}
}

// last gives the mailbox whose last change this is; nil if it has changed
// again, or is gone.
func (a *Account) last(m movement) *box {
	if b := a.boxes[m.id]; b != nil && b.movedAt == m.at {
		return b
	}
	return nil
}

// News says what is new after a modseq that the account had while the caller
// held a handle on it: of what was before the account came into memory nothing
// is known. It reads nothing from the engine.
func (a *Account) News(since ModSeq) News {
	a.mu.RLock()
	defer a.mu.RUnlock()
	n := News{ModSeq: a.head.modseq, Log: a.loggedAt > since}
	for i := len(a.trail) - 1; i >= 0 && a.trail[i].at > since; i-- {
		b := a.last(a.trail[i])
		if b != nil {
			n.Mailboxes = append(n.Mailboxes, MailboxNews{
				Info: &b.MailboxInfo, At: b.movedAt, Before: b.movedBefore, Messages: b.messagesAt > since, Unseen: b.unseenAt > since,
			})
		}
	}
	slices.Reverse(n.Mailboxes)
	return n
}

// publicFeed says when other accounts come to share with anyone, or no longer
// do, which concerns all accounts.
type publicFeed struct {
	mu       sync.Mutex
	changes  uint64
	watchers map[*watcher]bool
}

// WatchPublic has wake called after every such change, as Watch does.
func (a *Account) WatchPublic(wake func()) (cancel func()) {
	p, w := &a.store.publicFeed, &watcher{wake}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watchers == nil {
		p.watchers = make(map[*watcher]bool)
	}
	p.watchers[w] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, w)
	}
}

// PublicChanges counts such changes: unchanged means that there was none.
func (a *Account) PublicChanges() uint64 {
	p := &a.store.publicFeed
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changes
}

func (p *publicFeed) changed() {
	p.mu.Lock()
	p.changes++
	all := slices.Collect(maps.Keys(p.watchers))
	p.mu.Unlock()
	for _, w := range all {
		w.wake()
	}
}
