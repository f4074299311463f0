package account

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"citron/engine/kv"
	"citron/mail/acl"
)

// Who shares mailboxes with an account is noted in that account, so that it
// need not look into every other one: a share names an owner of whose lists at
// least one grants the account anything. What it grants, the owner's lists
// alone say.
//
// The owner's transaction that makes or takes the first grant leaves a notice,
// the intent to tell the other account; telling it is done right after, and
// after a crash by Maintain. What is shared with anyone is noted in an account
// of nobody's, acl.Anyone, which is made with the first such grant.

// notice has the running transaction note that an account is to be told.
func (t *txn) notice(account uint64) {
	value := binary.AppendUvarint([]byte{recordVersion}, uint64(t.stamp()))
	t.set(noticeKey(account), value)
	t.after = append(t.after, func(committed bool) {
		if committed {
			t.a.store.care.soon(t.a.id, t.now)
		}
	})
}

// tellNow tells those concerned of a change that is done. What fails is left to
// Maintain.
func (a *Account) tellNow(ctx context.Context) {
	for more := true; more; {
		var err error
		if more, err = a.tell(context.WithoutCancel(ctx)); err != nil {
			a.store.opt.Log.Warn("sharers are told later of a change", "account", a.id, "err", err)
			return
		}
	}
}

// noticeStep is how many notices are dealt with at a time.
const noticeStep = 100

// tell brings the shares noted in other accounts in line with this account's
// lists, as far as there are notices.
func (a *Account) tell(ctx context.Context) (more bool, err error) {
	a.telling.Lock()
	defer a.telling.Unlock()
	r := kv.Prefix([]byte{keyAcross, acrossNotice})
	r.Limit = noticeStep
	got, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{r}})
	if err != nil {
		return false, err
	}
	p := got.Ranges[0]
	for i := range p.Len() {
		err = errors.Join(err, a.tellOne(ctx, be64(p.Key(i)[2:]), p.Value(i)))
	}
	return err == nil && p.Len() == noticeStep, err
}

// tellOne tells one account whether anything is shared with it, and drops the
// notice unless another was left meanwhile.
func (a *Account) tellOne(ctx context.Context, account uint64, notice []byte) error {
	if err := a.store.noteShare(ctx, account, uint64(a.id), a.grants(account)); err != nil {
		return err
	}
	key := noticeKey(account)
	return a.update(ctx, [][]byte{key}, 0, func(t *txn, got [][]byte) error {
		if slices.Equal(got[0], notice) {
			t.delete(key)
		}
		return nil
	})
}

// grants says whether any list grants the account anything.
func (a *Account) grants(account uint64) bool {
	for _, info := range a.Mailboxes() {
		if slices.Contains(info.ACL.Shares(uint64(a.id)), account) {
			return true
		}
	}
	return false
}

// noteShare notes in an account, if it exists, that an owner shares with it, or
// no longer does.
func (s *Store) noteShare(ctx context.Context, account, owner uint64, on bool) error {
	if account == acl.Anyone && on {
		if err := s.Create(ctx, kv.Account(account), CreateOptions{}); err != nil {
			return err
		}
		s.nothingPublic.Store(false)
	}
	a, err := s.Account(ctx, kv.Account(account))
	if errors.Is(err, ErrNoAccount) {
		return nil
	}
	if err != nil {
		return err
	}
	defer a.Close()
	err = a.write(ctx, func(t *txn) error {
		if t.shares()[owner] == on {
			return nil
		}
		if on {
			t.set(shareKey(owner), []byte{recordVersion})
			t.editShares()[owner] = true
		} else {
			t.delete(shareKey(owner))
			delete(t.editShares(), owner)
		}
		t.logNames(ACLChanged)
		return nil
	})
	if errors.Is(err, ErrGone) { // deleted meanwhile
		return nil
	}
	if account == acl.Anyone {
		s.publicFeed.changed()
	}
	return err
}

// withdraw takes back what other accounts have noted of this one, which is to be
// deleted.
func (a *Account) withdraw(ctx context.Context) error {
	told := make(map[uint64]bool)
	for _, info := range a.Mailboxes() {
		for _, account := range info.ACL.Shares(uint64(a.id)) {
			if told[account] {
				continue
			}
			told[account] = true
			if err := a.store.noteShare(ctx, account, uint64(a.id), false); err != nil {
				return err
			}
		}
	}
	return nil
}

// Sharers lists, in order, the accounts that may share mailboxes with this one,
// by name or with anyone. It reads nothing as long as nobody shares with
// anyone.
func (a *Account) Sharers(ctx context.Context) ([]uint64, error) {
	list := a.sharers()
	public, err := a.store.public(ctx)
	if err != nil || public == nil {
		return list, err
	}
	defer public.Close()
	list = append(list, public.sharers()...)
	slices.Sort(list)
	list = slices.Compact(list)
	return slices.DeleteFunc(list, func(owner uint64) bool { return owner == uint64(a.id) }), nil
}

func (a *Account) sharers() []uint64 {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if len(a.shares) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(a.shares))
}

// public opens the account that notes what is shared with anyone; nil if
// nothing ever was.
func (s *Store) public(ctx context.Context) (*Account, error) {
	if s.nothingPublic.Load() {
		return nil, nil
	}
	a, err := s.Account(ctx, kv.Account(acl.Anyone))
	if errors.Is(err, ErrNoAccount) {
		s.nothingPublic.Store(true)
		return nil, nil
	}
	return a, err
}

// shares gives who shares with the account, for reading.
func (t *txn) shares() map[uint64]bool {
	if t.sharers != nil {
		return t.sharers
	}
	return t.a.shares
}

// editShares gives the same for writing.
func (t *txn) editShares() map[uint64]bool {
	if t.sharers == nil {
		if t.sharers = maps.Clone(t.a.shares); t.sharers == nil {
			t.sharers = make(map[uint64]bool)
		}
	}
	return t.sharers
}
