package account_test

import (
	"errors"
	"slices"
	"testing"

	"citron/store/account"
	"citron/store/uidset"

	"pgregory.net/rapid"
)

// replace is REPLACE in the random histories (RFC 8508).
func (h *history) replace(rt *rapid.T) {
	_, from := h.box(rt, "from")
	_, to := h.box(rt, "to")
	old, at := account.UID(77_000), -1
	if from != nil && len(from.messages) > 0 {
		at = rapid.IntRange(0, len(from.messages)-1).Draw(rt, "message")
		old = from.messages[at].uid
	}
	h.m.text++
	text := small(h.m.text)
	item := account.AppendItem{Incoming: h.incoming(text), Flags: account.Draft}
	res, err := h.a.Replace(h.ctx, h.by, h.id(from), old, h.id(to), item)
	switch {
	case from == nil:
		h.want(rt, err, account.ErrNoMailbox)
		return
	case at < 0:
		h.want(rt, err, account.ErrGone)
		return
	case to == nil:
		h.want(rt, err, account.ErrNoMailbox)
		return
	}
	grows := len(text) - len(from.messages[at].text)
	switch {
	case h.m.quota > 0 && grows > 0 && h.m.size()+uint64(grows) > h.m.quota:
		h.want(rt, err, account.ErrOverQuota)
	case err != nil:
		rt.Fatal(err)
	default:
		from.messages = slices.Delete(from.messages, at, at+1)
		h.arrive(rt, to, []modelMessage{{text: text, flags: account.Draft}}, res.UIDs, res.ModSeq)
		from.modseq = res.ModSeq
	}
}

// The quota is judged by what is left when both are done (RFC 8508 §3.4); in a
// full account a message can still be replaced by one no longer.
func TestReplaceInFullAccount(t *testing.T) {
	r := newRig(t, account.Options{})
	r.add(account.Inbox, 3, 0)
	used := r.a.Quota().Used
	if err := r.a.SetQuota(r.ctx, used-1); err != nil {
		t.Fatal(err)
	}
	replace := func(old account.UID, text string) error {
		_, err := r.a.Replace(r.ctx, r.by, account.Inbox, old, account.Inbox, account.AppendItem{Incoming: r.incoming(text)})
		return err
	}
	if err := replace(1, small(1)+"x"); !errors.Is(err, account.ErrOverQuota) {
		t.Errorf("longer: %v", err)
	}
	if err := replace(1, small(1)); err != nil {
		t.Errorf("as long: %v", err)
	}
	if err := replace(1, small(1)); !errors.Is(err, account.ErrGone) {
		t.Errorf("once more: %v", err)
	}
	told := r.view(account.Inbox)
	if err := replace(2, "a: b\r\n\r\n"); err != nil {
		t.Errorf("shorter: %v", err)
	}
	c, err := r.a.Changes(r.ctx, r.view(account.Inbox), told.ModSeq())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "gone", uidset.Of(2), c.Gone)
	equal(t, "came", uidset.Of(5), c.Came)
	r.sound()
}
