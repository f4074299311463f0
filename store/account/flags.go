package account

import (
	"context"
	"slices"

	"citron/engine/kv"
	"citron/store/uidset"
)

// StoreFlags changes the flags of those of uids that are there, in steps of
// Options.Step messages, each a transaction. each, if not nil, gets after its
// step is durable the entries of every message found and not refused (changed
// or not), in UID order, and the modseq that each had before, by which a caller
// tells a change of its own from one that another made just before it. A
// failure in the middle leaves the steps before done, and the result says which
// (RFC 9051 §6.4.6 does not ask for more). Kinds: NoMailbox, Limit (keywords).
func (a *Account) StoreFlags(ctx context.Context, by Actor, id MailboxID, uids uidset.Ranges, c FlagChange, each func(now []Entry, before []ModSeq) error) (res StoreResult, err error) {
	if c.deletes() {
		ctx = kv.MakingRoom(ctx)
	}
	err = a.inSteps(ctx, id, uids, uidset.All, func(some uidset.Ranges) error {
		var step flagStep
		err := a.write(ctx, func(t *txn) (err error) {
			step, err = t.storeFlags(by, id, some, c)
			return err
		})
		if err != nil {
			return err
		}
		res.Changed = append(res.Changed, step.changed...)
		res.Modified = append(res.Modified, step.modified...)
		res.ModSeq = max(res.ModSeq, step.modseq)
		if each == nil || len(step.entries) == 0 {
			return nil
		}
		return each(step.entries, step.before)
	})
	res.Changed, res.Modified = uidset.Normalize(res.Changed), uidset.Normalize(res.Modified)
	return res, err
}

// deletes says whether the change is the first half of an expunge, perhaps with
// \Seen, as many clients have it.
func (c *FlagChange) deletes() bool { return c.Op != RemoveFlags && c.System&Deleted != 0 }

// inSteps calls fn with the UIDs of a kind that are among uids now, some at a
// time.
func (a *Account) inSteps(ctx context.Context, id MailboxID, uids uidset.Ranges, k uidset.Kind, fn func(uidset.Ranges) error) error {
	v, err := a.Open(ctx, id)
	if err != nil {
		return err
	}
	rest := v.Set.Select(k, uids)
	for done, goal := uint64(0), rest.Count(); len(rest) > 0; {
		var some uidset.Ranges
		some, rest = rest.Cut(uint64(a.store.opt.Step))
		if err := fn(some); err != nil {
			return err
		}
		if done += some.Count(); len(rest) > 0 {
			if err := stepped(ctx, done, goal); err != nil {
				return err
			}
		}
	}
	return nil
}

// flagStep is the outcome of one step.
type flagStep struct {
	entries           []Entry
	before            []ModSeq // of entries
	changed, modified uidset.Ranges
	modseq            ModSeq
}

// storeFlags refuses, of a conditional STORE, every message that has changed
// since, whatever of it changed. RFC 7162 §3.1.12 lets a server pass where only
// flags changed that the command does not name, if it knows what the client
// believes of those it does name. Neither an entry, which has one modseq for
// all its flags, nor the log, which has UIDs, can tell; a session keeps no flags
// between commands. That a flag now is as the command would have it is not
// enough: another client may have set it meanwhile, and a client that uses it
// as a lock would take it for its own.
func (t *txn) storeFlags(by Actor, id MailboxID, uids uidset.Ranges, c FlagChange) (s flagStep, err error) {
	b, err := t.box(id)
	if err != nil {
		return s, err
	}
	list, err := t.entries(b, b.set.Intersect(uids))
	if err != nil {
		return s, err
	}
	if c.UnchangedSince != nil {
		list = slices.DeleteFunc(list, func(e Entry) bool {
			if e.ModSeq <= *c.UnchangedSince {
				return false
			}
			s.modified.Add(e.UID)
			return true
		})
	}
	s.entries, s.before = list, make([]ModSeq, len(list))
	for i := range list {
		s.before[i] = list[i].ModSeq
	}
	if len(list) == 0 {
		return s, nil
	}
	no := t.barred(b, by)
	keywords, table := known(b.Keywords, c.Keywords), b.Keywords
	if c.Op != RemoveFlags && !no.keywords {
		if keywords, table, err = resolve(b.Keywords, c.Keywords); err != nil {
			return s, err
		}
	}
	t.changeFlags(b, &s, func(e *Entry) (SystemFlag, Keywords) {
		system, words := c.Op.apply(e, c.System, keywords)
		return no.keep(e, system, words)
	}, table)
	return s, nil
}

// changeFlags writes the entries that come to have other flags.
func (t *txn) changeFlags(b *box, s *flagStep, change func(*Entry) (SystemFlag, Keywords), table []string) {
	var w *work
	var editor *uidset.Editor
	for i := range s.entries {
		e := &s.entries[i]
		flags, words := change(e)
		if flags == e.Flags && words == e.Keywords {
			continue
		}
		if w == nil {
			w = t.edit(b)
			w.Keywords, editor, s.modseq = table, w.set.Edit(), t.stamp()
		}
		before := e.setFlags()
		e.Flags, e.Keywords, e.ModSeq = flags, words, s.modseq
		t.putEntry(b.ID, e)
		if now := e.setFlags(); now != before {
			editor.SetFlags(e.UID, now)
		}
		s.changed.Add(e.UID)
	}
	if w != nil {
		t.apply(w, editor)
		w.rec.changed = w.rec.changed.Union(s.changed)
	}
}

// apply gives what an entry's flags become.
func (op FlagOp) apply(e *Entry, system SystemFlag, keywords Keywords) (SystemFlag, Keywords) {
	switch op {
	case AddFlags:
		return e.Flags | system, e.Keywords.Union(keywords)
	case RemoveFlags:
		return e.Flags &^ system, e.Keywords.Without(keywords)
	default:
		return system, keywords
	}
}
