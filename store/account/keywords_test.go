package account_test

import (
	"errors"
	"fmt"
	"testing"

	"citron/store/account"
	"citron/store/uidset"
)

// A mailbox that has all the keywords it can have still takes copies and
// imported messages in, without the keywords that find no room; what a user
// sets there is refused.
func TestMessagesAreNotLostForAKeyword(t *testing.T) {
	for _, step := range []int{0, 2} { // the copy in one transaction, and prepared dark
		r := newRig(t, account.Options{Step: step})
		work, archive := account.Inbox, r.mailbox("Archive")
		r.add(archive, 1, 0)
		for i := range account.MaxKeywords - len(account.Reserved) {
			r.keyword(t, archive, 1, fmt.Sprint("k", i))
		}
		r.add(work, 5, 0)
		r.keyword(t, work, 3, "fresh")
		r.keyword(t, work, 3, "K7")
		for _, name := range account.Reserved { // RFC 5550 §5.9, §5.10
			r.keyword(t, work, 4, name)
		}
		res, err := r.a.Copy(r.ctx, r.by, work, uidset.Everything(), archive)
		if err != nil || res.Dest.Count() != 5 {
			t.Fatalf("copy: %v %v", res, err)
		}
		item := account.AppendItem{Incoming: r.incoming(small(9)), Keywords: []string{"fresh", "k1"},
			Import: account.ImportKey{Source: "mbox", ID: "1"}}
		if _, err := r.a.Append(r.ctx, r.by, archive, []account.AppendItem{item}); err != nil {
			t.Fatal(err)
		}
		all := r.entries(r.view(archive))
		if want := (account.Keywords{}).With(7); all[3].Keywords != want {
			t.Errorf("the copy has keywords %v, want %v", all[3].Keywords, want)
		}
		at := account.MaxKeywords - len(account.Reserved)
		if want := (account.Keywords{}).With(at).With(at + 1).With(at + 2); all[4].Keywords != want {
			t.Errorf("the copy has keywords %v, want %v", all[4].Keywords, want)
		}
		if want := (account.Keywords{}).With(1); all[6].Keywords != want {
			t.Errorf("the imported message has keywords %v, want %v", all[6].Keywords, want)
		}
		change := account.FlagChange{Op: account.AddFlags, Keywords: []string{"fresh"}}
		if _, err := r.a.StoreFlags(r.ctx, r.by, archive, uidset.Single(1), change, nil); !errors.Is(err, account.ErrLimit) {
			t.Errorf("one keyword too many: %v", err)
		}
	}
}

func (r *rig) keyword(t *testing.T, id account.MailboxID, uid account.UID, name string) {
	t.Helper()
	change := account.FlagChange{Op: account.AddFlags, Keywords: []string{name}}
	if _, err := r.a.StoreFlags(r.ctx, r.by, id, uidset.Single(uid), change, nil); err != nil {
		t.Fatal(err)
	}
}
