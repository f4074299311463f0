package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"citron/engine/kv"
	"citron/engine/record"
	"citron/mail/acl"
	"citron/store/uidset"
)

// Atomic send (docs/atomic-send.md). One transaction records the attempt with its
// envelope, files the sent copy and sets the flags that tell of it. From then on
// the message waits: the record of it holds a reference to the object, so that
// nothing that becomes of draft and copy takes it away, until Queued says that
// the queue has it. The attempt itself is remembered longer, for who asks again.

// Bounds of an attempt, in octets.
const (
	MaxAttempt  = 64
	MaxEnvelope = 1 << 20
	maxQueueID  = 255
)

// DraftID is which message is sent.
type DraftID struct {
	// Name is the name of the mailbox by which it was asked for, in its
	// canonical form.
	Name        string
	Mailbox     MailboxID
	UIDValidity uint32
	UID         UID
}

// Sending is what Send is asked for.
type Sending struct {
	Attempt  string // the client's name for it: 1 to MaxAttempt octets
	Draft    DraftID
	Target   string // the mailbox for the sent copy; "": none is filed
	Envelope []byte // at most MaxEnvelope octets
}

// Attempt is a recorded attempt to send.
type Attempt struct {
	Name string
	At   time.Time // when it was recorded
	// Queued is the id that the queue gave; "": it has not got it.
	Queued   string
	Envelope []byte   // until it is Queued
	Object   ObjectID // the message, until it is Queued
	Repeated bool     // recorded before
	// The sent copy's; 0 without one.
	UIDValidity uint32
	UID         UID
}

// Send sends a message of the account on behalf of its owner. An attempt that
// was recorded before gives what it gave then. If the target is the mailbox of
// the draft, the draft itself becomes the sent copy. Kinds: Gone (no such
// draft), NoMailbox (the target), Exists (the attempt was another), Limit,
// OverQuota, NoSpace, Temporary.
func (a *Account) Send(ctx context.Context, by Actor, s *Sending) (sent Attempt, err error) {
	if len(s.Attempt) == 0 || len(s.Attempt) > MaxAttempt || len(s.Envelope) > MaxEnvelope {
		return sent, refuse(Limit, "an attempt has a name of 1 to 64 octets, and an envelope of a megabyte at most")
	}
	done, err := a.store.outboxes.enter(ctx, a)
	if err != nil {
		return sent, err
	}
	defer done()
	err = a.update(ctx, nil, len(s.Envelope)+512, func(t *txn, _ [][]byte) error {
		sent, err = t.send(by, s)
		return err
	})
	return sent, err
}

// Attempted gives an attempt that was recorded; false if it was not, or is
// forgotten. Kind: Exists (it was another).
func (a *Account) Attempted(ctx context.Context, s *Sending) (Attempt, bool, error) {
	got, err := a.view(ctx, kv.Reads{Gets: [][]byte{attemptKey(s.Attempt), waitingKey(s.Attempt)}})
	if err != nil || got.Values[0] == nil {
		return Attempt{}, false, err
	}
	sent, err := s.repeated(got.Values[0], got.Values[1])
	return sent, err == nil, err
}

// request is what makes an attempt the same, besides the draft.
func (s *Sending) request() [sha256.Size]byte {
	target := ""
	if s.Target != "" {
		target = canonical(s.Target)
	}
	h := sha256.New()
	h.Write(record.AppendString(nil, target))
	h.Write(s.Envelope)
	return [sha256.Size]byte(h.Sum(nil))
}

// repeated gives the attempt that is recorded under the name, if it is this one:
// of the same draft, by the mailbox's name of then or by the mailbox itself, and
// with the same target and envelope.
func (s *Sending) repeated(record, message []byte) (Attempt, error) {
	r, err := decodeAttempt(record)
	if err != nil {
		return Attempt{}, damaged("attempt to send", err)
	}
	d := s.Draft
	if d.UID != r.draft.UID || d.Name != r.draft.Name && d.Mailbox != r.draft.Mailbox ||
		d.UIDValidity != 0 && d.UIDValidity != r.draft.UIDValidity || s.request() != r.request {
		return Attempt{}, refuse(Exists, "this attempt was another message")
	}
	sent := r.shown(s.Attempt)
	sent.Repeated = true
	if message != nil {
		w, err := decodeWaiting(message)
		if err != nil {
			return Attempt{}, damaged("message of an attempt to send", err)
		}
		sent.Object, sent.Envelope = w.object, w.envelope
	}
	return sent, nil
}

