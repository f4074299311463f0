package imapserver

import (
	"citron/store/account"
	"citron/store/uidset"
	"citron/store/uidset/window"
	"citron/wire/imap"
)

// Telling a client what has changed in its contexts (RFC 5267 §4.3.2). It goes
// with the responses that tell of the cause: REMOVEFROM of messages that went
// before their EXPUNGE, while their numbers hold (§4.3.4); everything else
// after EXISTS and FETCH (§4.3.3, RFC 5465 §5). Where EXPUNGE must wait, so does
// what came, but not REMOVEFROM.

// contextNews is what is to be told of one context.
type contextNews struct {
	x    *liveContext
	next results
	// What went with an EXPUNGE that comes now, what else no longer belongs
	// to the results, and what does now.
	expunged, removed, added uidset.Ranges
	// The same at their positions, if the context is sorted: what goes from
	// the last to the first.
	expungedAt, removedAt, addedAt []window.Placed
}

// contextNews brings the results up to date and compares them with what the
// client was told.
func (s *Session) contextNews(c *command, d *delta) ([]contextNews, error) {
	m := s.selected
	came := d.came // that the client is told of now
	if !d.whole && s.notify == nil {
		came = nil
	}
	var all []contextNews
	for _, x := range m.contexts {
		n := contextNews{x: x}
		if d.frozen {
			n.loses(d.gone)
			all = append(all, n)
			continue
		}
		var err error
		if n.next, err = s.current(c, x.live, d.next); err != nil {
			return nil, err
		}
		n.compare(m.view.Set, came, d.gone)
		all = append(all, n)
	}
	return all, nil
}

// current brings results up to date.
func (s *Session) current(c *command, l *liveResults, next account.View) (results, error) {
	for {
		now, done, err := l.step(s, s.selected, next)
		if done || err != nil {
			return now, err
		}
		if err := c.breathe(); err != nil {
			return now, err
		}
	}
}

// compare finds out what is new. The client knows of the messages in known and
// in came; gone are those whose EXPUNGE comes now. What it does not know of is
// left for the next time.
func (n *contextNews) compare(known *uidset.Set, came, gone uidset.Ranges) {
	told := n.x.told
	out, in := uidset.Diff(told.set, n.next.set)
	n.added = known.Intersect(in).Union(came.Intersect(in))
	n.expunged, n.removed = out.Intersect(gone), out.Subtract(gone)
	untold := in.Subtract(n.added)
	if len(untold) > 0 {
		n.next.set = setWithout(n.next.set, untold)
	}
	if n.x.live.sorted() && len(out)+len(in) > 0 {
		n.comparePlaces(untold, gone)
	}
}

// loses is compare for a client that is told of nothing but what it expunges
// itself (RFC 5465 §3.1, NONE).
func (n *contextNews) loses(gone uidset.Ranges) {
	n.next = n.x.told
	if n.expunged = n.next.set.Intersect(gone); len(n.expunged) == 0 {
		return
	}
	n.next.set = setWithout(n.next.set, n.expunged)
	if !n.x.live.sorted() {
		return
	}
	var without []window.Item
	for it := range n.next.seq.All() {
		if n.expunged.Contains(it.UID) {
			without = append(without, it)
		}
	}
	n.next.seq = n.next.seq.Apply(without, nil)
	n.expungedAt, _ = window.Changes(n.x.told.seq, n.next.seq)
}

// setWithout is a set without some of its messages.
func setWithout(set *uidset.Set, uids uidset.Ranges) *uidset.Set {
	edit := set.Edit()
	uids.Each(func(u uidset.UID) bool { return edit.Remove(u, 0) })
	return edit.Done()
}

// comparePlaces does the same for sequences.
func (n *contextNews) comparePlaces(untold, gone uidset.Ranges) {
	told := n.x.told.seq
	removed, added := window.Changes(told, n.next.seq)
	if len(untold) > 0 {
		var without []window.Item
		for _, p := range added {
			if untold.Contains(p.UID) {
				without = append(without, p.Item)
			}
		}
		n.next.seq = n.next.seq.Apply(without, nil)
		removed, added = window.Changes(told, n.next.seq)
	}
	n.addedAt = added
	for _, p := range removed {
		if gone.Contains(p.UID) {
			n.expungedAt = append(n.expungedAt, p)
		} else {
			n.removedAt = append(n.removedAt, p)
		}
	}
	n.moveUp()
}

