package thread

// none is no node.
const none = int32(-1)

// forest holds who is whose parent, and finds the root of a node in logarithmic
// time (amortised): a link-cut tree (Sleator and Tarjan 1983). Each tree is cut
// into paths, each path is a splay tree ordered by depth; up leads to the
// parent within the splay tree or, from its root, to the node above the path.
type forest struct {
	parent   []int32 // in the forest itself
	children []int32 // how many
	up       []int32
	left     []int32
	right    []int32
}

// add makes a node without parent.
func (f *forest) add() int32 {
	f.parent = append(f.parent, none)
	f.children = append(f.children, 0)
	f.up = append(f.up, none)
	f.left = append(f.left, none)
	f.right = append(f.right, none)
	return int32(len(f.parent) - 1)
}

// link makes p the parent of child, which has none, unless that would make a
// loop.
func (f *forest) link(child, p int32) {
	if child == p || f.children[child] > 0 && f.root(p) == child {
		return
	}
	f.access(child)
	f.up[child] = p
	f.parent[child] = p
	f.children[p]++
}

// cut takes child from its parent.
func (f *forest) cut(child int32) {
	f.access(child)
	l := f.left[child]
	f.left[child], f.up[l] = none, none
	f.children[f.parent[child]]--
	f.parent[child] = none
}

// root is the ancestor of x that has no parent.
func (f *forest) root(x int32) int32 {
	f.access(x)
	for f.left[x] != none {
		x = f.left[x]
	}
	f.splay(x)
	return x
}

// access makes the path from the root down to x one path that ends in x, with x
// at the root of its splay tree.
func (f *forest) access(x int32) {
	last := none
	for y := x; y != none; y = f.up[y] {
		f.splay(y)
		f.right[y] = last
		last = y
	}
	f.splay(x)
}

// isTop says that x is the root of its splay tree.
func (f *forest) isTop(x int32) bool {
	p := f.up[x]
	return p == none || f.left[p] != x && f.right[p] != x
}

func (f *forest) splay(x int32) {
	for !f.isTop(x) {
		p := f.up[x]
		if !f.isTop(p) {
			g := f.up[p]
			if (f.left[g] == p) == (f.left[p] == x) {
				f.rotate(p)
			} else {
				f.rotate(x)
			}
		}
		f.rotate(x)
	}
}

// rotate exchanges x with the node above it in the splay tree.
func (f *forest) rotate(x int32) {
	p := f.up[x]
	g := f.up[p]
	if g != none {
		switch p {
		case f.left[g]:
			f.left[g] = x
		case f.right[g]:
			f.right[g] = x
		}
	}
	var between int32
	if f.left[p] == x {
		between, f.right[x] = f.right[x], p
		f.left[p] = between
	} else {
		between, f.left[x] = f.left[x], p
		f.right[p] = between
	}
	if between != none {
		f.up[between] = p
	}
	f.up[p], f.up[x] = x, g
}