// outgoing is what a Send has read.
type outgoing struct {
	draft   Entry
	target  MailboxID // 0: none
	objects map[ObjectID]*object
	sources []from
}

func (t *txn) send(by Actor, s *Sending) (Attempt, error) {
	before := waitingRange()
	before.Limit, before.KeysOnly = t.a.store.opt.MaxWaiting, true
	got, err := t.read(kv.Reads{Gets: [][]byte{attemptKey(s.Attempt), waitingKey(s.Attempt)}, Ranges: []kv.Range{before}})
	switch {
	case err != nil:
		return Attempt{}, err
	case got.Values[0] != nil:
		return s.repeated(got.Values[0], got.Values[1])
	case got.Ranges[0].Len() >= before.Limit:
		return Attempt{}, refuse(Temporary, "too many messages are waiting to be queued")
	}
	o, err := t.look(by, s)
	if err != nil {
		return Attempt{}, err
	}
	return t.putSent(by, s, o), nil
}

// look reads what a Send is about, and refuses.
func (t *txn) look(by Actor, s *Sending) (o outgoing, err error) {
	b, err := t.box(s.Draft.Mailbox)
	switch {
	case errors.Is(err, ErrNoMailbox), err == nil && b.UIDValidity != s.Draft.UIDValidity:
		return o, refuse(Gone, "the draft's mailbox is not there")
	case err != nil:
		return o, err
	}
	drafts, err := t.entries(b, b.set.Intersect(uidset.Single(s.Draft.UID)))
	switch {
	case err != nil:
		return o, err
	case len(drafts) == 0:
		return o, refuse(Gone, "the draft is not there")
	}
	o.draft = drafts[0]
	if o.sources, err = t.sources(o.draft.Object); err != nil {
		return o, err
	}
	references := drafts
	if s.Target != "" {
		if o.target, err = t.sendTarget(by, s.Target); err != nil {
			return o, err
		}
	}
	if o.files(s) {
		if err := t.roomForCopies(t.find(o.target), drafts, false); err != nil {
			return o, err
		}
		references = []Entry{o.draft, o.draft}
	}
	o.objects, err = t.objects(references)
	return o, err
}

// files says whether the sent copy is a message of its own.
func (o *outgoing) files(s *Sending) bool { return o.target != 0 && o.target != s.Draft.Mailbox }

// sendTarget finds the mailbox for the sent copy.
func (t *txn) sendTarget(by Actor, name string) (MailboxID, error) {
	b, err := t.box(t.nameIndex()[canonical(name)])
	switch {
	case err != nil:
		return 0, err
	case !t.a.Rights(&b.MailboxInfo, by.Account).Has(acl.Insert):
		return 0, refuse(NoMailbox, "the right to put messages there was taken away")
	}
	return b.ID, nil
}

// The keywords of RFC 5550 §5.9 and §5.10.
const (
	forwarded     = "$Forwarded"
	submitted     = "$Submitted"
	submitPending = "$SubmitPending"
)

// putSent writes all that a Send makes.
func (t *txn) putSent(by Actor, s *Sending, o outgoing) Attempt {
	r := attempt{at: t.now.Unix(), request: s.request(), draft: s.Draft}
	m := mark{words: []string{submitted}, without: []string{submitPending}}
	switch {
	case o.files(s):
		w := t.edit(t.find(o.target))
		r.validity, r.uid = w.UIDValidity, t.fileSent(by, w, o.draft, t.find(s.Draft.Mailbox).Keywords)
	case o.target != 0: // the draft is the copy
		m.system, m.withoutSystem = Seen, Draft
		r.validity, r.uid = s.Draft.UIDValidity, s.Draft.UID
	}
	t.mark(by, s.Draft.Mailbox, o.draft, m)
	for _, f := range o.sources {
		m := mark{words: []string{forwarded}}
		if f.answered {
			m = mark{system: Answered}
		}
		t.mark(by, f.mailbox, f.entry, m)
	}
	t.putObjects(o.objects)

	message := waiting{o.draft.Object, s.Envelope}
	t.set(attemptKey(s.Attempt), r.append(nil))
	t.set(waitingKey(s.Attempt), message.append(nil))
	t.set(orderKey(r.at, s.Attempt), []byte{recordVersion})
	sent := r.shown(s.Attempt)
	sent.Object, sent.Envelope = message.object, s.Envelope
	return sent
}

