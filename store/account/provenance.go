package account

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"citron/engine/kv"
	"citron/engine/record"
	"citron/mail/message"
	"citron/store/uidset"
)

// Provenance is which messages of the account another was made of, by CATENATE:
// recorded with the object in the transaction that files it, shared by its copies
// and gone with it. When the message is sent (Send), those that it answers get
// \Answered, and the others $Forwarded.

// Source is a message that another was made of.
type Source struct {
	Mailbox MailboxID
	UID     UID
	Object  ObjectID
	// Draft: it is an earlier form of the message. Its own sources are taken
	// over in its place.
	Draft bool
}

// MaxSources is how many sources of a message are remembered.
const MaxSources = 8

func provenanceKey(id ObjectID) []byte { return objectKey(keyProvenance, id) }

func appendSources(dst []byte, list []Source) []byte {
	dst = binary.AppendUvarint(append(dst, recordVersion), uint64(len(list)))
	for _, s := range list {
		dst = binary.AppendUvarint(dst, uint64(s.Mailbox))
		dst = binary.AppendUvarint(dst, uint64(s.UID))
		dst = binary.AppendUvarint(dst, uint64(s.Object))
	}
	return dst
}

func decodeSources(v []byte) ([]Source, error) {
	d := record.Decode(v, recordVersion)
	list := make([]Source, min(d.Count(1), MaxSources+1))
	if len(list) > MaxSources {
		return nil, record.ErrMalformed
	}
	for i := range list {
		list[i] = Source{Mailbox: MailboxID(d.Uint32()), UID: UID(d.Uint32()), Object: ObjectID(d.Uint())}
	}
	return list, d.End()
}

// addSource adds a source, once and while there is room.
func addSource(list []Source, s Source) []Source {
	if len(list) >= MaxSources || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// inherit puts the sources of drafts in their places.
func (a *Account) inherit(ctx context.Context, items []AppendItem) error {
	var want kv.Reads
	for i := range items {
		for _, s := range items[i].Sources {
			if s.Draft {
				want.Gets = append(want.Gets, provenanceKey(s.Object))
			}
		}
	}
	if len(want.Gets) == 0 {
		return nil
	}
	got, err := a.view(ctx, want)
	if err != nil {
		return err
	}
	for i := range items {
		var all []Source
		for _, s := range items[i].Sources {
			if !s.Draft {
				all = addSource(all, s)
				continue
			}
			record := got.Values[0]
			if got.Values = got.Values[1:]; record == nil {
				continue
			}
			older, _ := decodeSources(record) // what cannot be read is Verify's to report
			for _, s := range older {
				all = addSource(all, s)
			}
		}
		items[i].Sources = all
	}
	return nil
}

// putSources records what a new object was made of.
func (t *txn) putSources(id ObjectID, sources []Source) {
	var list []Source
	for _, s := range sources {
		list = addSource(list, s)
	}
	if len(list) > 0 {
		t.set(provenanceKey(id), appendSources(nil, list))
	}
}

// from is a source of a message to be sent, as it is now.
type from struct {
	mailbox  MailboxID
	entry    Entry
	answered bool
}

// sources finds the sources of a message that are still where they were. One that
// was moved since is not looked for: nothing tells cheaply where an object is.
func (t *txn) sources(id ObjectID) ([]from, error) {
	record, err := t.get(provenanceKey(id))
	if err != nil || record == nil {
		return nil, err
	}
	list, err := decodeSources(record)
	if err != nil {
		return nil, nil // Verify's to report: it shall not keep the message from being sent
	}
	answers, err := t.answers(id, list)
	if err != nil {
		return nil, err
	}
	var found []from
	for i, s := range list {
		entry, ok, err := t.source(s)
		if err != nil {
			return nil, err
		}
		if ok && answers != nil {
			found = append(found, from{s.Mailbox, entry, answers[i]})
		}
	}
	return found, nil
}

// source gives a source's entry; false if it is not there any more, or a draft,
// of which nobody says that it was answered or forwarded.
func (t *txn) source(s Source) (Entry, bool, error) {
	b, err := t.box(s.Mailbox)
	if errors.Is(err, ErrNoMailbox) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	list, err := t.entries(b, b.set.Intersect(uidset.Single(s.UID)))
	if err != nil || len(list) == 0 {
		return Entry{}, false, err
	}
	return list[0], list[0].Object == s.Object && list[0].Flags&Draft == 0, nil
}

// answers says which of a message's sources it answers: those whose Message-ID
// stands in its In-Reply-To. nil: its index cannot be read.
func (t *txn) answers(id ObjectID, list []Source) ([]bool, error) {
	want := kv.Reads{Gets: [][]byte{objectKey(keyIndex, id)}}
	for _, s := range list {
		want.Gets = append(want.Gets, objectKey(keyIndex, s.Object))
	}
	got, err := t.read(want)
	if err != nil {
		return nil, err
	}
	draft, err := message.OpenIndex(got.Values[0])
	if err != nil {
		return nil, nil
	}
	parents := draft.IDs().InReplyTo
	answered := make([]bool, len(list))
	for i := range list {
		if ix, err := message.OpenIndex(got.Values[i+1]); err == nil {
			own := ix.IDs().Message
			answered[i] = own != "" && slices.Contains(parents, own)
		}
	}
	return answered, nil
}

// readSources is Verify's.
func (in *inspection) readSources(key, value []byte) {
	if len(key) != 9 {
		in.bad = append(in.bad, key)
		in.say("The key %x of sources is of no known form.", key)
		return
	}
	id := be64(key[1:])
	list, err := decodeSources(value)
	switch o := in.objects[ObjectID(id)]; {
	case err != nil || len(list) == 0:
		in.bad = append(in.bad, key)
		in.say("The sources of object %d cannot be read.", id)
	case o == nil || !o.there:
		in.bad = append(in.bad, key)
		in.say("Sources are remembered of object %d, which there is not.", id)
	}
}
