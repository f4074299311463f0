package mailbox

import (
	"slices"
	"strings"

	"citron/wire/imap"
)

// Mailbox is what LIST must know of a name: a mailbox, or a name that is only
// subscribed to.
type Mailbox struct {
	Name       string // canonical
	Exists     bool
	Subscribed bool
	SpecialUse []string // attributes such as \Sent; only if Exists
}

// Listed is one name that a LIST answers.
type Listed struct {
	// Mailbox's Exists is false for a name that is subscribed only, or that
	// is only a level above others.
	Mailbox
	HasChildren bool // some descendant exists
	// ChildInfo holds the selection options that a descendant satisfies, for
	// the CHILDINFO item; nil without RECURSIVEMATCH (RFC 5258 §3.5).
	ChildInfo []string
}

// List gives the names of all, in any order, that a LIST with these patterns
// (joined with their reference by Pattern) and selection options answers (RFC
// 5258 §3, RFC 9051 §6.3.9), parents before children, INBOX first.
//
// A name that is no mailbox is listed if it is subscribed and SUBSCRIBED asks
// for that, for the sake of RECURSIVEMATCH, or if a pattern that ends in "%"
// matches it and mailboxes are below.
func List(all []Mailbox, patterns []string, selection imap.ListSelect) []Listed {
	nodes := tree(all)
	recursive := selection&imap.SelectRecursiveMatch != 0
	for i := range nodes {
		n := &nodes[i]
		n.meets = meets(&n.Mailbox, selection)
		n.matches, n.level = matchAny(patterns, n.Name)
	}
	gather(nodes)
	var out []Listed
	for i := range nodes {
		n := &nodes[i]
		switch {
		case !n.matches:
			continue
		case n.meets:
		case recursive && n.unlistedBelow:
		case n.level && !n.Exists && n.existsBelow && selection&^imap.SelectRemote == 0:
		default:
			continue
		}
		l := Listed{Mailbox: n.Mailbox, HasChildren: n.existsBelow}
		if recursive && n.meetsBelow {
			l.ChildInfo = criteria(selection)
		}
		out = append(out, l)
	}
	return out
}

// Lsub gives the names that LSUB answers (RFC 3501 §6.3.9): those subscribed,
// and for a pattern that ends in "%" the levels above them, for which
// Subscribed is false and \Noselect is to be sent.
func Lsub(all []Mailbox, pattern string) []Listed {
	nodes := tree(all)
	for i := range nodes {
		n := &nodes[i]
		n.meets = n.Subscribed
		n.matches, n.level = matchAny([]string{pattern}, n.Name)
	}
	gather(nodes)
	var out []Listed
	for i := range nodes {
		if n := &nodes[i]; n.matches && (n.Subscribed || n.level && n.meetsBelow) {
			out = append(out, Listed{Mailbox: n.Mailbox, HasChildren: n.existsBelow})
		}
	}
	return out
}

// node is a name in the hierarchy, given or a level above one given.
type node struct {
	Mailbox
	parent  int  // index of the level above, less than the own; -1 for none
	meets   bool // the selection options
	matches bool // a pattern
	level   bool // a pattern that ends in "%"

	existsBelow   bool // some descendant exists
	meetsBelow    bool // … meets the selection options
	unlistedBelow bool // … meets them and matches no pattern
}

// tree sorts all, parents first, and adds the levels that are missing.
func tree(all []Mailbox) []node {
	sorted := make([]*Mailbox, len(all))
	for i := range all {
		sorted[i] = &all[i]
	}
	slices.SortStableFunc(sorted, func(a, b *Mailbox) int { return Compare(a.Name, b.Name) })
	nodes := make([]node, 0, len(all)+len(all)/4)
	above := -1 // the node last added
	for _, m := range sorted {
		for above >= 0 && !IsBelow(m.Name, nodes[above].Name) {
			above = nodes[above].parent
		}
		start := 0
		if above >= 0 {
			start = len(nodes[above].Name) + 1
		}
		for i := start; i < len(m.Name); i++ {
			if m.Name[i] == Separator {
				nodes = append(nodes, node{Mailbox: Mailbox{Name: m.Name[:i]}, parent: above})
				above = len(nodes) - 1
			}
		}
		nodes = append(nodes, node{Mailbox: *m, parent: above})
		above = len(nodes) - 1
	}
	return nodes
}

// gather tells every node what is below it. Children stand after their
// parents, so one walk from the end will do.
func gather(nodes []node) {
	for i := len(nodes) - 1; i >= 0; i-- {
		n := &nodes[i]
		if n.parent < 0 {
			continue
		}
		p := &nodes[n.parent]
		p.existsBelow = p.existsBelow || n.existsBelow || n.Exists
		p.meetsBelow = p.meetsBelow || n.meetsBelow || n.meets
		p.unlistedBelow = p.unlistedBelow || n.unlistedBelow || n.meets && !n.matches
	}
}

// Compare orders names as LIST shows them: INBOX and what is below it first, a
// name before its descendants, and these before its next sibling.
func Compare(a, b string) int {
	if inA, inB := inInbox(a), inInbox(b); inA != inB {
		if inA {
			return -1
		}
		return 1
	}
	n := min(len(a), len(b))
	for i := range n {
		switch {
		case a[i] == b[i]:
		case a[i] == Separator:
			return -1
		case b[i] == Separator:
			return 1
		default:
			return int(a[i]) - int(b[i])
		}
	}
	return len(a) - len(b)
}

func inInbox(name string) bool { return name == Inbox || IsBelow(name, Inbox) }

// meets says whether m satisfies every selection option. REMOTE adds nothing:
// no mailbox here is remote.
func meets(m *Mailbox, selection imap.ListSelect) bool {
	if selection&imap.SelectSubscribed != 0 && !m.Subscribed {
		return false
	}
	if selection&imap.SelectSpecialUse != 0 && len(m.SpecialUse) == 0 {
		return false
	}
	return m.Exists || selection&(imap.SelectSubscribed|imap.SelectSpecialUse) != 0
}

// criteria are the options that CHILDINFO names.
func criteria(selection imap.ListSelect) []string {
	var names []string
	if selection&imap.SelectSubscribed != 0 {
		names = append(names, "SUBSCRIBED")
	}
	if selection&imap.SelectSpecialUse != 0 {
		names = append(names, "SPECIAL-USE")
	}
	return names
}

// matchAny says whether any pattern matches, and any that ends in "%". An empty
// pattern matches nothing (RFC 5258 §3).
func matchAny(patterns []string, name string) (matches, level bool) {
	for _, p := range patterns {
		if p != "" && Match(p, name) {
			matches = true
			level = level || strings.HasSuffix(p, "%")
		}
	}
	return matches, level
}

// Attributes are those to send for l (RFC 9051 §7.3.1): accurate ones for all
// that was asked for, and children always, since they cost nothing here. With
// extended false a name that is no mailbox is \Noselect, else \NonExistent.
func Attributes(l *Listed, extended bool, selection imap.ListSelect, returns imap.ListReturn) []string {
	var attrs []string
	switch {
	case l.Exists:
	case extended:
		attrs = append(attrs, `\NonExistent`)
	default:
		attrs = append(attrs, `\Noselect`)
	}
	if l.HasChildren {
		attrs = append(attrs, `\HasChildren`)
	} else {
		attrs = append(attrs, `\HasNoChildren`)
	}
	if l.Subscribed && (selection&imap.SelectSubscribed != 0 || returns&imap.ReturnSubscribed != 0) {
		attrs = append(attrs, `\Subscribed`)
	}
	return append(attrs, l.SpecialUse...)
}
