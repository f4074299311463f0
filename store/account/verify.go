package account

import (
	"context"
	"fmt"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/mail/message"
	"citron/store/uidset"
)

// Finding is one thing that is not as docs/key-layout.md says.
type Finding struct {
	Account kv.Account
	Text    string // a sentence
}

// Verify reads every account of a store that nobody else uses and reports
// what is wrong with it; then it reads every body. The error is of reading.
func Verify(ctx context.Context, e kv.Engine, bodies body.Store, report func(Finding)) error {
	err := eachAccount(ctx, e, func(id kv.Account) error {
		_, err := inspect(ctx, e, bodies, id, report)
		return err
	})
	if err != nil {
		return err
	}
	return bodies.Check(ctx, func(o body.Owner, r body.Ref, err error) {
		report(Finding{kv.Account(o.Account), fmt.Sprintf("The body of object %d (segment %d, offset %d) is damaged: %v.", o.Object, r.Segment, r.Offset, err)})
	})
}

// eachAccount calls fn for every account but those of other roles.
func eachAccount(ctx context.Context, e kv.Engine, fn func(kv.Account) error) error {
	for after := kv.Account(0); ; {
		page, err := e.Accounts(ctx, after, 100)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, id := range page {
			if after = id; id == 0 || id >= kv.Reserved {
				continue
			}
			if err := fn(id); err != nil {
				return fmt.Errorf("account %d: %w", id, err)
			}
		}
	}
}

// inspection is all that is found in one account.
type inspection struct {
	engine kv.Engine
	bodies body.Store
	id     kv.Account
	report func(Finding)

	head    head
	headOK  bool
	boxes   map[MailboxID]*found
	dead    map[MailboxID]*found // deleted, not yet swept
	extents map[uint64]bool      // shown, or of an unfinished copy
	objects map[ObjectID]*foundObject
	text    foundText
	outbox  map[string]*foundAttempt
	noted   bool // in kv.Outboxes

	findings int
	homeless map[MailboxID]bool // mailboxes without a record that entries or chunks belong to
	bad      [][]byte           // keys of records that cannot be read and can be done without
}

// found is a mailbox as its record, its chunks and its entries have it.
type found struct {
	*box
	chunks   *uidset.Loader
	badChunk bool
	buried   uidset.Ranges
	log      uint32 // records
	badLog   bool
	built    *uidset.Editor // of the entries that are present
	named    *uidset.Editor // of every UID with an entry
	highest  ModSeq         // of its entries and log
}

func newFound(b *box) *found {
	b.set = new(uidset.Set)
	return &found{box: b, chunks: new(uidset.Loader), built: b.set.Edit(), named: b.set.Edit()}
}

// foundObject is an object's record and how often it is named.
type foundObject struct {
	object
	named  uint64 // by entries
	held   uint64 // by messages that wait to be queued
	there  bool   // has a record that can be read
	lost   bool   // cannot be opened
	index  bool
	nul    bool // clients get it in another form, of another size
	header bool
	inline bool
	size   int64 // as an entry has it
	sample Entry // one that names it
}

func (in *inspection) say(format string, args ...any) {
	in.findings++
	in.report(Finding{in.id, fmt.Sprintf(format, args...)})
}

