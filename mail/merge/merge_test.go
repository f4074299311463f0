package merge

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

type pair struct{ key, at int }

func TestSort(t *testing.T) {
	for _, n := range []int{0, 1, piece - 1, piece, piece + 1, 5*piece + 7, 20000} {
		for _, keys := range []int{1, 50, 1 << 30} {
			r := rand.New(rand.NewPCG(uint64(n), uint64(keys)))
			list := make([]pair, n)
			for i := range list {
				list[i] = pair{r.IntN(keys), i}
			}
			if keys == 50 {
				slices.SortStableFunc(list[:n/2], func(a, b pair) int { return a.key - b.key })
			}
			want := slices.Clone(list)
			slices.SortStableFunc(want, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
			breaths := 0
			got, err := Sort(list, func(a, b pair) int { return cmp.Compare(a.key, b.key) }, func() error { breaths++; return nil })
			if err != nil || !slices.Equal(got, want) || breaths < n/piece {
				t.Fatalf("%d of %d keys: %v, %d breaths", n, keys, err, breaths)
			}
		}
	}
}

func TestSortEnds(t *testing.T) {
	stop := errors.New("stop")
	for after := range 40 {
		list := rand.Perm(8 * piece)
		_, err := Sort(list, cmp.Compare[int], func() error {
			if after--; after < 0 {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) && after < 0 {
			t.Fatal(err)
		}
	}
}
