package thread

import (
	"slices"

	"citron/wire/imap"
)

// container is a message or dummy in the transcription of RFC 5256 §3.
type container struct {
	m        *Message
	at       int // place in the mailbox
	parent   *container
	children []*container
}

func (c *container) unlink() {
	if p := c.parent; p != nil {
		p.children = slices.DeleteFunc(p.children, func(k *container) bool { return k == c })
		c.parent = nil
	}
}

func (c *container) link(p *container) {
	for a := p; a != nil; a = a.parent {
		if a == c {
			return
		}
	}
	c.parent = p
	p.children = append(p.children, c)
}

func containersByDate(a, b *container) int {
	a, b = a.shown(), b.shown()
	if a.m.Date != b.m.Date {
		return int(a.m.Date - b.m.Date)
	}
	return a.at - b.at
}

func (c *container) shown() *container {
	if c.m == nil {
		return c.children[0]
	}
	return c
}

// transcribed is REFERENCES step by step as the RFC tells it, in the plainest
// way.
func transcribed(messages []Message) []imap.ThreadMember {
	byID := map[uint64]*container{}
	own := make([]*container, len(messages))
	for i := range messages {
		own[i] = &container{m: &messages[i], at: i}
		if id := messages[i].ID; id != 0 && byID[id] == nil {
			byID[id] = own[i]
		}
	}
	all := slices.Clone(own)
	for i := range messages { // (1)
		var last *container
		for _, ref := range messages[i].Refs {
			c := byID[ref]
			if c == nil {
				c = &container{}
				byID[ref] = c
				all = append(all, c)
			}
			if last != nil && c.parent == nil {
				c.link(last)
			}
			last = c
		}
		own[i].unlink()
		if last != nil {
			own[i].link(last)
		}
	}
	root := &container{} // (2)
	for _, c := range all {
		if c.parent == nil {
			root.children = append(root.children, c)
		}
	}
	for _, c := range root.children {
		c.parent = root
	}
	pruneContainer(root, root) // (3)
	for _, c := range root.children {
		if c.m == nil {
			slices.SortFunc(c.children, containersByDate)
		}
	}
	slices.SortFunc(root.children, containersByDate) // (4)
	joinTranscribed(root)                            // (5)
	sortContainers(root)                             // (6)
	var members []imap.ThreadMember
	var show func(c *container, depth uint32)
	show = func(c *container, depth uint32) {
		for _, k := range c.children {
			m := imap.ThreadMember{Depth: depth, Fork: depth > 0 && len(c.children) > 1}
			if k.m != nil {
				m.Num = k.m.Num
			}
			members = append(members, m)
			show(k, depth+1)
		}
	}
	show(root, 0)
	return members
}

func pruneContainer(c, root *container) {
	var kept []*container
	for _, k := range c.children {
		pruneContainer(k, root)
		switch {
		case k.m == nil && len(k.children) == 0:
		case k.m == nil && (c != root || len(k.children) == 1):
			for _, g := range k.children {
				g.parent = c
			}
			kept = append(kept, k.children...)
		default:
			kept = append(kept, k)
		}
	}
	c.children = kept
}

func joinTranscribed(root *container) {
	subject := func(c *container) uint32 { return c.shown().m.Subject }
	table := map[uint32]*container{}
	for _, c := range root.children {
		s := subject(c)
		if s == 0 {
			continue
		}
		switch has := table[s]; {
		case has == nil:
			table[s] = c
		case has.m != nil && (c.m == nil || has.m.Reply && !c.m.Reply):
			table[s] = c
		}
	}
	for _, c := range slices.Clone(root.children) {
		s := subject(c)
		has := table[s]
		if s == 0 || has == c {
			continue
		}
		switch {
		case c.m == nil && has.m == nil:
			for _, k := range slices.Clone(c.children) {
				k.unlink()
				k.link(has)
			}
			c.unlink()
		case has.m == nil, c.m.Reply && !has.m.Reply:
			c.unlink()
			c.link(has)
		default:
			dummy := &container{}
			has.unlink()
			c.unlink()
			has.link(dummy)
			c.link(dummy)
			dummy.link(root)
			table[s] = dummy
		}
	}
}

func sortContainers(c *container) {
	for _, k := range c.children {
		sortContainers(k)
	}
	slices.SortFunc(c.children, containersByDate)
}
