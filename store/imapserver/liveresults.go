package imapserver

import (
	"sync"
	"time"

	"citron/mail/search"
	"citron/store/account"
	"citron/store/order"
	"citron/store/uidset"
	"citron/store/uidset/window"
	"citron/wire/imap"
)

// liveResults are the messages of a mailbox that match a program, in an order,
// kept up with the mailbox for all sessions of the process that want the same
// (RFC 5267 §4.3). Nobody keeps them up in the background: a session that is
// about to tell its client goes as many steps as lead to the present, each
// bounded, so that what one session has found out the next need not. A change
// costs what it changed.
type liveResults struct {
	key     resultsKey
	program imap.SearchKey // with numbers resolved (settleKey)
	order   order.Order    // without criteria: mailbox order
	weight  uint64         // 1, more where texts must be read
	sharers int            // contexts that use it; by contexts.mu

	mu sync.Mutex
	// view is the latest that anybody came with: what had changed up to it is
	// in now, or pending.
	view    account.View
	pending uidset.Ranges
	now     results
	keys    map[uidset.UID]string // with order: of the messages in now
	turns   turns
}

// results are at one moment; what they point to is never changed.
type results struct {
	set *uidset.Set
	seq *window.Sequence // nil in mailbox order
}

// maxStep is how many messages are looked at in one step, fewer when their
// text must be read.
const (
	maxStep     = 256
	maxTextStep = 8
)

func newLiveResults(key resultsKey, program imap.SearchKey, by order.Order) *liveResults {
	l := &liveResults{key: key, program: program, order: by, weight: 1}
	if search.Compile(&program, search.Env{}).Level() > search.Index {
		l.weight = maxStep / maxTextStep
	}
	return l
}

// begin gives what a command has told that found this much in the mailbox as
// its session sees it; the first such command makes it the results.
func (l *liveResults) begin(c *command, m *selected, found uidset.Ranges) (told results, err error) {
	now, in, without := l.against(found)
	if now.set == nil {
		items, err := l.items(c, m, found)
		if err != nil {
			return told, err
		}
		l.init(m.view, found, items)
		now, in, without = l.against(found)
	}
	if len(in) == 0 && now.set.Ranges().Count() == found.Count() {
		return now, nil
	}
	if told.set = setOf(found); !l.sorted() {
		return told, nil
	}
	with, err := l.items(c, m, in)
	if err != nil {
		return told, err
	}
	told.seq = now.seq.Apply(without, with)
	return told, nil
}

// init makes what was found the results as of a view, unless somebody has.
func (l *liveResults) init(view account.View, found uidset.Ranges, items []window.Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now.set != nil {
		return
	}
	l.view, l.now.set = view, setOf(found)
	if isTimed(&l.program) { // every message is to have its turn noted
		l.pending = view.Set.Ranges()
	}
	if !l.sorted() {
		return
	}
	l.now.seq, l.keys = window.New(items), make(map[uidset.UID]string, len(items))
	for _, it := range items {
		l.keys[it.UID] = it.Key
	}
}

// against compares the results with what a command found: what it has more, and
// the places of what it has not.
func (l *liveResults) against(found uidset.Ranges) (now results, in uidset.Ranges, without []window.Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now.set == nil {
		return
	}
	have := l.now.set.Ranges()
	if l.sorted() {
		have.Subtract(found).Each(func(u uidset.UID) bool {
			without = append(without, window.Item{Key: l.keys[u], UID: u})
			return true
		})
	}
	return l.now, found.Subtract(have), without
}

// state gives what is known so far, and when that may change by itself because
// the program asks for the age of messages; the zero time for never.
func (l *liveResults) state() (known results, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now, l.turns.next()
}

// step takes the results nearer to the mailbox as of next, or as of whatever
// is newest; done when they are there.
func (l *liveResults) step(s *Session, m *selected, next account.View) (now results, done bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.note(s, m, next); err != nil {
		return now, false, err
	}
	if len(l.pending) == 0 {
		return l.now, true, nil
	}
	some, rest := l.pending.Cut(maxStep / l.weight)
	if err := l.place(l.evaluator(s, m), some); err != nil {
		return now, false, err
	}
	l.pending = rest
	return l.now, len(rest) == 0, nil
}

