// Package merge sorts long lists a piece at a time, so that whoever shares the
// processor with others can let them have it in between.
package merge

import "slices"

// piece is how many elements are sorted, or merged, between two breaths.
const piece = 2048

// Sort sorts a list, whose memory it uses, and gives it back sorted; equal
// elements stay in their order. breathe is called now and then; its error ends
// the work and is given back.
func Sort[T any](list []T, compare func(a, b T) int, breathe func() error) ([]T, error) {
	for part := range slices.Chunk(list, piece) {
		slices.SortStableFunc(part, compare)
		if err := breathe(); err != nil {
			return nil, err
		}
	}
	if len(list) <= piece {
		return list, nil
	}
	other := make([]T, 0, len(list))
	for width := piece; width < len(list); width *= 2 {
		other = other[:0]
		for from := 0; from < len(list); from += 2 * width {
			mid, end := min(from+width, len(list)), min(from+2*width, len(list))
			var err error
			if other, err = merge(other, list[from:mid], list[mid:end], compare, breathe); err != nil {
				return nil, err
			}
		}
		list, other = other, list
	}
	return list, nil
}

// merge appends two sorted lists as one.
func merge[T any](dst, a, b []T, compare func(a, b T) int, breathe func() error) ([]T, error) {
	if len(a) > 0 && len(b) > 0 && compare(a[len(a)-1], b[0]) <= 0 {
		return append(append(dst, a...), b...), breathe() // the usual: they are sorted already
	}
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) <= 0 {
			dst, a = append(dst, a[0]), a[1:]
		} else {
			dst, b = append(dst, b[0]), b[1:]
		}
		if len(dst)%piece == 0 {
			if err := breathe(); err != nil {
				return nil, err
			}
		}
	}
	return append(append(dst, a...), b...), nil
}
