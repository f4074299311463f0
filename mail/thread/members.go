package thread

import "citron/wire/imap"

// members is step (6) and the answer: siblings in the order of their dates,
// each followed by what is below it.
func (r *references) members(breathe Breathe) ([]imap.ThreadMember, error) {
	kids := r.kids()
	members := make([]imap.ThreadMember, 0, len(r.messages)+len(r.roots))
	var path [][]int32 // siblings still to come, at each depth
	path = append(path, r.roots)
	for len(path) > 0 {
		depth := len(path) - 1
		if len(path[depth]) == 0 {
			path = path[:depth]
			continue
		}
		node := path[depth][0]
		path[depth] = path[depth][1:]
		m := imap.ThreadMember{Depth: uint32(depth)}
		if !r.isDummy(node) {
			m.Num = r.messages[node].Num
		}
		if p := r.parent[node]; p != none {
			m.Fork = len(kids.of(p)) > 1
		}
		if members = append(members, m); len(members)%stepsPerBreath == 0 {
			if err := breathe(); err != nil {
				return nil, err
			}
		}
		path = append(path, kids.of(node))
	}
	return members, nil
}

// kids has the children of all nodes, those of one together and by date.
type kids struct {
	all  []int32
	from []int32 // by node, where its children begin; and the end
}

func (k *kids) of(node int32) []int32 { return k.all[k.from[node]:k.from[node+1]] }

func (r *references) kids() *kids {
	k := &kids{from: make([]int32, len(r.parent)+1)}
	for i := range r.messages {
		if p := r.parent[i]; p != none {
			k.from[p+1]++
		}
	}
	for node := range r.parent {
		k.from[node+1] += k.from[node]
	}
	k.all = make([]int32, k.from[len(r.parent)])
	next := append([]int32(nil), k.from...)
	for _, i := range r.sorted {
		if p := r.parent[i]; p != none {
			k.all[next[p]] = i
			next[p]++
		}
	}
	return k
}
