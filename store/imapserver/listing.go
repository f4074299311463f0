package imapserver

import (
	"slices"
	"sort"
	"strings"

	"citron/mail/mailbox"
	"citron/wire/imap"
)

// listing answers LIST and LSUB from the names of an account at one moment
// (RFC 9051 §6.3.9, RFC 5258, RFC 6154).
type listing struct {
	listRequest
	// levels are those of patterns that bring forth names that do not exist
	// and only hold others.
	levels []string
	// rows are all names that may be asked for, in bytewise order.
	rows []listRow
	// chosen are the names that meet the selection criteria; hidden, for
	// RECURSIVEMATCH, those of them that match no pattern. Both in bytewise
	// order.
	chosen, hidden []string
	// boxes are the existing mailboxes in bytewise order.
	boxes []place
}

// listRequest is what is asked for.
type listRequest struct {
	choose   imap.ListSelect
	patterns []string
	// starLevels: besides patterns that end in "%" (RFC 9051 §6.3.9), those
	// with "*" bring forth levels. Clients of the basic syntax know from other
	// servers that one LIST "" "*" has the whole tree, a deleted name that
	// still has inferiors included, which "will acquire the \Noselect
	// attribute" (RFC 3501 §6.3.4). IMAP4rev2 and the extended syntax must not
	// have it so (RFC 9051 §7.3.1, \NonExistent; RFC 5258).
	starLevels bool
	// anyLevel: a level that holds chosen names is listed whether or not a
	// mailbox has its name, or exists below it (LSUB, RFC 3501 §6.3.9).
	anyLevel bool
}

// listRow is one name.
type listRow struct {
	name       string
	at         *place // nil: no such mailbox
	subscribed bool
}

// specialUse is what the mailbox is for; another's is not so for this user.
func (r listRow) specialUse() []string {
	if r.at == nil || r.at.prefix != "" {
		return nil
	}
	return r.at.info.SpecialUse
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
func newListing(boxes []place, subscribed []string, ask listRequest, breathe func() error) (*listing, error) {
	l := &listing{listRequest: ask, boxes: boxes}
	for _, p := range l.patterns {
		if strings.HasSuffix(p, "%") || l.starLevels && strings.Contains(p, "*") {
			l.levels = append(l.levels, p)
		}
	}
	recursive := l.choose&imap.SelectRecursiveMatch != 0
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
func mergeRows(boxes []place, subscribed []string) []listRow {
	rows := make([]listRow, 0, len(boxes)+len(subscribed))
	for len(boxes) > 0 || len(subscribed) > 0 {
		name := ""
		if len(boxes) > 0 {
			name = boxes[0].name()
		}
		switch {
		case len(subscribed) == 0 || len(boxes) > 0 && name < subscribed[0]:
			rows = append(rows, listRow{name, &boxes[0], false})
			boxes = boxes[1:]
		case len(boxes) == 0 || subscribed[0] < name:
			rows = append(rows, listRow{subscribed[0], nil, true})
			subscribed = subscribed[1:]
		default:
			rows = append(rows, listRow{name, &boxes[0], true})
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
		return r.at != nil
	}
	if base&imap.SelectSubscribed != 0 && !r.subscribed {
		return false
	}
	return base&imap.SelectSpecialUse == 0 || len(r.specialUse()) > 0
}

// addParents adds rows for superior names of chosen ones that are not there.
func (l *listing) addParents() {
	before := len(l.rows)
	var added map[string]bool
	for _, name := range l.chosen {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
			parent := name[:i]
			if added[parent] {
				break // and so are its own
			}
			at, there := slices.BinarySearchFunc(l.rows[:before], parent, rowOrder)
			if there && l.meets(l.rows[at]) {
				break // its own are added for its sake
			}
			if there {
				continue
			}
			if added == nil {
				added = map[string]bool{}
			}
			added[parent] = true
			l.rows = append(l.rows, listRow{name: parent})
		}
	}
	if len(l.rows) > before {
		slices.SortFunc(l.rows, func(a, b listRow) int { return strings.Compare(a.name, b.name) })
	}
}

func rowOrder(r listRow, name string) int { return strings.Compare(r.name, name) }

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
	return a, l.anyLevel || r.at == nil && a.hasChildren
}

func (l *listing) hasChildren(name string) bool {
	prefix := name + "/"
	i := sort.Search(len(l.boxes), func(i int) bool { return l.boxes[i].name() >= prefix })
	return i < len(l.boxes) && strings.HasPrefix(l.boxes[i].name(), prefix)
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
