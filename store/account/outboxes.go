package account

import (
	"context"
	"sync"

	"citron/engine/kv"
)

// After a restart, and when the queue refused for a while, somebody has to find
// the messages that wait, without looking into every account. The reserved
// account kv.Outboxes holds a note for each account that may have some. It is
// written before the account records its first attempt and stays while it goes
// on sending, so that it costs a commit now and then, not one for each message;
// who goes through the list takes it away when nothing waits there and nothing
// was sent since the last time. A note too many does no harm, and one too few
// there never is.

// keyOutboxes begins the keys of kv.Outboxes.
const keyOutboxes = 'a'

func outboxesKey(id kv.Account) []byte { return appendKey64(nil, keyOutboxes, uint64(id)) }

// outboxes is what this process knows of the notes.
type outboxes struct {
	mu    sync.Mutex
	known map[kv.Account]*outboxNote
}

// outboxNote is of an account that sends.
type outboxNote struct {
	written bool
	busy    int    // calls of Send that are under way
	sends   uint64 // that ever began
}

// enter has the account noted and counts a Send; the caller calls done at its
// end.
func (o *outboxes) enter(ctx context.Context, a *Account) (done func(), err error) {
	n := o.begin(a.id)
	done = func() {
		o.mu.Lock()
		n.busy--
		o.mu.Unlock()
	}
	o.mu.Lock()
	written := n.written
	o.mu.Unlock()
	if written {
		return done, nil
	}
	err = a.store.engine.Update(ctx, kv.Outboxes, func(tx kv.Tx) error {
		tx.Set(outboxesKey(a.id), []byte{recordVersion})
		return nil
	})
	if err != nil {
		done()
		return nil, storageError(err)
	}
	o.mu.Lock()
	n.written = true
	o.mu.Unlock()
	return done, nil
}

func (o *outboxes) begin(id kv.Account) *outboxNote {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.known[id]
	if n == nil {
		if o.known == nil {
			o.known = make(map[kv.Account]*outboxNote)
		}
		n = new(outboxNote)
		o.known[id] = n
	}
	n.busy++
	n.sends++
	return n
}

// sends is how many calls of Send the account has seen; quiet: none is under
// way.
func (o *outboxes) sends(id kv.Account) (sends uint64, quiet bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.known[id]
	if n == nil {
		return 0, true
	}
	return n.sends, n.busy == 0
}

// quietAccount is a noted account in which nothing waited after so many sends.
type quietAccount struct {
	id    kv.Account
	sends uint64
}

// drop takes the notes of accounts away in which there was no Send since. It
// looks within the transaction: who begins a Send after that writes the note
// anew, behind it.
func (o *outboxes) drop(ctx context.Context, e kv.Engine, list []quietAccount) error {
	return e.Update(ctx, kv.Outboxes, func(tx kv.Tx) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, q := range list {
			if n := o.known[q.id]; n != nil && (n.busy > 0 || n.sends != q.sends) {
				continue
			}
			delete(o.known, q.id)
			tx.Delete(outboxesKey(q.id))
		}
		return nil
	})
}

// outboxesPage is how many notes are read at a time, waitingPage how many
// messages of one account.
const (
	outboxesPage = 100
	waitingPage  = 8
)

// Waiting lists the attempts of all accounts whose messages the queue has not
// got, those on their way into it among them. It opens no account, and looks into
// those only that have sent since it was last called, or have messages waiting.
func (s *Store) Waiting(ctx context.Context, each func(kv.Account, Attempt) error) error {
	for r := (kv.Range{From: []byte{keyOutboxes}, To: []byte{keyOutboxes + 1}, Limit: outboxesPage, KeysOnly: true}); ; {
		p, err := s.page(ctx, kv.Outboxes, r)
		if err != nil {
			return err
		}
		if err := s.waitingIn(ctx, p, each); err != nil {
			return err
		}
		if p.Len() < r.Limit {
			return nil
		}
		r.From = append(p.Key(p.Len()-1), 0)
	}
}

// waitingIn lists those of a page of notes, and drops the notes of accounts in
// which nothing waits.
func (s *Store) waitingIn(ctx context.Context, notes kv.Pairs, each func(kv.Account, Attempt) error) error {
	var quiet []quietAccount
	for i := range notes.Len() {
		q := quietAccount{id: kv.Account(be64(notes.Key(i)[1:]))}
		var idle bool
		q.sends, idle = s.outboxes.sends(q.id)
		waits, err := s.waitingOf(ctx, q.id, each)
		if err != nil {
			return err
		}
		if idle && !waits {
			quiet = append(quiet, q)
		}
	}
	if len(quiet) == 0 {
		return nil
	}
	if err := s.outboxes.drop(kv.MakingRoom(ctx), s.engine, quiet); err != nil {
		s.opt.Log.Warn("notes of accounts that have sent are dropped later", "accounts", len(quiet), "err", err)
	}
	return nil
}

// page reads one range of an account.
func (s *Store) page(ctx context.Context, id kv.Account, r kv.Range) (p kv.Pairs, err error) {
	err = s.engine.View(ctx, id, func(rd kv.Reader) error {
		got, err := rd.Read(ctx, kv.Reads{Ranges: []kv.Range{r}})
		if err == nil {
			p = got.Ranges[0]
		}
		return err
	})
	return p, storageError(err)
}

// waitingOf lists those of one account, and says whether there are any.
func (s *Store) waitingOf(ctx context.Context, id kv.Account, each func(kv.Account, Attempt) error) (any bool, err error) {
	r := waitingRange()
	r.Limit = waitingPage
	for more := true; more; {
		messages, err := s.page(ctx, id, r)
		if err != nil {
			return any, err
		}
		for i := range messages.Len() {
			any = true
			if err := s.waitingOne(ctx, id, messages.Key(i), messages.Value(i), each); err != nil {
				return any, err
			}
		}
		if more = messages.Len() == r.Limit; more {
			r.From = append(messages.Key(messages.Len()-1), 0)
		}
	}
	return any, nil
}

// waitingOne gives one of them, unless it has gone into the queue meanwhile. One
// that cannot be read does not hold up the others.
func (s *Store) waitingOne(ctx context.Context, id kv.Account, key, message []byte, each func(kv.Account, Attempt) error) error {
	name := string(key[2:])
	record, err := s.page(ctx, id, kv.Range{From: attemptKey(name), To: append(attemptKey(name), 0)})
	if err != nil || record.Len() == 0 {
		return err
	}
	sent, err := decodeWaitingAttempt(name, record.Value(0), message)
	if err != nil {
		s.opt.Log.Error("a message that waits to be queued cannot be read; run citron verify", "account", id, "err", err)
		return nil
	}
	if sent.Queued != "" {
		return nil
	}
	return each(id, sent)
}
