package imapserver

import (
	"errors"

	"citron/store/account"
	"citron/store/opened"
	"citron/store/order"
	"citron/store/uidset"
	"citron/wire/imap"
)

// maxSorted is how many messages are sorted or threaded at most; a client
// cannot show as many.
const maxSorted = 4 << 20

// sorting is what SORT and THREAD go by in one mailbox (package order). Call
// done at the end.
type sorting struct {
	s    *Session
	c    *command
	m    *selected
	box  *order.Mailbox
	cols *order.Columns // have all that were asked for

	place order.Place
	lent  account.Batch
	rows  []order.Row
	read  uint32 // messages so far, of goal
	goal  uint32
}

// sortingOf brings into memory what is not yet there of some messages.
func (s *Session) sortingOf(c *command, m *selected, uids uidset.Ranges) (*sorting, error) {
	if uids.Count() > maxSorted {
		return nil, no(imap.CodeLimit, "Too many messages to sort; search for fewer")
	}
	place := order.Place{Account: uint64(m.acct.ID()), Mailbox: uint32(m.id())}
	t := &sorting{s: s, c: c, m: m, place: place, box: s.srv.orders.Mailbox(place, m.view.Set.Len())}
	err := t.bring(uids)
	if err != nil {
		t.done()
		return nil, err
	}
	return t, nil
}

func (t *sorting) bring(uids uidset.Ranges) error {
	missing := t.box.Columns().Missing(uids)
	t.goal = uint32(missing.Count())
	err := t.m.acct.Entries(t.s.srv.ctx, t.m.view, missing, t.entries)
	if err != nil {
		return err
	}
	// What is still missing was swept since the client was told of it.
	rows := t.rows[:0]
	t.box.Columns().Missing(uids).Each(func(u uidset.UID) bool {
		rows = append(rows, order.Row{UID: u})
		return true
	})
	t.add(rows)
	t.cols = t.box.Columns()
	return nil
}

// add gives rows to all sessions.
func (t *sorting) add(rows []order.Row) {
	if len(rows) > 0 {
		t.box.Add(rows)
	}
}

// done must be called once the columns were used.
func (t *sorting) done() {
	if t.goal > 0 {
		t.box.Settle()
	}
	t.s.srv.orders.Done(t.place, t.box)
}

// entries is the account's callback.
func (t *sorting) entries(entries []account.Entry) error {
	for len(entries) > 0 {
		n := t.together(entries)
		if err := t.some(entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
		t.read += uint32(n)
		if err := t.c.progress(t.read, t.goal); err != nil {
			return err
		}
	}
	return nil
}

// together says how many messages are read in one round trip.
func (t *sorting) together(entries []account.Entry) int {
	bytes := int64(0)
	for i := range entries {
		if bytes += min(entries[i].Size, maxDescribed); bytes > batchBytes || i == describeBatch {
			return max(i, 1)
		}
	}
	return len(entries)
}

// some reads a few messages.
func (t *sorting) some(entries []account.Entry) error {
	objects := make([]account.ObjectID, len(entries))
	for i := range entries {
		objects[i] = entries[i].Object
	}
	stored, err := t.m.acct.SummariesInto(t.s.srv.ctx, &t.lent, objects, account.WantIndex)
	if err != nil {
		return err
	}
	t.rows = t.rows[:0]
	for i := range entries {
		row, err := t.row(&entries[i], &stored[i])
		if err != nil {
			return err
		}
		t.rows = append(t.rows, row)
	}
	t.add(t.rows)
	return nil
}

// row is what a message is sorted by. One that cannot be read is sorted by what
// the mailbox knows of it.
func (t *sorting) row(e *account.Entry, stored *account.Stored) (order.Row, error) {
	arrival := e.InternalDate.Unix()
	plain := order.Row{UID: e.UID, Arrival: arrival, Sent: arrival, Size: e.Size}
	if !stored.Found {
		return plain, nil
	}
	err := stored.Err
	if err == nil {
		m := opened.Message{From: t.m.acct, Stored: stored}
		defer m.Close()
		form, openErr := m.AsStored(t.s.srv.ctx)
		if openErr == nil {
			return order.RowOf(e.UID, arrival, e.Size, &form.Index), nil
		}
		err = openErr
	}
	var unreadable *opened.UnreadableError
	switch {
	case errors.Is(err, account.ErrGone):
		return plain, nil
	case errors.Is(err, account.ErrDamaged), errors.As(err, &unreadable):
		t.s.srv.cfg.Logger.Error("message cannot be sorted", "account", t.s.accountName(), "error", err)
		return plain, nil
	}
	return order.Row{}, err
}
