package uidset

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// model is the naive Set: a map, counted afresh for every question.
type model map[UID]modelMessage

type modelMessage struct {
	size  int64
	flags Flags
}

func (m model) uids() []UID {
	var all []UID
	for u := range m {
		all = append(all, u)
	}
	slices.Sort(all)
	return all
}

func (m model) without(f Flags) []UID {
	return slices.DeleteFunc(m.uids(), func(u UID) bool { return m[u].flags&f != 0 })
}

// genUID draws UIDs that crowd around chunk borders, with a few far away.
func genUID(t *rapid.T) UID {
	return rapid.OneOf(
		rapid.Map(rapid.IntRange(1, 20), func(i int) UID { return UID(i) }),
		rapid.Map(rapid.IntRange(4080, 4110), func(i int) UID { return UID(i) }),
		rapid.Map(rapid.IntRange(8190, 8200), func(i int) UID { return UID(i) }),
		rapid.SampledFrom([]UID{MaxUID, MaxUID - 1, 1 << 31, 100_000}),
	).Draw(t, "uid")
}

func genRanges(t *rapid.T) Ranges {
	var list []Range
	for range rapid.IntRange(0, 4).Draw(t, "ranges") {
		a, b := genUID(t), genUID(t)
		list = append(list, Range{min(a, b), max(a, b)})
	}
	return Normalize(list)
}

func TestSetAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, set := model{}, (*Set)(nil)
		for range rapid.IntRange(1, 8).Draw(t, "edits") {
			before, was := set, set.Ranges()
			e := set.Edit()
			for range rapid.IntRange(0, 30).Draw(t, "changes") {
				change(t, e, m)
			}
			set = e.Done()
			if diff := cmp.Diff(was, before.Ranges()); diff != "" {
				t.Fatalf("an edit changed the set it began from: %s", diff)
			}
			checkDiff(t, before, set, was)
			checkSet(t, set, m)
			set = checkCodec(t, set)
		}
	})
}

func change(t *rapid.T, e *Editor, m model) {
	u := genUID(t)
	msg := modelMessage{int64(rapid.IntRange(0, 99).Draw(t, "size")), Flags(rapid.IntRange(0, 3).Draw(t, "flags"))}
	old, there := m[u]
	switch rapid.IntRange(0, 2).Draw(t, "change") {
	case 0:
		if e.Add(u, msg.size, msg.flags) == there {
			t.Fatalf("Add(%d) with %v there", u, there)
		}
		if !there {
			m[u] = msg
		}
	case 1:
		if e.Remove(u, old.size) != there {
			t.Fatalf("Remove(%d) with %v there", u, there)
		}
		delete(m, u)
	case 2:
		e.SetFlags(u, msg.flags)
		if there {
			m[u] = modelMessage{old.size, msg.flags}
		}
	}
}

func checkDiff(t *rapid.T, before, after *Set, was Ranges) {
	gone, came := Diff(before, after)
	now := after.Ranges()
	if d := cmp.Diff(was.Subtract(now), gone); d != "" {
		t.Fatalf("gone: %s", d)
	}
	if d := cmp.Diff(now.Subtract(was), came); d != "" {
		t.Fatalf("came: %s", d)
	}
}

func checkSet(t *rapid.T, set *Set, m model) {
	uids, size := m.uids(), uint64(0)
	for _, msg := range m {
		size += uint64(msg.size)
	}
	unseen := m.without(Seen)
	want := []any{uint32(len(uids)), uint32(len(unseen)), uint32(len(uids) - len(m.without(Deleted))), size, Of(uids...)}
	got := []any{set.Len(), set.Unseen(), set.Deleted(), set.Size(), set.Ranges()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("counts: %s", diff)
	}
	for i, u := range uids {
		seq, ok := set.Seq(u)
		flags, there := set.Flags(u)
		if !ok || !there || seq != uint32(i+1) || set.UID(seq) != u || flags != m[u].flags || set.Rank(u) != seq {
			t.Fatalf("UID %d: seq %d %v, back %d, flags %v, rank %d; want seq %d", u, seq, ok, set.UID(seq), flags, set.Rank(u), i+1)
		}
	}
	if len(uids) > 0 && set.Last() != uids[len(uids)-1] || len(uids) == 0 && set.Last() != 0 {
		t.Fatalf("last %d of %v", set.Last(), uids)
	}
	seq, first := set.FirstUnseen()
	if len(unseen) == 0 && (seq != 0 || first != 0) || len(unseen) > 0 && (first != unseen[0] || set.UID(seq) != first) {
		t.Fatalf("first unseen %d %d of %v", seq, first, unseen)
	}
	checkRanges(t, set, m)
}

