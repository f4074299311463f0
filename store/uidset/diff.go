package uidset

// Diff says what old has and new has not (gone), and the reverse (came). It
// looks only at chunks that differ.
func Diff(old, new *Set) (gone, came Ranges) {
	a, b := old.chunks(), new.chunks()
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].number < b[0].number:
			difference(&gone, a[0].chunk, nil)
			a = a[1:]
		case len(a) == 0 || b[0].number < a[0].number:
			difference(&came, b[0].chunk, nil)
			b = b[1:]
		default:
			if a[0].present != b[0].present {
				difference(&gone, a[0].chunk, b[0].present)
				difference(&came, b[0].chunk, a[0].present)
			}
			a, b = a[1:], b[1:]
		}
	}
	return gone, came
}

// difference appends what c has and other has not.
func difference(out *Ranges, c *chunk, other bitmap) {
	var scratch [words]uint64
	runs(except(c.present, other, &scratch), 0, ChunkSize-1, func(first, last uint) {
		out.AddRange(Range{c.first() + UID(first), c.first() + UID(last)})
	})
}
