package memkv

import (
	"bytes"
	"math/rand/v2"
)

// node is the root of an ordered map: a treap (a search tree by key, a heap by
// random priority) that is never changed once built. Every change makes new
// nodes along one path, so a root is a snapshot for the price of a pointer and
// an abandoned transaction costs nothing to undo. nil is the empty map.
type node struct {
	key, value  []byte
	priority    uint64
	left, right *node
}

// with gives n other children.
func (n *node) with(left, right *node) *node {
	return &node{key: n.key, value: n.value, priority: n.priority, left: left, right: right}
}

// get gives the key's value; nil if there is none.
func (n *node) get(key []byte) []byte {
	for n != nil {
		switch c := bytes.Compare(key, n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n.value
		}
	}
	return nil
}

// split parts the map into keys < at and keys ≥ at.
func (n *node) split(at []byte) (below, rest *node) {
	if n == nil {
		return nil, nil
	}
	if bytes.Compare(n.key, at) < 0 {
		below, rest = n.right.split(at)
		return n.with(n.left, below), rest
	}
	below, rest = n.left.split(at)
	return below, n.with(rest, n.right)
}

// join undoes split: every key of a is below every key of b.
func join(a, b *node) *node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		return a.with(a.left, join(a.right, b))
	default:
		return b.with(join(a, b.left), b.right)
	}
}

// set adds or replaces a key. The map keeps both slices; value is not nil.
func (n *node) set(key, value []byte) *node {
	if replaced := n.replace(key, value); replaced != nil {
		return replaced
	}
	return n.insert(&node{key: key, value: value, priority: rand.Uint64()})
}

// replace is set for a key that exists; nil if it does not.
func (n *node) replace(key, value []byte) *node {
	if n == nil {
		return nil
	}
	switch c := bytes.Compare(key, n.key); {
	case c < 0:
		if left := n.left.replace(key, value); left != nil {
			return n.with(left, n.right)
		}
		return nil
	case c > 0:
		if right := n.right.replace(key, value); right != nil {
			return n.with(n.left, right)
		}
		return nil
	default:
		return &node{key: n.key, value: value, priority: n.priority, left: n.left, right: n.right}
	}
}

// insert is set for a key that does not exist.
func (n *node) insert(leaf *node) *node {
	switch {
	case n == nil:
		return leaf
	case leaf.priority > n.priority:
		below, rest := n.split(leaf.key)
		return leaf.with(below, rest)
	case bytes.Compare(leaf.key, n.key) < 0:
		return n.with(n.left.insert(leaf), n.right)
	default:
		return n.with(n.left, n.right.insert(leaf))
	}
}

// deleteKey removes a key; the same map if there is none.
func (n *node) deleteKey(key []byte) *node {
	if n.get(key) == nil {
		return n
	}
	return n.deleteExisting(key)
}

func (n *node) deleteExisting(key []byte) *node {
	switch c := bytes.Compare(key, n.key); {
	case c < 0:
		return n.with(n.left.deleteExisting(key), n.right)
	case c > 0:
		return n.with(n.left, n.right.deleteExisting(key))
	default:
		return join(n.left, n.right)
	}
}

// deleteRange removes from ≤ key < to; a nil to means to the end.
func (n *node) deleteRange(from, to []byte) *node {
	if to != nil && bytes.Compare(from, to) >= 0 {
		return n
	}
	below, rest := n.split(from)
	if to == nil {
		return below
	}
	_, above := rest.split(to)
	return join(below, above)
}

// ascend visits from ≤ key < to in order (a nil to means to the end) until
// visit says false.
func (n *node) ascend(from, to []byte, visit func(*node) bool) bool {
	if n == nil {
		return true
	}
	aboveFrom := bytes.Compare(n.key, from) >= 0
	belowTo := to == nil || bytes.Compare(n.key, to) < 0
	if aboveFrom && !n.left.ascend(from, to, visit) {
		return false
	}
	if aboveFrom && belowTo && !visit(n) {
		return false
	}
	return !belowTo || n.right.ascend(from, to, visit)
}

// descend is ascend from the end.
func (n *node) descend(from, to []byte, visit func(*node) bool) bool {
	if n == nil {
		return true
	}
	aboveFrom := bytes.Compare(n.key, from) >= 0
	belowTo := to == nil || bytes.Compare(n.key, to) < 0
	if belowTo && !n.right.descend(from, to, visit) {
		return false
	}
	if aboveFrom && belowTo && !visit(n) {
		return false
	}
	return !aboveFrom || n.left.descend(from, to, visit)
}
