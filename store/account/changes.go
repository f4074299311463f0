package account

import (
	"context"

	"citron/engine/kv"
	"citron/store/uidset"
)

// Changes says what happened to a mailbox after since, up to the view. Kind:
// NoMailbox when it was deleted meanwhile.
func (a *Account) Changes(ctx context.Context, v View, since ModSeq) (Changes, error) {
	if since >= v.ModSeq() {
		return Changes{Complete: true}, nil
	}
	got, err := a.view(ctx, kv.Reads{
		Gets:   [][]byte{mailboxKey(v.Info.ID)},
		Ranges: []kv.Range{logRange(v.Info.ID, since+1, v.ModSeq()+1)},
	})
	if err != nil {
		return Changes{}, err
	}
	if got.Values[0] == nil {
		return Changes{}, ErrNoMailbox
	}
	b, err := decodeBox(v.Info.ID, got.Values[0])
	if err != nil {
		return Changes{}, damaged("mailbox record", err)
	}
	if since < b.LogFloor {
		return a.changesByScan(ctx, v, since)
	}
	return changesByLog(v, got.Ranges[0])
}

func logRange(id MailboxID, from, to ModSeq) kv.Range {
	return kv.Range{From: appendKey3264(nil, keyLog, uint32(id), uint64(from)), To: appendKey3264(nil, keyLog, uint32(id), uint64(to))}
}

// changesByLog adds up log records.
func changesByLog(v View, p kv.Pairs) (Changes, error) {
	var came, changed, gone uidset.Ranges
	for i := range p.Len() {
		rec, err := decodeLog(p.Value(i))
		if err != nil {
			return Changes{}, damaged("log of "+v.Info.Name, err)
		}
		came = append(came, rec.came...)
		changed = append(changed, rec.changed...)
		gone = append(gone, rec.gone...)
	}
	came, changed, gone = uidset.Normalize(came), uidset.Normalize(changed), uidset.Normalize(gone)
	return Changes{
		Came:     came.Subtract(gone),
		Changed:  changed.Subtract(came).Subtract(gone),
		Gone:     gone.Subtract(came),
		Fleeting: gone.Intersect(came),
		Complete: true,
	}, nil
}

// changesByScan looks at every entry, for a modseq below the log.
func (a *Account) changesByScan(ctx context.Context, v View, since ModSeq) (Changes, error) {
	var c Changes
	err := a.Entries(ctx, v, uidset.Everything(), func(batch []Entry) error {
		for i := range batch {
			if batch[i].ModSeq > since {
				c.Changed.Add(batch[i].UID)
			}
		}
		return nil
	})
	if v.Info.UIDNext > 1 {
		c.Gone = uidset.Ranges{{First: 1, Last: UID(v.Info.UIDNext - 1)}}.Subtract(v.Set.Ranges())
	}
	return c, err
}