// moveUp corrects the positions of what is removed when that which went with
// EXPUNGE is no longer there. Both run from the last to the first.
func (n *contextNews) moveUp() {
	before := n.expungedAt
	for i := range n.removedAt {
		p := &n.removedAt[i]
		for len(before) > 0 && before[0].Position > p.Position {
			before = before[1:]
		}
		p.Position -= len(before)
	}
}

// tellExpunged writes REMOVEFROM of what is about to be expunged.
func (s *Session) tellExpunged(c *command, all []contextNews) error {
	for i := range all {
		n := &all[i]
		if err := s.writeContext(c, n.x, s.changes(n, true, n.expunged, n.expungedAt)); err != nil {
			return err
		}
	}
	return nil
}

// tellContexts writes all else, and notes what was told.
func (s *Session) tellContexts(c *command, all []contextNews) error {
	for i := range all {
		n := &all[i]
		changes := s.changes(n, true, n.removed, n.removedAt)
		if err := s.writeContext(c, n.x, append(changes, s.changes(n, false, n.added, n.addedAt)...)); err != nil {
			return err
		}
		n.x.told, n.x.fresh = n.next, false
	}
	return nil
}

// maxChanges is how many ranges of messages one ESEARCH tells of at most.
const maxChanges = 1024

// writeContext writes changes, which may be many, in pieces that hold one after
// the other. The only error is errGone.
func (s *Session) writeContext(c *command, x *liveContext, changes []imap.ContextChange) error {
	d := imap.SearchData{Tag: x.tag, UID: x.uid}
	if m := s.selected; x.named { // RFC 7377 §2.1
		d.Mailbox, d.UIDValidity = m.prefix+m.info().Name, m.view.Info.UIDValidity
	}
	for len(changes) > 0 {
		var piece []imap.ContextChange
		for room := maxChanges; len(changes) > 0 && room > 0; {
			some, rest := divideChange(changes[0], room)
			piece, room = append(piece, some), room-len(some.Nums)
			if changes[0] = rest; len(rest.Nums) == 0 {
				changes = changes[1:]
			}
		}
		d.Changes = piece
		s.w.ESearch(&d)
		if err := c.breathe(); err != nil {
			return err
		}
	}
	return nil
}

// divideChange gives the first ranges of a pair and the pair of the others, to
// be told after it: what is added further on stands further on, what is removed
// has moved up.
func divideChange(p imap.ContextChange, ranges int) (some, rest imap.ContextChange) {
	if len(p.Nums) <= ranges {
		return p, rest
	}
	some, rest = p, p
	some.Nums, rest.Nums = p.Nums[:ranges], p.Nums[ranges:]
	if p.Position > 0 && !p.Remove {
		rest.Position += uint32(imap.NumSet(some.Nums).Count())
	}
	return some, rest
}

// changes makes pairs of what is new. In mailbox order one pair at position 0
// says it all, in the shortest form.
func (s *Session) changes(n *contextNews, remove bool, uids uidset.Ranges, at []window.Placed) []imap.ContextChange {
	if n.x.live.sorted() {
		return s.positioned(n.x, remove, at)
	}
	if len(uids) == 0 {
		return nil
	}
	if !n.x.uid {
		uids = seqs(s.selected.view.Set, uids)
	}
	return []imap.ContextChange{{Remove: remove, Nums: numSet(uids)}}
}

// positioned makes pairs of messages at their positions; neighbours share one,
// at the position of the first of them.
func (s *Session) positioned(x *liveContext, remove bool, at []window.Placed) (pairs []imap.ContextChange) {
	for len(at) > 0 {
		n := 1
		for step := neighbour(remove); n < len(at) && at[n].Position == at[n-1].Position+step; n++ {
		}
		pair := imap.ContextChange{Remove: remove, Position: uint32(min(at[0].Position, at[n-1].Position))}
		for i := range n {
			p := at[i]
			if remove {
				p = at[n-1-i]
			}
			number := s.shown(x, p.UID)
			pair.Nums = imap.AppendSorted(pair.Nums, imap.Range{From: number, To: number})
		}
		pairs = append(pairs, pair)
		at = at[n:]
	}
	return pairs
}

// neighbour is how positions run: up, and down for what is removed.
func neighbour(remove bool) int {
	if remove {
		return -1
	}
	return 1
}

// shown is a message as the client calls it.
func (s *Session) shown(x *liveContext, u uidset.UID) uint32 {
	if x.uid {
		return uint32(u)
	}
	seq, _ := s.selected.view.Set.Seq(u)
	return seq
}
