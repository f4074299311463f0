package account

import (
	"context"
	"fmt"
	"slices"

	"citron/engine/kv"
)

// Summaries brings what is stored of messages, in the order asked, in one
// round trip. A message swept meanwhile is not Found.
func (a *Account) Summaries(ctx context.Context, objects []ObjectID, want Want) ([]Stored, error) {
	letters := []byte{keyObject}
	if want&WantIndex != 0 {
		letters = append(letters, keyIndex)
	}
	if want&WantHeader != 0 {
		letters = append(letters, keyHeader)
	}
	values, err := a.objectRecords(ctx, objects, letters)
	if err != nil {
		return nil, err
	}
	all := make([]Stored, len(objects))
	for i, o := range objects {
		all[i].Object = o
		if values[0][i] == nil {
			continue
		}
		row := values[1:]
		if want&WantIndex != 0 {
			all[i].Index, row = row[0][i], row[1:]
		}
		var header []byte
		if want&WantHeader != 0 {
			header = row[0][i]
		}
		if err := all[i].fill(values[0][i], header); err != nil {
			return nil, damaged(fmt.Sprintf("object %d", o), err)
		}
	}
	return all, nil
}

func (s *Stored) fill(record, header []byte) (err error) {
	o, err := decodeObject(record)
	if err != nil {
		return err
	}
	s.Found, s.Size = true, o.size
	s.EmailID, s.ThreadID = o.emailID.text('M'), o.threadID.text('T')
	if header != nil {
		s.Header, s.HeaderWhole, err = decodeHeader(header)
	}
	return err
}

// objectRecords reads the records of some letters for each object. Objects
// that lie close together, as those of a mailbox mostly do, are read as
// ranges, which costs an engine much less than one by one.
func (a *Account) objectRecords(ctx context.Context, objects []ObjectID, letters []byte) ([][][]byte, error) {
	if len(objects) == 0 {
		return make([][][]byte, len(letters)), nil
	}
	spans := closeObjects(objects)
	var want kv.Reads
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
