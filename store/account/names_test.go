package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"citron/store/account"
	"citron/store/uidset"
)

func (r *rig) create(name string, uses ...string) error {
	_, err := r.a.CreateMailbox(r.ctx, r.by, name, account.CreateMailboxOptions{SpecialUse: uses})
	return err
}

func TestMailboxNames(t *testing.T) {
	r := newRig(t, account.Options{MaxName: 40, MaxDepth: 3, MaxMailboxes: 12})
	for _, c := range []struct {
		name string
		want error
	}{
		{"new", nil}, {"new", account.ErrExists}, {"slash/", nil}, {"slash", account.ErrExists},
		{"inbox", account.ErrExists}, {"InBox/below", nil}, {"INBOX/below", account.ErrExists},
		{"", account.ErrCannot}, {"/", account.ErrCannot}, {"a//b", account.ErrCannot}, {"/a", account.ErrCannot},
		{"a*", account.ErrCannot}, {"a%", account.ErrCannot}, {"a\x00", account.ErrCannot}, {"a\n", account.ErrCannot},
		{"a\u2028", account.ErrCannot}, {"\xff", account.ErrCannot}, {"a/b/c", nil}, {"a/b/c/d", account.ErrLimit},
		{strings.Repeat("n", 41), account.ErrLimit},
		{"e\u0301", nil}, {"\u00e9", account.ErrExists}, // NFC
		{"one", nil}, {"too many", account.ErrLimit},
	} {
		if err := r.create(c.name); !errors.Is(err, c.want) && (err != nil || c.want != nil) {
			t.Errorf("CREATE %q: %v, want %v", c.name, err, c.want)
		}
	}
	if !r.a.HasChildren("a") || !r.a.HasChildren("inbox") || r.a.HasChildren("new") {
		t.Error("children")
	}
	if err := r.a.DeleteMailbox(r.ctx, r.by, "a/b"); !errors.Is(err, account.ErrHasChildren) {
		t.Errorf("DELETE of a name that only has inferiors: %v", err)
	}
}

func TestSpecialUse(t *testing.T) {
	r := newRig(t, account.Options{})
	for _, c := range []struct {
		use  string
		want error
	}{{`\drafts`, account.ErrUseAttr}, {`\All`, account.ErrUseAttr}, {`\Other`, account.ErrUseAttr}} {
		if err := r.create("x", c.use); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.use, err)
		}
	}
	if err := r.a.DeleteMailbox(r.ctx, r.by, "Drafts"); err != nil {
		t.Fatal(err)
	}
	if err := r.create("x", `\drafts`, `\DRAFTS`); err != nil {
		t.Fatal(err)
	}
	info, _ := r.a.Lookup("x")
	equal(t, "special use", []string{`\Drafts`}, info.SpecialUse)
}

// An imported UIDVALIDITY must never show a client other messages under a name
// and UIDVALIDITY it knows.
func TestChosenValidity(t *testing.T) {
	r := newRig(t, account.Options{})
	choose := func(name string, validity uint32) error {
		_, err := r.a.CreateMailbox(r.ctx, r.by, name, account.CreateMailboxOptions{UIDValidity: validity})
		return err
	}
	r.add(account.Inbox, 1, 0) // one without mail would take another UIDVALIDITY
	inbox, _ := r.a.Lookup("inbox")
	for name, validity := range map[string]uint32{"a": 5, "b": 5, "c": 9} {
		if err := choose(name, validity); err != nil {
			t.Fatal(err)
		}
	}
	if err := choose("d", inbox.UIDValidity); !errors.Is(err, account.ErrCannot) {
		t.Errorf("UIDVALIDITY of INBOX: %v", err)
	}
	if err := r.a.RenameMailbox(r.ctx, r.by, "a", "e"); err != nil {
		t.Fatal(err)
	}
	if err := r.a.RenameMailbox(r.ctx, r.by, "b", "a"); err != nil {
		t.Fatal(err)
	}
	if info, _ := r.a.Lookup("a"); info.UIDValidity == 5 {
		t.Error("a has other messages under the same UIDVALIDITY")
	}
	if err := choose("f", 5); !errors.Is(err, account.ErrCannot) {
		t.Errorf("a UIDVALIDITY that was used before: %v", err)
	}
	if err := r.a.RenameMailbox(r.ctx, r.by, "c", "g"); err != nil {
		t.Fatal(err)
	}
	if info, _ := r.a.Lookup("g"); info.UIDValidity != 9 {
		t.Error("a rename without danger changed the UIDVALIDITY")
	}
}

