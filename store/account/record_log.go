package account

import (
	"encoding/binary"

	"citron/engine/record"
	"citron/store/uidset"
)

// logRecord is what one transaction did to a mailbox; the modseq is the key.
type logRecord struct {
	at                  int64 // UTC seconds
	came, changed, gone uidset.Ranges
}

func (l *logRecord) empty() bool { return len(l.came)+len(l.changed)+len(l.gone) == 0 }

func (l *logRecord) append(dst []byte) []byte {
	dst = append(dst, recordVersion)
	dst = binary.AppendUvarint(dst, uint64(l.at))
	dst = appendRanges(dst, l.came)
	dst = appendRanges(dst, l.changed)
	return appendRanges(dst, l.gone)
}

func decodeLog(v []byte) (l logRecord, err error) {
	d := record.Decode(v, recordVersion)
	l.at = int64(d.Uint())
	l.came = decodeRanges(&d)
	l.changed = decodeRanges(&d)
	l.gone = decodeRanges(&d)
	return l, d.End()
}

// appendRanges stores how many, then for each range its distance from the end
// of the one before and its length less one.
func appendRanges(dst []byte, r uidset.Ranges) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(r)))
	at := UID(0)
	for _, x := range r {
		dst = binary.AppendUvarint(dst, uint64(x.First-at))
		dst = binary.AppendUvarint(dst, uint64(x.Last-x.First))
		at = x.Last
	}
	return dst
}

func decodeRanges(d *record.Decoder) uidset.Ranges {
	n := d.Count(1)
	if n == 0 {
		return nil
	}
	r := make(uidset.Ranges, n)
	at := uint64(0)
	for i := range r {
		first := at + d.Uint()
		last := first + d.Uint()
		if last > uint64(uidset.MaxUID) || first > last || first == 0 || i > 0 && first < at+2 {
			d.Fail(record.ErrMalformed)
			return nil
		}
		r[i] = uidset.Range{First: UID(first), Last: UID(last)}
		at = last
	}
	return r
}

// grave is messages expunged together, to be swept when nobody can still be
// reading them; time, mailbox and modseq are the key. A mailbox deleted whole
// has the mailbox bit, and all its entries and extents go.
type grave struct {
	mailbox bool
	extents []extent
	uids    uidset.Ranges
}

func (g *grave) append(dst []byte) []byte {
	if g.mailbox {
		return appendExtents(append(dst, recordVersion, 1), g.extents)
	}
	return appendRanges(append(dst, recordVersion, 0), g.uids)
}

func decodeGrave(v []byte) (g grave, err error) {
	d := record.Decode(v, recordVersion)
	if g.mailbox = d.Byte() == 1; g.mailbox {
		g.extents = decodeExtents(&d)
	} else {
		g.uids = decodeRanges(&d)
	}
	return g, d.End()
}
