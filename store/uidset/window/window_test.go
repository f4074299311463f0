package window

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"citron/store/uidset"
)

// client is a phone's list, which it changes as it is told.
type client []Item

func (c *client) hear(removed, added []Placed) {
	for _, p := range removed {
		if (*c)[p.Position-1] != p.Item {
			panic(fmt.Sprint("at position ", p.Position, " is not ", p.Item))
		}
		*c = slices.Delete(*c, p.Position-1, p.Position)
	}
	for _, p := range added {
		*c = slices.Insert(*c, p.Position-1, p.Item)
	}
}

// Sessions that are told now and then come to have the same list as a plain
// sorted one.
func TestSessionsFollow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		genItem := rapid.Custom(func(t *rapid.T) Item {
			return Item{rapid.SampledFrom([]string{"", "a", "b", "b"}).Draw(t, "key"), uidset.UID(rapid.IntRange(1, 3000).Draw(t, "uid"))}
		})
		genItems := rapid.SliceOfNDistinct(genItem, 0, 20, func(it Item) Item { return it })
		var start []Item
		for i := range rapid.IntRange(0, 2500).Draw(t, "start") {
			start = append(start, Item{"b", uidset.UID(i + 1)})
		}
		seq := New(start)
		model := slices.Clone(start)
		told := []*Sequence{seq, seq}
		clients := []client{slices.Clone(start), slices.Clone(start)}
		for range rapid.IntRange(1, 60).Draw(t, "changes") {
			without, with := genItems.Draw(t, "without"), genItems.Draw(t, "with")
			without = slices.DeleteFunc(without, func(it Item) bool { return slices.Contains(with, it) })
			seq = seq.Apply(without, with)
			for _, it := range without {
				if at, there := slices.BinarySearchFunc(model, it, compare); there {
					model = slices.Delete(model, at, at+1)
				}
			}
			for _, it := range with {
				if at, there := slices.BinarySearchFunc(model, it, compare); !there {
					model = slices.Insert(model, at, it)
				}
			}
			if who := rapid.IntRange(0, 5).Draw(t, "tell"); who < len(told) {
				clients[who].hear(Changes(told[who], seq))
				told[who] = seq
				if diff := cmp.Diff(client(model), clients[who]); diff != "" && len(model) > 0 {
					t.Fatal(diff)
				}
			}
		}
		if seq.Len() != len(model) {
			t.Fatalf("%d items, want %d", seq.Len(), len(model))
		}
		for i, it := range model {
			if seq.At(i+1) != it {
				t.Fatalf("at %d is %v, want %v", i+1, seq.At(i+1), it)
			}
		}
	})
}

func hundredThousand() *Sequence {
	items := make([]Item, 100_000)
	for i := range items {
		items[i] = Item{fmt.Sprintf("%05d", (i*7919)%100_000), uidset.UID(i + 1)}
	}
	return New(items)
}

// A change of 100,000 costs a chunk: all others are shared.
func TestChangeCostsAChunk(t *testing.T) {
	was := hundredThousand()
	for i := range 100 {
		now := was.Apply(nil, []Item{{fmt.Sprintf("%05d+", i*997), 1 << 30}})
		if n := len(alone(now, was)); n > 2*chunkMax {
			t.Fatalf("a change copied %d items", n)
		}
		if removed, added := Changes(was, now); len(removed) != 0 || len(added) != 1 {
			t.Fatalf("%v removed, %v added", removed, added)
		}
		was = now
	}
}

func BenchmarkChange(b *testing.B) {
	s := hundredThousand()
	for i := 0; b.Loop(); i++ {
		it := []Item{{fmt.Sprintf("%05d+", i*997%100_000), 1 << 30}}
		now := s.Apply(nil, it)
		Changes(s, now)
		s = now.Apply(it, nil)
	}
}
