package imap_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"citron/wire/imap"
)

func TestNumSet(t *testing.T) {
	s := imap.NumSetOfRanges(imap.Range{From: 9, To: 7}, imap.Range{From: 1, To: 2}, imap.Range{From: 3, To: 3}, imap.Range{From: 8, To: 12})
	if got := s.String(); got != "1:3,7:12" {
		t.Errorf("String = %q", got)
	}
	if s.Count() != 9 || s.Min() != 1 || s.Max() != 12 {
		t.Errorf("Count %d, Min %d, Max %d", s.Count(), s.Min(), s.Max())
	}
	var none imap.NumSet
	if none.Count() != 0 || none.Min() != 0 || none.Max() != 0 || none.String() != "" || none.Contains(1) {
		t.Error("the empty set is not empty")
	}
	all := imap.NumSet{{From: 1, To: math.MaxUint32}}
	if all.Count() != math.MaxUint32 || !all.Contains(math.MaxUint32) {
		t.Error("the full set is not full")
	}
	n := 0
	for v := range (imap.NumSet{{From: math.MaxUint32 - 1, To: math.MaxUint32}}).All() {
		n++
		if n > 2 {
			t.Fatalf("All goes on after %d", v)
		}
	}
	if got := imap.NumSetOf(math.MaxUint32, 1, math.MaxUint32).String(); got != "1,4294967295" {
		t.Errorf("String = %q", got)
	}
}

// TestNumSetModel compares with a map on random sets.
func TestNumSetModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		a, inA := randomSet(rnd)
		b, inB := randomSet(rnd)
		both := a.Intersect(b)
		var count uint64
		for n := range uint32(60) {
			if a.Contains(n) != inA[n] || both.Contains(n) != (inA[n] && inB[n]) {
				t.Fatalf("%v and %v differ from the model at %d", a, b, n)
			}
			if inA[n] {
				count++
			}
		}
		if a.Count() != count || !slices.IsSorted(slices.Collect(a.All())) {
			t.Fatalf("%v: Count %d, want %d", a, a.Count(), count)
		}
		for i := 1; i < len(a); i++ {
			if a[i-1].To+1 >= a[i].From {
				t.Fatalf("%v is not normal", a)
			}
		}
	}
}

func randomSet(rnd *rand.Rand) (imap.NumSet, map[uint32]bool) {
	var s imap.NumSet
	in := map[uint32]bool{}
	for range rnd.IntN(12) {
		from := 1 + rnd.Uint32N(50)
		to := from + rnd.Uint32N(5)
		s = s.AddRange(from, to)
		for n := from; n <= to; n++ {
			in[n] = true
		}
	}
	return s, in
}

func TestSeqSetResolve(t *testing.T) {
	for _, c := range []struct {
		text    string
		largest uint32
		want    string
	}{
		{"2,4:7,9,12:*", 15, "2,4:7,9,12:15"}, // RFC 9051 §9
		{"*:4,5:7", 10, "4:10"},
		{"3291:*", 100, "100"},
		{"*", 7, "7"}, {"*:*", 7, "7"}, {"*,1", 7, "1,7"}, {"5:*,3:*", 4, "3:4"},
		{"4294967295:*", math.MaxUint32, "4294967295"},
		{"1:*", 0, ""}, {"3:1,2", 0, "1:3"},
	} {
		_, cmd, err := parse(t, false, "a COPY "+c.text+" x")
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := cmd.(*imap.Copy).Set.Resolve(c.largest).String(); got != c.want {
			t.Errorf("%q with %d: %q, want %q", c.text, c.largest, got, c.want)
		}
	}
}

func FuzzSeqSet(f *testing.F) {
	for _, s := range []string{"1", "*", "$", "2,4:7,9,12:*", "*:4,5:7", "4294967295:*", "3:1,1:2"} {
		f.Add(s, uint32(15))
	}
	f.Fuzz(func(t *testing.T, text string, largest uint32) {
		_, cmd, err := parse(t, false, "a COPY "+text+" x")
		c, ok := cmd.(*imap.Copy)
		if err != nil || !ok || c.Mailbox != "x" {
			return
		}
		_, again, err := parse(t, false, "a COPY "+c.Set.String()+" x")
		if diff := cmp.Diff(cmd, again); err != nil || diff != "" {
			t.Fatalf("%q: %v %s", text, err, diff)
		}
		if n := c.Set.Resolve(largest); c.Set.Star != 0 && n.Max() < largest {
			t.Fatalf("%q with %d: %v lacks the largest", text, largest, n)
		}
	})
}
