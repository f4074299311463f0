package thread

// joinSubjects is step (5): threads with the same subject become one.
func (r *references) joinSubjects() {
	table := make(map[uint32]int32, len(r.roots)) // (A)
	for _, node := range r.roots {                // (B)
		subject := r.subject(node)
		if subject == 0 {
			continue
		}
		if has, ok := table[subject]; !ok || r.stands(node, has) {
			table[subject] = node
		}
	}
	gone := make([]bool, len(r.parent))
	heir := make([]int32, len(r.parent)) // of a dummy joined to another
	fresh := len(r.parent)               // dummies made here are from here on
	for _, node := range r.roots {       // (C)
		subject := r.subject(node)
		if subject == 0 || table[subject] == node {
			continue
		}
		has := table[subject]
		switch {
		case r.isDummy(node) && r.isDummy(has):
			gone[node], heir[node] = true, has
		case r.isDummy(has), !r.isDummy(node) && r.messages[node].Reply && !r.messages[has].Reply:
			r.parent[node] = has
		default: // neither is a dummy: the table has one if there is any
			dummy := int32(len(r.parent))
			r.parent = append(r.parent, none)
			r.parent[node], r.parent[has] = dummy, dummy
			table[subject] = dummy
		}
	}
	r.inherit(gone, heir)
	r.newRoots(gone, fresh)
}

// subject is the thread subject of a node under the root.
func (r *references) subject(node int32) uint32 { return r.messages[r.message(node)].Subject }

// stands says whether node, rather than has, is to stand for their subject
// (step 5.B.iv).
func (r *references) stands(node, has int32) bool {
	if r.isDummy(has) {
		return false
	}
	return r.isDummy(node) || r.messages[has].Reply && !r.messages[node].Reply
}

// inherit gives the children of dummies that are gone to their heirs, which
// were dummies already.
func (r *references) inherit(gone []bool, heir []int32) {
	for i := range r.messages {
		if p := r.parent[i]; p != none && int(p) < len(gone) && gone[p] {
			r.parent[i] = heir[p]
		}
	}
}

// newRoots leaves in roots what is still there, and adds the dummies from fresh
// on.
func (r *references) newRoots(gone []bool, fresh int) {
	kept := r.roots[:0]
	for _, node := range r.roots {
		if r.parent[node] == none && !gone[node] {
			kept = append(kept, node)
		}
	}
	for d := fresh; d < len(r.parent); d++ {
		kept = append(kept, int32(d))
	}
	r.roots = kept
}