// note makes pending what has changed up to next, and what time has changed.
func (l *liveResults) note(s *Session, m *selected, next account.View) error {
	l.pending = l.pending.Union(l.turns.take(s.now))
	if next.ModSeq() < l.view.ModSeq() {
		return nil // another session was here before
	}
	changes, err := m.acct.Changes(s.srv.ctx, next, l.view.ModSeq())
	if err != nil {
		return err
	}
	changed := changes.Came.Union(changes.Changed)
	if hasStar(&l.program) { // whose messages are others when the last one is
		changed = changed.Union(last(l.view.Set)).Union(last(next.Set))
	}
	// The results may begin with messages that came after their view, when its
	// client was told of those before it was told of what is gone.
	gone := changes.Gone.Union(changes.Fleeting)
	l.pending = l.pending.Union(changed).Union(l.now.set.Intersect(gone))
	l.view = next
	return nil
}

// last is the last message, as a set.
func last(set *uidset.Set) uidset.Ranges {
	if set.Len() == 0 {
		return nil
	}
	return uidset.Single(set.Last())
}

// evaluator tries the program on messages of the mailbox as it is.
func (l *liveResults) evaluator(s *Session, m *selected) *searcher {
	at := &selected{acct: m.acct, view: l.view}
	return s.newSearcher(&command{s: s}, at, &l.program, l.order.Comparator.Collation)
}

// place finds out which of some messages belong where.
func (l *liveResults) place(e *searcher, some uidset.Ranges) error {
	there := l.view.Set.Intersect(some)
	if err := e.m.acct.Entries(e.s.srv.ctx, l.view, there, e.batch); err != nil {
		return err
	}
	out := l.now.set.Intersect(some).Subtract(e.found)
	in := e.found.Subtract(l.now.set.Intersect(some))
	if err := l.putInOrder(e, out, in); err != nil {
		return err
	}
	edit := l.now.set.Edit()
	out.Each(func(u uidset.UID) bool { return edit.Remove(u, 0) })
	in.Each(func(u uidset.UID) bool { return edit.Add(u, 0, 0) })
	if len(out)+len(in) > 0 {
		l.now.set = edit.Done()
	}
	return l.turns.note(e, &l.program, there)
}

// putInOrder changes the sequence, if there is one.
func (l *liveResults) putInOrder(e *searcher, out, in uidset.Ranges) error {
	if !l.sorted() || len(out)+len(in) == 0 {
		return nil
	}
	with, err := l.items(e.c, e.m, in)
	if err != nil {
		return err
	}
	without := make([]window.Item, 0, out.Count())
	out.Each(func(u uidset.UID) bool {
		without = append(without, window.Item{Key: l.keys[u], UID: u})
		delete(l.keys, u)
		return true
	})
	for _, it := range with {
		l.keys[it.UID] = it.Key
	}
	l.now.seq = l.now.seq.Apply(without, with)
	return nil
}

// setOf makes a set of UIDs.
func setOf(uids uidset.Ranges) *uidset.Set {
	edit := (*uidset.Set)(nil).Edit()
	uids.Each(func(u uidset.UID) bool { return edit.Add(u, 0, 0) })
	return edit.Done()
}

// sorted says whether the results are in another than mailbox order.
func (l *liveResults) sorted() bool { return len(l.order.Criteria) > 0 }

// items gives messages their places in the order; none in mailbox order. What a
// message is sorted by never changes.
func (l *liveResults) items(c *command, m *selected, uids uidset.Ranges) ([]window.Item, error) {
	if !l.sorted() || len(uids) == 0 {
		return nil, nil
	}
	t, err := c.s.sortingOf(c, m, uids)
	if err != nil {
		return nil, err
	}
	defer t.done()
	items := make([]window.Item, 0, uids.Count())
	uids.Each(func(u uidset.UID) bool {
		if key, ok := t.cols.Key(u, &l.order); ok {
			items = append(items, window.Item{Key: key, UID: u})
		}
		return true
	})
	return items, nil
}
