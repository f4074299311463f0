package account

import (
	"context"
	"fmt"
	"slices"

	"citron/engine/kv"
)

// Summaries brings what is stored of messages, in the order asked, in one
// round trip. A message swept meanwhile is not Found; one that cannot be read
// has an Err and does not hide the others.
func (a *Account) Summaries(ctx context.Context, objects []ObjectID, want Want) ([]Stored, error) {
	return a.SummariesInto(ctx, new(Batch), objects, want)
}

// Batch is memory for the results of Summaries, used again by each.
type Batch struct {
	lent   kv.Results
	stored []Stored
}

// SummariesInto is Summaries for walks through many messages: the next call
// with the same Batch overwrites what this one gave.
func (a *Account) SummariesInto(ctx context.Context, b *Batch, objects []ObjectID, want Want) ([]Stored, error) {
	letters := wantedRecords(want)
	values, err := a.objectRecords(ctx, &b.lent, objects, letters)
	if err != nil {
		return nil, err
	}
	b.stored = slices.Grow(b.stored[:0], len(objects))[:len(objects)]
	all := b.stored
	clear(all)
	for i, o := range objects {
		var r records
		for j, l := range letters {
			r.put(l, values[j][i])
		}
		all[i].Object = o
		if values[0][i] == nil {
			continue
		}
		if err := all[i].fill(&r, want); err != nil {
			all[i].Err = damaged(fmt.Sprintf("object %d", o), err)
		}
	}
	return all, nil
}

// wantedRecords are the letters of the records that hold what is wanted. Every
// object has the first of them.
func wantedRecords(want Want) []byte {
	var letters []byte
	if want&(WantObject|WantBody) != 0 || want == 0 {
		letters = append(letters, keyObject)
	}
	if want&WantIndex != 0 {
		letters = append(letters, keyIndex)
	}
	if want&(WantHeader|WantBody) != 0 {
		letters = append(letters, keyHeader)
	}
	if want&WantBody != 0 {
		letters = append(letters, keyInline)
	}
	return letters
}

// records are those of one object; nil what was not asked for or is not there.
type records struct{ object, index, header, inline []byte }

func (r *records) put(letter byte, value []byte) {
	switch letter {
	case keyObject:
		r.object = value
	case keyIndex:
		r.index = value
	case keyHeader:
		r.header = value
	case keyInline:
		r.inline = value
	}
}

func (s *Stored) fill(r *records, want Want) (err error) {
	s.Found, s.Index = true, r.index
	var o object
	if r.object != nil {
		if o, err = decodeObject(r.object); err != nil {
			return err
		}
		s.Size, s.ref, s.emailID, s.threadID = o.size, o.ref, o.emailID, o.threadID
	}
	if r.header != nil {
		if s.Header, s.HeaderWhole, err = decodeHeader(r.header); err != nil {
			return err
		}
	}
	if want&WantBody != 0 && o.inline() {
		s.inline, err = newInlineReader(&o, r.header, r.inline)
	}
	return err
}

// objectRecords reads the records of some letters for each object. Objects
// that lie close together, as those of a mailbox mostly do, are read as
// ranges, which costs an engine much less than one by one.
func (a *Account) objectRecords(ctx context.Context, lent *kv.Results, objects []ObjectID, letters []byte) ([][][]byte, error) {
	if len(objects) == 0 {
		return make([][][]byte, len(letters)), nil
	}
	spans := closeObjects(objects)
	want := kv.Reads{Into: lent}
	for _, l := range letters {
		for _, s := range spans {
			want.Ranges = append(want.Ranges, kv.Range{From: objectKey(l, s.first), To: objectKey(l, s.last+1)})
		}
	}
	got, err := a.view(ctx, want)
	if err != nil {
		return nil, err
	}
	all := make([][][]byte, len(letters))
	for i := range letters {
		all[i] = pick(got.Ranges[i*len(spans):(i+1)*len(spans)], spans, objects)
	}
	return all, nil
}

// span is objects first … last.
type span struct{ first, last ObjectID }

// closeObjects gives the spans that hold the objects, with few others.
func closeObjects(objects []ObjectID) []span {
	sorted := slices.Clone(objects)
	slices.Sort(sorted)
	spans := []span{{sorted[0], sorted[0]}}
	for _, o := range sorted[1:] {
		if s := &spans[len(spans)-1]; o-s.last <= 2 {
			s.last = o
		} else {
			spans = append(spans, span{o, o})
		}
	}
	return spans
}

// pick gives for each object its value in the ranges read; nil if there is
// none.
func pick(ranges []kv.Pairs, spans []span, objects []ObjectID) [][]byte {
	values := make([][]byte, len(objects))
	for i, o := range objects {
		at, _ := slices.BinarySearchFunc(spans, o, func(s span, o ObjectID) int {
			if s.last < o {
				return -1
			}
			return 1
		})
		p := ranges[at]
		low, high := 0, p.Len()
		if guess := int(o - spans[at].first); guess < high && be64(p.Key(guess)[1:]) == uint64(o) {
			low, high = guess, guess // the usual: no object in between is missing
		}
		for low < high {
			if mid := (low + high) / 2; be64(p.Key(mid)[1:]) < uint64(o) {
				low = mid + 1
			} else {
				high = mid
			}
		}
		if low < p.Len() && be64(p.Key(low)[1:]) == uint64(o) {
			values[i] = p.Value(low)
		}
	}
	return values
}