// inspect reads an account and reports what is wrong.
func inspect(ctx context.Context, e kv.Engine, bodies body.Store, id kv.Account, report func(Finding)) (*inspection, error) {
	in := &inspection{
		engine: e, bodies: bodies, id: id, report: report,
		boxes: make(map[MailboxID]*found), dead: make(map[MailboxID]*found),
		extents: make(map[uint64]bool), objects: make(map[ObjectID]*foundObject), text: newFoundText(),
		outbox:   make(map[string]*foundAttempt),
		homeless: make(map[MailboxID]bool),
	}
	for _, step := range [...]struct {
		letter byte
		read   func(key, value []byte)
	}{
		{keyHead, in.readHead}, {keyMailbox, in.readBox}, {keyNames, in.readNames}, {keySub, in.readSub},
		{keyGrave, in.readGrave}, {keyIntent, in.readIntent}, {keyChunk, in.readChunk}, {keyLog, in.readLog},
		{keyText, in.readText}, {keyDark, in.readDark}, {keyEntry, in.readEntry}, {keyObject, in.readObject},
		{keyIndex, in.readIndex}, {keyHeader, in.readHeader}, {keyInline, in.readInline},
		{keyThread, in.readThread}, {keyAwaited, in.readAwaited}, {keyImported, in.readImported},
		{keyACL, in.readACL}, {keyURL, in.readURLKey}, {keyAcross, in.readAcross},
		{keyMetadata, in.readMetadata}, {keyPosting, in.readPosting}, {keyOutbox, in.readOutbox},
		{keyProvenance, in.readSources}, {keyOnce, in.readOnce},
	} {
		if err := in.each(ctx, step.letter, step.read); err != nil {
			return nil, err
		}
		if step.letter == keyGrave {
			for _, b := range in.boxes {
				b.buried = uidset.Normalize(b.buried)
			}
		}
	}
	if err := in.strangers(ctx); err != nil {
		return nil, err
	}
	in.checkBoxes()
	in.checkText()
	if err := in.checkOutbox(ctx); err != nil {
		return nil, err
	}
	return in, in.checkObjects(ctx)
}

// each calls fn for all keys of a letter, a bounded number in memory.
func (in *inspection) each(ctx context.Context, letter byte, fn func(key, value []byte)) error {
	r := kv.Prefix([]byte{letter})
	r.Limit = 1000
	for {
		var p kv.Pairs
		err := in.engine.View(ctx, in.id, func(rd kv.Reader) error {
			got, err := rd.Read(ctx, kv.Reads{Ranges: []kv.Range{r}})
			if err == nil {
				p = got.Ranges[0]
			}
			return err
		})
		if err != nil {
			return err
		}
		for i := range p.Len() {
			fn(p.Key(i), p.Value(i))
		}
		if p.Len() < r.Limit {
			return nil
		}
		r.From = append(p.Key(p.Len()-1), 0)
	}
}

// strangers reports keys of no known letter.
func (in *inspection) strangers(ctx context.Context) error {
	known := []byte{keyACL, keyInline, keyChunk, keyDark, keyEntry, keyAwaited, keyGrave, keyHead, keyImported, keyAcross, keyOutbox, keyLog, keyMailbox,
		keyNames, keyObject, keyProvenance, keyPosting, keyThread, keySub, keyMetadata, keyURL, keyText, keyIntent, keyIndex, keyHeader, keyOnce} // ascending
	want := kv.Reads{}
	from := []byte{0}
	for _, letter := range known {
		want.Ranges = append(want.Ranges, kv.Range{From: from, To: []byte{letter}, Limit: 1, KeysOnly: true})
		from = []byte{letter + 1}
	}
	want.Ranges = append(want.Ranges, kv.Range{From: from, Limit: 1, KeysOnly: true})
	return in.engine.View(ctx, in.id, func(rd kv.Reader) error {
		got, err := rd.Read(ctx, want)
		for _, p := range got.Ranges {
			if p.Len() > 0 {
				in.say("The key %x is of no known kind.", p.Key(0))
			}
		}
		return err
	})
}

func (in *inspection) readHead(key, value []byte) {
	h, err := decodeHead(value)
	if in.head, in.headOK = h, err == nil; err != nil {
		in.say("The head cannot be read: %v.", err)
	}
}

func (in *inspection) readBox(key, value []byte) {
	b, err := decodeBox(MailboxID(be32(key[1:])), value)
	if err != nil {
		in.homeless[MailboxID(be32(key[1:]))] = true
		in.say("The record of mailbox %d cannot be read: %v.", be32(key[1:]), err)
		return
	}
	in.boxes[b.ID] = newFound(b)
	for _, x := range b.extents {
		in.extents[x.id] = true
	}
}

