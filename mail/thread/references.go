package thread

import "citron/wire/imap"

// stepsPerBreath is how many messages are looked at between two breaths.
const stepsPerBreath = 4096

// references is the work of REFERENCES. A node is a message, by its index, or a
// dummy, which has a higher number.
type references struct {
	messages []Message
	forest   forest
	byID     map[uint64]int32
	sorted   []int32 // messages by date
	// parent is that of a message, or of a dummy, after step 3: a message, a
	// dummy under the root, or none.
	parent []int32
	// first is, of a dummy, its first child by date.
	first []int32
	roots []int32
}

// References threads messages by who answers whom. The steps are those of RFC
// 5256 §3.
func References(messages []Message, breathe Breathe) ([]imap.ThreadMember, error) {
	r := &references{messages: messages, byID: make(map[uint64]int32, 2*len(messages))}
	if err := r.link(breathe); err != nil { // (1)
		return nil, err
	}
	var err error
	if r.sorted, err = byDate(messages, breathe); err != nil {
		return nil, err
	}
	if err := breathe(); err != nil {
		return nil, err
	}
	r.prune()        // (2), (3)
	r.sortRoots()    // (4)
	r.joinSubjects() // (5)
	if err := breathe(); err != nil {
		return nil, err
	}
	r.firstChildren()
	r.sortRoots()
	return r.members(breathe) // (6)
}

// link is step (1). All messages have their nodes before the first reference is
// followed, so that node numbers are those of messages.
func (r *references) link(breathe Breathe) error {
	n := len(r.messages)
	for range n {
		r.forest.add()
	}
	for i := range r.messages {
		id := r.messages[i].ID
		if _, taken := r.byID[id]; id != 0 && !taken { // of several the first has the ID
			r.byID[id] = int32(i)
		}
	}
	for i := range r.messages {
		last := none
		for _, ref := range r.messages[i].Refs { // (A)
			node := r.node(ref)
			if last != none && r.forest.parent[node] == none {
				r.forest.link(node, last)
			}
			last = node
		}
		r.adopt(int32(i), last) // (B)
		if i%stepsPerBreath == 0 {
			if err := breathe(); err != nil {
				return err
			}
		}
	}
	return nil
}

// node is that of an identifier; a dummy if no message has it.
func (r *references) node(id uint64) int32 {
	node, known := r.byID[id]
	if !known {
		node = r.forest.add()
		r.byID[id] = node
	}
	return node
}

// adopt makes the last reference, or nobody, the parent of a message.
func (r *references) adopt(child, parent int32) {
	f := &r.forest
	if f.parent[child] == parent {
		return
	}
	if f.parent[child] != none {
		f.cut(child)
	}
	if parent != none {
		f.link(child, parent)
	}
}

func (r *references) isDummy(node int32) bool { return int(node) >= len(r.messages) }

// prune is steps (2) and (3): dummies go, and what was below them is below the
// next message above or, if there is none and it is not alone, below the dummy
// under the root. It leaves roots.
func (r *references) prune() {
	up := r.above()
	r.parent = make([]int32, len(up))
	below := make([]int32, len(up)) // messages directly below a dummy under the root
	for i := range r.messages {
		p := r.forest.parent[i]
		if p != none && r.isDummy(p) {
			p = up[p]
		}
		r.parent[i] = p
		if p != none {
			below[p]++
		}
	}
	for i := range r.messages {
		if p := r.parent[i]; p != none && r.isDummy(p) && below[p] == 1 {
			r.parent[i] = none
		}
		if r.parent[i] == none {
			r.roots = append(r.roots, int32(i))
		}
	}
	for d := len(r.messages); d < len(up); d++ {
		r.parent[d] = none
		if below[d] > 1 {
			r.roots = append(r.roots, int32(d))
		}
	}
	r.firstChildren()
}

// above gives, for each dummy, the first message above it or, if there is none,
// the dummy under the root. Each node is passed once.
func (r *references) above() []int32 {
	parent := r.forest.parent
	up := make([]int32, len(parent))
	for i := range up {
		up[i] = none
	}
	var path []int32
	for d := len(r.messages); d < len(parent); d++ {
		at := int32(d)
		for r.isDummy(at) && up[at] == none && parent[at] != none {
			path = append(path, at)
			at = parent[at]
		}
		if r.isDummy(at) {
			if up[at] == none {
				up[at] = at
			}
			at = up[at]
		}
		for _, node := range path {
			up[node] = at
		}
		path = path[:0]
	}
	return up
}

// firstChildren finds the first child of each dummy.
func (r *references) firstChildren() {
	r.first = make([]int32, len(r.parent))
	for i := range r.first {
		r.first[i] = none
	}
	for _, i := range r.sorted {
		if p := r.parent[i]; p != none && r.isDummy(p) && r.first[p] == none {
			r.first[p] = i
		}
	}
}

// message is the one that stands for a node under the root: itself, or the
// first child of a dummy.
func (r *references) message(node int32) int32 {
	if r.isDummy(node) {
		return r.first[node]
	}
	return node
}

// sortRoots puts the roots in the order of the messages that stand for them.
func (r *references) sortRoots() {
	rootOf := make([]int32, len(r.messages))
	for i := range rootOf {
		rootOf[i] = none
	}
	for _, root := range r.roots {
		rootOf[r.message(root)] = root
	}
	roots := r.roots[:0]
	for _, i := range r.sorted {
		if root := rootOf[i]; root != none {
			roots = append(roots, root)
		}
	}
	r.roots = roots
}