func TestQuotaAndLimits(t *testing.T) {
	r := newRig(t, account.Options{MaxMessage: 1000})
	size := uint64(len(small(1)))
	if err := r.a.SetQuota(r.ctx, 2*size); err != nil {
		t.Fatal(err)
	}
	r.add(account.Inbox, 2, account.Deleted)
	append1 := func() error {
		_, err := r.a.Append(r.ctx, r.by, account.Inbox, []account.AppendItem{{Incoming: r.incoming(small(3))}})
		return err
	}
	if err := append1(); !errors.Is(err, account.ErrOverQuota) {
		t.Errorf("append: %v", err)
	}
	if _, err := r.a.Copy(r.ctx, r.by, account.Inbox, upTo(1), r.mailbox("Trash")); !errors.Is(err, account.ErrOverQuota) {
		t.Errorf("copy: %v", err)
	}
	if _, err := r.a.Move(r.ctx, r.by, account.Inbox, upTo(1), r.mailbox("Trash")); err != nil {
		t.Errorf("a move needs no quota: %v", err)
	}
	if _, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, uidset.Everything()); err != nil {
		t.Fatal(err)
	}
	if err := append1(); err != nil {
		t.Errorf("append after expunge: %v", err)
	}
	in, _ := r.a.NewMessage(r.ctx)
	if _, err := in.Write(make([]byte, 1001)); !errors.Is(err, account.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	in.Abort()
	words := make([]string, account.MaxKeywords-len(account.Reserved)+1) // one too many
	for i := range words {
		words[i] = fmt.Sprint("k", i)
	}
	_, err := r.a.StoreFlags(r.ctx, r.by, r.mailbox("Trash"), upTo(1), account.FlagChange{Op: account.AddFlags, Keywords: words}, nil)
	if !errors.Is(err, account.ErrLimit) {
		t.Errorf("keywords: %v", err)
	}
	if _, err = r.a.StoreFlags(r.ctx, r.by, r.mailbox("Trash"), upTo(1), account.FlagChange{Op: account.AddFlags, Keywords: words[1:]}, nil); err != nil {
		t.Errorf("as many keywords as there can be: %v", err)
	}
	e := r.entries(r.view(r.mailbox("Trash")))[0]
	info, _ := r.a.Lookup("Trash")
	var got []string
	for i, w := range info.Keywords {
		if e.Keywords.Has(i) {
			got = append(got, w)
		}
	}
	slices.Sort(words[1:])
	slices.Sort(got)
	equal(t, "keywords", words[1:], got)
}

func TestUIDsEnd(t *testing.T) {
	r := newRig(t, account.Options{})
	items := []account.AppendItem{{Incoming: r.incoming(small(1)), UID: uidset.MaxUID - 1}, {Incoming: r.incoming(small(2))}}
	if _, err := r.a.Append(r.ctx, r.by, account.Inbox, items); err != nil {
		t.Fatal(err)
	}
	if v := r.view(account.Inbox); v.Info.UIDNext != 1<<32 || v.Set.Last() != uidset.MaxUID || len(r.entries(v)) != 2 {
		t.Fatalf("%+v", v.Info)
	}
	_, err := r.a.Append(r.ctx, r.by, account.Inbox, []account.AppendItem{{Incoming: r.incoming(small(3))}})
	if !errors.Is(err, account.ErrLimit) {
		t.Errorf("append without a UID left: %v", err)
	}
	if _, err = r.a.Copy(r.ctx, r.by, account.Inbox, uidset.Everything(), account.Inbox); !errors.Is(err, account.ErrLimit) {
		t.Errorf("copy without a UID left: %v", err)
	}
	_, err = r.a.Append(r.ctx, r.by, r.mailbox("Trash"), []account.AppendItem{{Incoming: r.incoming(small(3)), UID: 7}, {Incoming: r.incoming(small(3)), UID: 7}})
	if !errors.Is(err, account.ErrCannot) {
		t.Errorf("a UID twice: %v", err)
	}
	equal(t, "findings", []string(nil), r.findings())
}
