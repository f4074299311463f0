package imapserver

import (
	"slices"
	"sort"
	"strings"

	"citron/mail/mailbox"
	"citron/store/account"
	"citron/wire/imap"
)

// listing answers LIST and LSUB from the names of an account at one moment
// (RFC 9051 §6.3.9, RFC 5258, RFC 6154).
type listing struct {
	patterns []string
	// levels are those of patterns that end in "%": they bring forth names
	// that do not exist and only hold others (RFC 9051 §6.3.9).
	levels []string
	choose imap.ListSelect
	// rows are all names that may be asked for, in bytewise order.
	rows []listRow
	// chosen are the names that meet the selection criteria; hidden, for
	// RECURSIVEMATCH, those of them that match no pattern. Both in bytewise
	// order.
	chosen, hidden []string
	// boxes are the existing mailboxes in bytewise order.
	boxes []*account.MailboxInfo
	// anyLevel: a level that holds chosen names is listed whether or not a
	// mailbox has its name, or exists below it (LSUB, RFC 3501 §6.3.9).
	anyLevel bool
}

// listRow is one name.
type listRow struct {
	name       string
	info       *account.MailboxInfo // nil: no such mailbox
	subscribed bool
}

// listAnswer is one LIST response to be.
type listAnswer struct {
	listRow
	hasChildren bool
	// childInfo: the CHILDINFO extended data item belongs to it (§6.3.9.6).
	childInfo bool
	// met: the name itself meets the selection criteria.
	met bool
}

// newListing prepares the answers; breathe is called now and then, since an
// account can have many names and a client many patterns, and its error ends
// the work.
func newListing(boxes []*account.MailboxInfo, subscribed []string, choose imap.ListSelect, patterns []string, breathe func() error) (*listing, error) {
	l := &listing{boxes: boxes, choose: choose, patterns: patterns}
	for _, p := range patterns {
		if strings.HasSuffix(p, "%") {
			l.levels = append(l.levels, p)
		}
	}
	recursive := choose&imap.SelectRecursiveMatch != 0
	l.rows = mergeRows(boxes, subscribed)
	for _, r := range l.rows {
		if !l.meets(r) {
			continue
		}
		l.chosen = append(l.chosen, r.name)
		if recursive && !matchesAny(l.patterns, r.name) {
			l.hidden = append(l.hidden, r.name)
		}
		if err := breathe(); err != nil {
			return nil, err
		}
	}
	if len(l.levels) > 0 || recursive {
		l.addParents()
	}
	return l, nil
}

// mergeRows joins two sorted lists by name.
func mergeRows(boxes []*account.MailboxInfo, subscribed []string) []listRow {
	rows := make([]listRow, 0, len(boxes)+len(subscribed))
	for len(boxes) > 0 || len(subscribed) > 0 {
		switch {
		case len(subscribed) == 0 || len(boxes) > 0 && boxes[0].Name < subscribed[0]:
			rows = append(rows, listRow{boxes[0].Name, boxes[0], false})
			boxes = boxes[1:]
		case len(boxes) == 0 || subscribed[0] < boxes[0].Name:
			rows = append(rows, listRow{subscribed[0], nil, true})
			subscribed = subscribed[1:]
		default:
			rows = append(rows, listRow{boxes[0].Name, boxes[0], true})
			boxes, subscribed = boxes[1:], subscribed[1:]
		}
	}
	return rows
}

// meets says whether a name meets the selection criteria. Without any, it
// must exist.
func (l *listing) meets(r listRow) bool {
	base := l.choose & (imap.SelectSubscribed | imap.SelectSpecialUse)
	if base == 0 {
		return r.info != nil
	}
	if base&imap.SelectSubscribed != 0 && !r.subscribed {
		return false
	}
	return base&imap.SelectSpecialUse == 0 || r.info != nil && len(r.info.SpecialUse) > 0
}

// addParents adds rows for superior names of chosen ones that are not there.
func (l *listing) addParents() {
	known := make(map[string]bool, len(l.rows))
	for _, r := range l.rows {
		known[r.name] = true
	}
	before := len(l.rows)
	for _, name := range l.chosen {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
			if known[name[:i]] {
				continue
			}
			known[name[:i]] = true
			l.rows = append(l.rows, listRow{name: name[:i]})
		}
	}
	if len(l.rows) > before {
		slices.SortFunc(l.rows, func(a, b listRow) int { return strings.Compare(a.name, b.name) })
	}
}

// answer decides about one row (§6.3.9.3).
func (l *listing) answer(r listRow) (listAnswer, bool) {
	if !matchesAny(l.patterns, r.name) {
		return listAnswer{}, false
	}
	a := listAnswer{listRow: r, met: l.meets(r), hasChildren: l.hasChildren(r.name)}
	if l.choose&imap.SelectRecursiveMatch != 0 {
		a.childInfo = anyBelow(l.chosen, r.name)
		return a, a.met || anyBelow(l.hidden, r.name)
	}
	if a.met {
		return a, true
	}
	if !matchesAny(l.levels, r.name) || !anyBelow(l.chosen, r.name) {
		return a, false
	}
	return a, l.anyLevel || r.info == nil && a.hasChildren
}

func (l *listing) hasChildren(name string) bool {
	prefix := name + "/"
	i := sort.Search(len(l.boxes), func(i int) bool { return l.boxes[i].Name >= prefix })
	return i < len(l.boxes) && strings.HasPrefix(l.boxes[i].Name, prefix)
}

// anyBelow says whether the sorted names hold an inferior of name.
func anyBelow(names []string, name string) bool {
	prefix := name + "/"
	i, _ := slices.BinarySearch(names, prefix)
	return i < len(names) && strings.HasPrefix(names[i], prefix)
}

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if mailbox.Match(p, name) {
			return true
		}
	}
	return false
}