func checkRanges(t *rapid.T, set *Set, m model) {
	r := genRanges(t)
	in := func(list []UID) Ranges {
		return Of(slices.DeleteFunc(list, func(u UID) bool { return !r.Contains(u) })...)
	}
	got := []Ranges{set.Select(All, r), set.Select(WithoutSeen, r), set.Select(WithoutDeleted, r), set.Select(WithSeen, r), set.Select(WithDeleted, r)}
	all, unseen, undeleted := in(m.uids()), in(m.without(Seen)), in(m.without(Deleted))
	want := []Ranges{all, unseen, undeleted, all.Subtract(unseen), all.Subtract(undeleted)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("select in %v: %s", r, diff)
	}
	var each Ranges
	set.Each(r, func(seq uint32, u UID, f Flags) bool {
		if set.UID(seq) != u || m[u].flags != f {
			t.Fatalf("each gave %d %d %v", seq, u, f)
		}
		each.Add(u)
		return true
	})
	if diff := cmp.Diff(all, each); diff != "" {
		t.Fatalf("each in %v: %s", r, diff)
	}
	if u := genUID(t); set.Contains(u) != (Of(m.uids()...).Contains(u)) || len(r) > 0 && uint64(set.Count(r[0])) != all.Intersect(r[:1]).Count() {
		t.Fatalf("contains %d or count of %v", u, r)
	}
	from, n := genUID(t), uint32(rapid.IntRange(1, 9).Draw(t, "take"))
	some := set.Take(r, from, n)
	rest, _ := all.Intersect(Ranges{{from, MaxUID}}).Cut(uint64(n))
	if diff := cmp.Diff(rest, some); diff != "" {
		t.Fatalf("take %d of %v from %d: %s", n, r, from, diff)
	}
	seqs := Ranges{{1, 2}, {5, 1 << 30}}
	var bySeq []UID
	for i, u := range m.uids() {
		if seqs.Contains(UID(i + 1)) {
			bySeq = append(bySeq, u)
		}
	}
	if diff := cmp.Diff(Of(bySeq...), set.Intersect(set.BySeq(seqs))); diff != "" {
		t.Fatalf("by sequence number: %s", diff)
	}
}

// checkCodec stores and loads the set, and gives what was loaded.
func checkCodec(t *rapid.T, set *Set) *Set {
	var l Loader
	for _, r := range set.chunks() {
		value, ok := set.AppendChunk(nil, r.number)
		if !ok {
			t.Fatalf("no chunk %d", r.number)
		}
		if err := l.Add(r.number, value); err != nil {
			t.Fatalf("chunk %d: %v", r.number, err)
		}
	}
	again := l.Set()
	if gone, came := Diff(set, again); len(gone)+len(came) > 0 || again.Size() != set.Size() {
		t.Fatalf("stored and loaded: %v gone, %v came", gone, came)
	}
	return again
}

func TestRangesAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genRanges(t), genRanges(t)
		probe := []UID{0, 1, MaxUID, genUID(t)}
		for _, r := range slices.Concat(a, b) {
			probe = append(probe, r.First, r.Last, r.First-1, r.Last+1)
		}
		n := uint64(rapid.IntRange(0, 9000).Draw(t, "cut"))
		low, rest := a.Cut(n)
		for _, u := range probe {
			inA, inB := a.Contains(u), b.Contains(u)
			if a.Union(b).Contains(u) != (inA || inB) || a.Intersect(b).Contains(u) != (inA && inB) ||
				a.Subtract(b).Contains(u) != (inA && !inB) || low.Contains(u) == rest.Contains(u) && inA {
				t.Fatalf("%v and %v at %d", a, b, u)
			}
		}
		if low.Count() != min(n, a.Count()) || low.Count()+rest.Count() != a.Count() {
			t.Fatalf("cut %v at %d: %v and %v", a, n, low, rest)
		}
	})
}