func (in *inspection) readNames(key, value []byte) {
	if _, err := decodeNames(value); err != nil {
		in.bad = append(in.bad, key)
		in.say("The account's log at modseq %d cannot be read: %v.", be64(key[2:]), err)
	}
}

func (in *inspection) readSub(key, value []byte) {
	if len(value) == 0 || value[0] != recordVersion {
		in.say("The subscription of %q is of an unknown version.", key[1:])
	}
}

func (in *inspection) readGrave(key, value []byte) {
	id := MailboxID(be32(key[9:]))
	g, err := decodeGrave(value)
	switch {
	case err != nil:
		in.bad = append(in.bad, key)
		in.say("A graveyard record of mailbox %d cannot be read: %v.", id, err)
	case g.mailbox:
		in.dead[id] = newFound(&box{extents: g.extents})
		for _, x := range g.extents {
			in.extents[x.id] = true
		}
	case in.boxes[id] != nil:
		in.boxes[id].buried = append(in.boxes[id].buried, g.uids...)
	}
}

func (in *inspection) readIntent(key, value []byte) { in.extents[be64(key[1:])] = true }

func (in *inspection) readChunk(key, value []byte) {
	b := in.boxes[MailboxID(be32(key[1:]))]
	if b == nil {
		in.homeless[MailboxID(be32(key[1:]))] = true
		in.say("Chunk %d belongs to mailbox %d, which there is not.", be32(key[5:]), be32(key[1:]))
		return
	}
	if err := b.chunks.Add(be32(key[5:]), value); err != nil {
		b.badChunk = true
		in.say("%s: %v.", b.Name, err)
	}
}

func (in *inspection) readLog(key, value []byte) {
	b, modseq := in.boxes[MailboxID(be32(key[1:]))], ModSeq(be64(key[5:]))
	if b == nil {
		in.bad = append(in.bad, key)
		in.say("The log has modseq %d of mailbox %d, which there is not.", modseq, be32(key[1:]))
		return
	}
	b.log++
	b.highest = max(b.highest, modseq)
	if rec, err := decodeLog(value); err != nil || modseq <= b.LogFloor || modseq > b.ModSeq || rec.empty() {
		b.badLog = true
		in.say("%s: the log at modseq %d is malformed or out of place (floor %d, HIGHESTMODSEQ %d): %v.", b.Name, modseq, b.LogFloor, b.ModSeq, err)
	}
}

func (in *inspection) readDark(key, value []byte) {
	e := Entry{}
	if err := e.decode(value); err != nil {
		in.bad = append(in.bad, key)
		in.say("The dark entry %x cannot be read: %v.", key, err)
		return
	}
	if extent := be64(key[1:]); !in.extents[extent] {
		in.bad = append(in.bad, key)
		in.say("A dark entry belongs to extent %d, which there is not.", extent)
	}
	in.name(&e, false)
	for _, boxes := range [...]map[MailboxID]*found{in.boxes, in.dead} {
		for _, b := range boxes {
			for _, x := range b.extents {
				if index := be32(key[9:]); x.id == be64(key[1:]) && index < x.n {
					e.UID, e.ModSeq = x.first+UID(index), x.modseq
					b.named.Add(e.UID, 0, 0)
					in.place(b, &e)
				}
			}
		}
	}
}

func (in *inspection) readEntry(key, value []byte) {
	id, e := MailboxID(be32(key[1:])), Entry{UID: UID(be32(key[5:]))}
	if err := e.decode(value); err != nil {
		in.bad = append(in.bad, key)
		in.say("The entry of UID %d in mailbox %d cannot be read: %v.", e.UID, id, err)
		return
	}
	b := in.boxes[id]
	if b == nil {
		b = in.dead[id]
	}
	if b == nil {
		in.name(&e, false)
		in.homeless[id] = true
		in.say("UID %d has an entry in mailbox %d, which there is not.", e.UID, id)
		return
	}
	in.name(&e, !b.named.Add(e.UID, 0, 0))
	in.checkColumn(id, &e)
	in.place(b, &e)
}

