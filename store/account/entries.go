package account

import (
	"context"
	"fmt"

	"citron/engine/kv"
	"citron/store/uidset"
)

// readBatch is how many entries one round trip brings.
const readBatch = 512

// Entries calls fn with batches of the entries of the view that are in uids,
// in UID order; the slice is reused. Messages expunged since the view are among
// them while they are kept. No snapshot is held while fn runs.
func (a *Account) Entries(ctx context.Context, v View, uids uidset.Ranges, fn func([]Entry) error) error {
	var batch []Entry
	var lent kv.Results
	for from, more := UID(1), true; more; {
		some := v.Set.Take(uids, from, readBatch)
		if len(some) == 0 {
			return nil
		}
		last := some[len(some)-1].Last
		from, more = last+1, last < uidset.MaxUID
		want, darks := entryReads(v.Info.ID, v.extents, some)
		want.Into = &lent
		got, err := a.view(ctx, want)
		if err != nil {
			return err
		}
		if batch, err = decodeEntries(batch[:0], got, some, v.extents, darks); err != nil {
			return damaged(fmt.Sprintf("entries of %s", v.Info.Name), err)
		}
		if len(batch) == 0 {
			continue
		}
		if err := fn(batch); err != nil {
			return err
		}
	}
	return nil
}

// maxGap is how many keys that are not wanted are read rather than a range of
// its own begun.
const maxGap = 16

// dark is a piece of an extent that lies under wanted UIDs.
type dark struct {
	x     extent
	index int // of its range in the reads
}

// entryReads asks for the entries of UIDs, also where they are dark.
func entryReads(id MailboxID, extents []extent, uids uidset.Ranges) (want kv.Reads, darks []dark) {
	for i := 0; i < len(uids); {
		first, last := uids[i].First, uids[i].Last
		for i++; i < len(uids) && uids[i].First-last <= maxGap; i++ {
			last = uids[i].Last
		}
		want.Ranges = append(want.Ranges, kv.Range{From: entryKey(id, first), To: entryEnd(id, last)})
	}
	for _, x := range extents {
		in := uids.Intersect(uidset.Ranges{{First: x.first, Last: x.last()}})
		if len(in) == 0 {
			continue
		}
		from, to := uint32(in[0].First-x.first), uint32(in[len(in)-1].Last-x.first)
		darks = append(darks, dark{x, len(want.Ranges)})
		want.Ranges = append(want.Ranges, kv.Range{From: darkKey(x.id, from), To: append(darkKey(x.id, to), 0)})
	}
	return want, darks
}

// decodeEntries appends the entries of the UIDs wanted to dst.
func decodeEntries(dst []Entry, got kv.Results, uids uidset.Ranges, extents []extent, darks []dark) ([]Entry, error) {
	n := len(got.Ranges) - len(darks)
	if len(darks) > 0 {
		return mergeDark(dst, got, uids, darks, n)
	}
	w := wanted{uids}
	for _, p := range got.Ranges[:n] {
		for i := range p.Len() {
			u := UID(be32(p.Key(i)[5:]))
			if !w.has(u) {
				continue
			}
			dst = append(dst, Entry{UID: u})
			if err := dst[len(dst)-1].decode(p.Value(i)); err != nil {
				return nil, fmt.Errorf("UID %d: %w", u, err)
			}
		}
	}
	return dst, nil
}

// wanted walks through ranges beside ascending UIDs.
type wanted struct{ rest uidset.Ranges }

func (w *wanted) has(u UID) bool {
	for len(w.rest) > 0 && w.rest[0].Last < u {
		w.rest = w.rest[1:]
	}
	return len(w.rest) > 0 && w.rest[0].First <= u
}

// mergeDark puts entries and dark entries in the order of UIDs; an entry under
// the UID's own key goes first.
func mergeDark(dst []Entry, got kv.Results, uids uidset.Ranges, darks []dark, n int) ([]Entry, error) {
	found := make(map[UID]Entry)
	for _, d := range darks {
		p := got.Ranges[d.index]
		for i := range p.Len() {
			e := Entry{UID: d.x.first + UID(be32(p.Key(i)[9:]))}
			if err := e.decode(p.Value(i)); err != nil {
				return nil, fmt.Errorf("dark entry of UID %d: %w", e.UID, err)
			}
			e.ModSeq = d.x.modseq
			found[e.UID] = e
		}
	}
	for _, p := range got.Ranges[:n] {
		for i := range p.Len() {
			e := Entry{UID: UID(be32(p.Key(i)[5:]))}
			if err := e.decode(p.Value(i)); err != nil {
				return nil, fmt.Errorf("UID %d: %w", e.UID, err)
			}
			found[e.UID] = e
		}
	}
	uids.Each(func(u UID) bool {
		if e, ok := found[u]; ok {
			dst = append(dst, e)
		}
		return true
	})
	return dst, nil
}

// entries reads the entries of UIDs of a mailbox within a transaction.
func (t *txn) entries(b *box, uids uidset.Ranges) ([]Entry, error) {
	want, darks := entryReads(b.ID, b.extents, uids)
	got, err := t.read(want)
	if err != nil {
		return nil, err
	}
	list, err := decodeEntries(make([]Entry, 0, uids.Count()), got, uids, b.extents, darks)
	if err != nil {
		return nil, damaged("entries of "+b.Name, err)
	}
	return list, nil
}