// Every second of a million expunged: 245 chunks, at most half a megabyte of
// records, and each question costs a chunk.
func TestHalfExpungedMillionIsSmall(t *testing.T) {
	set := halfOf(1_000_000)
	if len(set.refs) != 245 || set.Len() != 500_000 {
		t.Fatalf("%d chunks, %d messages", len(set.refs), set.Len())
	}
	stored := 0
	for _, r := range set.refs {
		value, _ := set.AppendChunk(nil, r.number)
		stored += len(value)
	}
	if stored > 512<<10 {
		t.Fatalf("%d bytes stored", stored)
	}
}

func halfOf(n UID) *Set {
	e := (*Set)(nil).Edit()
	for u := UID(2); u <= n; u += 2 {
		e.Add(u, 1, Flags(u%3))
	}
	return e.Done()
}

func TestBrokenChunks(t *testing.T) {
	for name, value := range map[string][]byte{
		"empty":                {},
		"version":              {2, 0, 1, 0, 0},
		"no size":              {1},
		"no bitmap":            {1, 0},
		"unknown form":         {1, 0, 4, 0, 0},
		"short raw":            append([]byte{1, 0, 3}, make([]byte, 100)...),
		"run beyond the chunk": {1, 0, 2, 1, 0, 0x80, 0x20, 0, 0},
		"too many runs":        {1, 0, 2, 0xff, 0x7f, 0, 0},
		"no UID":               {1, 0, 0, 0, 0},
		"seen, not present":    {1, 0, 2, 1, 0, 0, 2, 1, 1, 0, 0},
		"trailing":             {1, 0, 1, 0, 0, 7},
	} {
		var l Loader
		if err := l.Add(0, value); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var l Loader
	if l.Add(3, []byte{1, 0, 1, 0, 0}) != nil || l.Add(3, []byte{1, 0, 1, 0, 0}) == nil {
		t.Error("order of chunks is not checked")
	}
}

func FuzzChunk(f *testing.F) {
	set := halfOf(8200)
	for _, r := range set.refs {
		value, _ := set.AppendChunk(nil, r.number)
		f.Add(value)
	}
	f.Add([]byte{1, 5, 1, 1, 0})
	f.Add([]byte{1, 5, 2, 1, 3, 9, 2, 1, 4, 0, 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		var l Loader
		if l.Add(7, value) != nil {
			return
		}
		first := l.Set()
		stored, ok := first.AppendChunk(nil, 7)
		if !ok || len(stored) > 3*(rawBytes+1)+11 {
			t.Fatalf("stored in %d bytes, %v", len(stored), ok)
		}
		var again Loader
		if err := again.Add(7, stored); err != nil {
			t.Fatal(err)
		}
		twice, _ := again.Set().AppendChunk(nil, 7)
		if !bytes.Equal(stored, twice) {
			t.Fatalf("%x became %x", stored, twice)
		}
	})
}

func BenchmarkSeq(b *testing.B) {
	set := halfOf(1_000_000)
	for i := 0; b.Loop(); i++ {
		set.Seq(UID(i*2%1_000_000 + 2))
	}
}

func BenchmarkUID(b *testing.B) {
	set := halfOf(1_000_000)
	for i := 0; b.Loop(); i++ {
		set.UID(uint32(i)%500_000 + 1)
	}
}

func BenchmarkAppendToMillion(b *testing.B) {
	set, u := halfOf(1_000_000), UID(1_000_000)
	for b.Loop() {
		u++
		e := set.Edit()
		e.Add(u, 1000, 0)
		set = e.Done()
	}
}
