package imapserver

import (
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// narrower finds, from the sets that the mailbox keeps anyway, which messages
// can match a search key at all: UNSEEN in a mailbox of a million costs a walk
// over bitmaps.
type narrower struct {
	s *Session
	c *command
	m *selected
	// now is the mailbox's present, whose flags count; without a Set until
	// needed.
	now account.View
	// gone are the messages the client still counts with that now does not
	// have; the sets do not know their flags.
	gone uidset.Ranges
	// told is all the client counts with, once asked for.
	told uidset.Ranges
	// text is the search index, nil until needed; asked counts its keys.
	text  *account.TextIndex
	asked int
}

// narrow gives the UIDs among which all matches of k are; exact says that all
// of them match.
func (n *narrower) narrow(k *imap.SearchKey) (among uidset.Ranges, exact bool, err error) {
	if err := n.c.breathe(); err != nil {
		return nil, false, err
	}
	switch k.Op {
	case imap.SearchAll:
		return n.whole(), true, nil
	case imap.SearchSeq, imap.SearchUID:
		among, err := n.numbers(k)
		return among, true, err
	case imap.SearchFlag, imap.SearchUnflag:
		return n.flag(k)
	case imap.SearchModSeq:
		return n.modSeq(account.ModSeq(k.Num))
	case imap.SearchAnd:
		return n.all(k.Keys)
	case imap.SearchOr:
		return n.any(k.Keys)
	case imap.SearchNot:
		among, exact, err := n.narrow(&k.Keys[0])
		if err != nil || !exact {
			return n.whole(), false, err
		}
		return n.whole().Subtract(among), true, nil
	}
	if isText(k) {
		among, err := n.textKey(k)
		return among, false, err
	}
	return n.whole(), false, nil
}

// whole gives all messages that the client counts with.
func (n *narrower) whole() uidset.Ranges {
	if n.told == nil {
		n.told = n.m.view.Set.Ranges()
	}
	return n.told
}

// isWhole says that a set is what whole gave.
func (n *narrower) isWhole(r uidset.Ranges) bool {
	return len(r) > 0 && len(r) == len(n.told) && &r[0] == &n.told[0]
}

// numbers is lenient with sequence numbers beyond the mailbox, as servers are
// in SEARCH: nothing has them.
func (n *narrower) numbers(k *imap.SearchKey) (uidset.Ranges, error) {
	told := n.m.view.Set
	if k.Op == imap.SearchUID || k.Set.Saved {
		return n.m.resolve(k.Set, true)
	}
	return told.Intersect(told.BySeq(ranges(k.Set.Resolve(told.Len())))), nil
}

// setKinds are the flags the sets know of.
var setKinds = map[imap.SystemFlags][2]uidset.Kind{
	imap.FlagSeen:    {uidset.WithoutSeen, uidset.WithSeen},
	imap.FlagDeleted: {uidset.WithoutDeleted, uidset.WithDeleted},
}

func (n *narrower) flag(k *imap.SearchKey) (uidset.Ranges, bool, error) {
	told := n.m.view.Set
	kinds, ok := setKinds[k.Flag]
	if !ok {
		return n.whole(), false, nil
	}
	if err := n.present(); err != nil {
		return nil, false, err
	}
	kind := kinds[0]
	if k.Op == imap.SearchFlag {
		kind = kinds[1]
	}
	now := told.Intersect(n.now.Set.Select(kind, uidset.Everything()))
	// What flags the gone ones had at last, only their entries tell.
	return now.Union(n.gone), len(n.gone) == 0, nil
}

// present looks at the mailbox as it is.
func (n *narrower) present() error {
	if n.now.Set != nil {
		return nil
	}
	view, err := n.m.acct.Open(n.s.srv.ctx, n.m.id())
	if err != nil {
		return err
	}
	n.now = view
	n.gone, _ = uidset.Diff(n.m.view.Set, view.Set)
	return nil
}

// modSeq asks the log for the messages with at least that mod-sequence.
func (n *narrower) modSeq(from account.ModSeq) (uidset.Ranges, bool, error) {
	told := n.m.view.Set
	if from <= 1 {
		return n.whole(), true, nil
	}
	if err := n.present(); err != nil {
		return nil, false, err
	}
	changes, err := n.m.acct.Changes(n.s.srv.ctx, n.now, from-1)
	if err != nil {
		return nil, false, err
	}
	return told.Intersect(changes.Came.Union(changes.Changed).Union(n.gone)), false, nil
}

// all looks first at the keys that cost little: when they leave few messages,
// the search index need not be asked.
func (n *narrower) all(keys []imap.SearchKey) (uidset.Ranges, bool, error) {
	among, exact := n.whole(), true
	for _, ofText := range [...]bool{false, true} {
		for i := range keys {
			if hasText(&keys[i]) != ofText {
				continue
			}
			if ofText && among.Count() <= fewMessages {
				return among, false, nil
			}
			some, e, err := n.narrow(&keys[i])
			if err != nil {
				return nil, false, err
			}
			if exact = exact && e; !n.isWhole(some) {
				among = among.Intersect(some)
			}
		}
	}
	return among, exact, nil
}

func (n *narrower) any(keys []imap.SearchKey) (uidset.Ranges, bool, error) {
	var among uidset.Ranges
	exact := true
	for i := range keys {
		some, e, err := n.narrow(&keys[i])
		if err != nil || n.isWhole(some) {
			return some, e, err
		}
		among, exact = among.Union(some), exact && e
	}
	return among, exact, nil
}
