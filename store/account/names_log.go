package account

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"citron/engine/kv"
	"citron/engine/record"
)

// The account's own log: what happened to names, and to what hangs on them.

// LogKind says what a record of the account's own log is about.
type LogKind byte

// Kinds of the account's own log.
const (
	NamesChanged         LogKind = 1 // mailboxes were created, deleted or renamed
	SubscriptionsChanged LogKind = 2 // a name was subscribed or unsubscribed
	// MetadataChanged: entries were set or removed. To is the entry, From the
	// number of the account whose private entry it is, Mailbox OwnMetadata if it
	// is the account's own.
	MetadataChanged LogKind = 3
	ACLChanged      LogKind = 4 // of a mailbox; of none: who shares with the account

	logKinds = 4
)

// LogRecord is what one operation did.
type LogRecord struct {
	Kind    LogKind
	ModSeq  ModSeq
	Changes []NameChange
}

// NameChange is one name: From is empty for what is new, To for what is gone. A
// subscription of a name without a mailbox has mailbox 0.
type NameChange struct {
	Mailbox  MailboxID
	From, To string
}

// namesRecord is what one transaction did to names; the modseq is in the key.
type namesRecord struct {
	at      int64 // UTC seconds
	changes []NameChange
}

func (n *namesRecord) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, recordVersion), uint64(n.at))
	dst = binary.AppendUvarint(dst, uint64(len(n.changes)))
	for _, c := range n.changes {
		dst = binary.AppendUvarint(dst, uint64(c.Mailbox))
		dst = record.AppendString(record.AppendString(dst, c.From), c.To)
	}
	return dst
}

func decodeNames(v []byte) (n namesRecord, err error) {
	d := record.Decode(v, recordVersion)
	n.at = int64(d.Uint())
	for left := d.Count(1); left > 0 && d.Err() == nil; left-- {
		n.changes = append(n.changes, NameChange{MailboxID(d.Uint32()), d.String(), d.String()})
	}
	return n, d.End()
}

// logNames records what the running operation does to names, or whatever else
// the kind is about.
func (t *txn) logNames(kind LogKind, changes ...NameChange) {
	n := namesRecord{at: t.now.Unix(), changes: changes}
	t.loggedAt = t.stamp()
	t.set(namesKey(kind, t.loggedAt), n.append(nil))
}

// logPage is how many records of a kind one round trip brings.
const logPage = 256

// LogSince reads the account's own log from after one modseq up to another, in
// the order in which things happened, and says how far it came: not further
// than upTo, and below it when there is more. Kind: Trimmed, when the log no
// longer reaches back so far.
func (a *Account) LogSince(ctx context.Context, since, upTo ModSeq) (list []LogRecord, through ModSeq, err error) {
	want := kv.Reads{Gets: [][]byte{{keyHead}}}
	for kind := LogKind(1); kind <= logKinds; kind++ {
		want.Ranges = append(want.Ranges, kv.Range{From: namesKey(kind, since+1), To: namesKey(kind, upTo+1), Limit: logPage})
	}
	got, err := a.view(ctx, want)
	if err != nil {
		return nil, 0, err
	}
	h, err := decodeHead(got.Values[0])
	switch {
	case got.Values[0] == nil:
		return nil, 0, ErrNoAccount
	case err != nil:
		return nil, 0, damaged("head", err)
	case since < h.logFloor:
		return nil, 0, ErrTrimmed
	}
	through = upTo
	for i, p := range got.Ranges {
		if list, err = appendRecords(list, LogKind(i+1), p); err != nil {
			return nil, 0, damaged("the account's log", err)
		}
		if p.Len() == logPage {
			through = min(through, ModSeq(be64(p.Key(logPage - 1)[2:])))
		}
	}
	list = slices.DeleteFunc(list, func(r LogRecord) bool { return r.ModSeq > through })
	slices.SortStableFunc(list, func(x, y LogRecord) int { return cmp.Compare(x.ModSeq, y.ModSeq) })
	return list, through, nil
}

func appendRecords(list []LogRecord, kind LogKind, p kv.Pairs) ([]LogRecord, error) {
	for i := range p.Len() {
		rec, err := decodeNames(p.Value(i))
		if err != nil {
			return nil, err
		}
		list = append(list, LogRecord{Kind: kind, ModSeq: ModSeq(be64(p.Key(i)[2:])), Changes: rec.changes})
	}
	return list, nil
}