// name counts a reference; an entry over a dark one is the same reference.
func (in *inspection) name(e *Entry, over bool) {
	o := in.objects[e.Object]
	if o == nil {
		o = &foundObject{}
		in.objects[e.Object] = o
	}
	if !over {
		o.named++
	}
	o.size, o.sample = e.Size, *e
}

// place puts an entry among those of its mailbox, if its UID is present.
func (in *inspection) place(b *found, e *Entry) {
	if b.ID == 0 { // deleted
		return
	}
	b.highest = max(b.highest, e.ModSeq)
	if uint64(e.UID) >= b.UIDNext {
		in.say("%s: UID %d is not below UIDNEXT %d.", b.Name, e.UID, b.UIDNext)
	}
	if e.ModSeq > b.ModSeq || e.ModSeq == 0 {
		in.say("%s: UID %d has modseq %d, but HIGHESTMODSEQ is %d.", b.Name, e.UID, e.ModSeq, b.ModSeq)
	}
	b.add(e)
}

// add makes the set that the entries tell: those that are present, and where
// the chunk cannot tell, those that are not buried.
func (b *found) add(e *Entry) {
	if b.set.Len() == 0 {
		b.set = b.chunks.Set()
	}
	first := e.UID / uidset.ChunkSize * uidset.ChunkSize
	noChunk := b.set.Count(uidset.Range{First: first, Last: first + uidset.ChunkSize - 1}) == 0
	if b.set.Contains(e.UID) || noChunk && !b.buried.Contains(e.UID) {
		b.built.Remove(e.UID, e.Size) // of a dark entry under this one
		b.built.Add(e.UID, e.Size, e.setFlags())
	}
}

func (in *inspection) readObject(key, value []byte) {
	o := in.of(key)
	var err error
	if o.object, err = decodeObject(value); err != nil {
		in.say("Object %d cannot be read: %v.", be64(key[1:]), err)
		return
	}
	o.there = true
}

// of gives the object that a key of its own belongs to.
func (in *inspection) of(key []byte) *foundObject {
	id := ObjectID(be64(key[1:]))
	o := in.objects[id]
	if o == nil {
		o = &foundObject{}
		in.objects[id] = o
	}
	return o
}

func (in *inspection) readIndex(key, value []byte) {
	o := in.of(key)
	ix, err := message.OpenIndex(value)
	o.nul = ix.HasNUL()
	if o.index = err == nil && ix.Size() == o.object.size; !o.index {
		in.say("The index of object %d is of another version or another message (%d bytes): %v.", be64(key[1:]), o.object.size, err)
	}
}

func (in *inspection) readHeader(key, value []byte) {
	_, _, err := decodeHeader(value)
	if in.of(key).header = err == nil; err != nil {
		in.say("The header of object %d cannot be read: %v.", be64(key[1:]), err)
	}
}

func (in *inspection) readInline(key, value []byte) {
	_, _, err := decodeInline(value)
	if in.of(key).inline = err == nil; err != nil {
		in.say("The inline body of object %d cannot be read: %v.", be64(key[1:]), err)
	}
}

func (in *inspection) readThread(key, value []byte) {
	if len(value) != 17 || value[0] != recordVersion {
		in.bad = append(in.bad, key)
		in.say("The thread record %x is malformed.", key)
	}
}

func (in *inspection) readAwaited(key, value []byte) {
	if _, err := decodeAwaited(value); err != nil {
		in.bad = append(in.bad, key)
		in.say("The filter of awaited messages cannot be read: %v.", err)
	}
}

func (in *inspection) readOnce(key, value []byte) {
	if _, err := decodeOnce(value); err != nil || len(key) < onceKeySize {
		in.bad = append(in.bad, key)
		in.say("The memory of a copy filed once, %x, cannot be read: %v.", key, err)
	}
}

func (in *inspection) readImported(key, value []byte) {
	if len(value) == 0 || value[0] != recordVersion {
		in.say("The import record %x is malformed.", key)
	}
}