// fileSent files the sent copy, as COPY does but for what makes a draft a draft,
// and with the date of its sending. words is the table of the draft's mailbox.
func (t *txn) fileSent(by Actor, w *work, draft Entry, words []string) UID {
	modseq := t.stamp()
	e := draft
	e.UID, e.ModSeq, e.InternalDate, e.SaveDate = UID(w.UIDNext), modseq, t.now.UTC(), t.now
	names := []string{submitted}
	for i, name := range words {
		if draft.Keywords.Has(i) && indexOf([]string{submitted, submitPending}, name) < 0 {
			names = append(names, name)
		}
	}
	no, table := t.barred(&w.box, by), w.Keywords
	if !no.keywords {
		e.Keywords, table = fit(w.Keywords, names)
	}
	e.Flags, e.Keywords = no.keep(&Entry{}, draft.Flags&^(Draft|Deleted)|Seen, e.Keywords)
	w.Keywords = table
	w.UIDNext++
	t.putEntry(w.ID, &e)
	editor := w.set.Edit()
	editor.Add(e.UID, e.Size, e.setFlags())
	t.apply(w, editor)
	w.rec.came = w.rec.came.Union(uidset.Single(e.UID))
	return e.UID
}

// mark is a change of one message's flags that cannot fail.
type mark struct {
	system, withoutSystem SystemFlag
	words, without        []string
}

// mark changes the flags of a message, as far as the actor may.
func (t *txn) mark(by Actor, id MailboxID, e Entry, m mark) {
	b := t.find(id)
	no, table := t.barred(b, by), b.Keywords
	var words Keywords
	if !no.keywords {
		words, table = fit(table, m.words)
	}
	s := flagStep{entries: []Entry{e}}
	t.changeFlags(b, &s, func(e *Entry) (SystemFlag, Keywords) {
		return no.keep(e, e.Flags&^m.withoutSystem|m.system, e.Keywords.Without(known(table, m.without)).Union(words))
	}, table)
}

// Queued records that the queue has the message of an attempt, under an id; of
// two ids the first holds. Kinds: Gone (no such attempt), Limit (the id).
func (a *Account) Queued(ctx context.Context, name, id string) error {
	if id == "" || len(id) > maxQueueID {
		return refuse(Limit, fmt.Sprintf("an id of the queue has 1 to %d octets", maxQueueID))
	}
	return a.write(kv.MakingRoom(ctx), func(t *txn) error {
		got, err := t.read(kv.Reads{Gets: [][]byte{attemptKey(name), waitingKey(name)}})
		switch {
		case err != nil:
			return err
		case got.Values[0] == nil:
			return refuse(Gone, "no such attempt")
		case got.Values[1] == nil:
			return nil
		}
		return t.queued(name, id, got.Values[0], got.Values[1])
	})
}

// queued gives an attempt its id, and the reference to its message back.
func (t *txn) queued(name, id string, record, message []byte) error {
	r, err := decodeAttempt(record)
	if err != nil {
		return damaged("attempt to send", err)
	}
	w, err := decodeWaiting(message)
	if err != nil {
		return damaged("message of an attempt to send", err)
	}
	if err := t.unreference([]Entry{{Object: w.object}}); err != nil {
		return err
	}
	r.queued = id
	t.set(attemptKey(name), r.append(nil))
	t.delete(waitingKey(name))
	return nil
}

// Waiting gives the message of an attempt that is not Queued: the object and the
// envelope. Kind: Gone.
func (a *Account) Waiting(ctx context.Context, name string) (Attempt, error) {
	got, err := a.view(ctx, kv.Reads{Gets: [][]byte{attemptKey(name), waitingKey(name)}})
	if err != nil {
		return Attempt{}, err
	}
	if got.Values[0] == nil || got.Values[1] == nil {
		return Attempt{}, refuse(Gone, "no message of such an attempt waits")
	}
	return decodeWaitingAttempt(name, got.Values[0], got.Values[1])
}

func decodeWaitingAttempt(name string, record, message []byte) (Attempt, error) {
	r, err := decodeAttempt(record)
	if err != nil {
		return Attempt{}, damaged("attempt to send", err)
	}
	w, err := decodeWaiting(message)
	if err != nil {
		return Attempt{}, damaged("message of an attempt to send", err)
	}
	sent := r.shown(name)
	sent.Object, sent.Envelope = w.object, w.envelope
	return sent, nil
}
