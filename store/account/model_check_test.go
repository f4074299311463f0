package account_test

import (
	"maps"
	"slices"
	"strings"

	"citron/store/account"
	"citron/store/uidset"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// check compares everything that can be asked with the model.
func (h *history) check(rt *rapid.T) {
	h.rt = rt
	names := slices.Sorted(maps.Keys(h.m.boxes))
	var got []string
	for _, info := range h.a.Mailboxes() {
		got = append(got, info.Name)
		if info.Subscribed != h.m.subs[info.Name] {
			rt.Fatalf("%s subscribed: %v", info.Name, info.Subscribed)
		}
	}
	if diff := cmp.Diff(names, got); diff != "" {
		rt.Fatalf("mailboxes: %s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(h.m.subs)), h.a.Subscriptions()); diff != "" && len(h.m.subs) > 0 {
		rt.Fatalf("subscriptions: %s", diff)
	}
	if q := h.a.Quota(); q != (account.Quota{Used: h.m.size(), Limit: h.m.quota}) {
		rt.Fatalf("quota %+v, want %d of %d", q, h.m.size(), h.m.quota)
	}
	for _, b := range h.m.boxes {
		h.checkBox(rt, b)
	}
	h.checkTold(rt)
	h.verify()
}

func (h *history) checkBox(rt *rapid.T, b *modelBox) {
	v := h.view(b.id)
	if v.Info.UIDNext != uint64(b.next) || v.Info.UIDValidity != b.validity || v.ModSeq() < b.modseq {
		rt.Fatalf("%+v, want %+v", v.Info, b)
	}
	all := h.entries(v)
	got := make([]modelMessage, len(all))
	for i, e := range all {
		var words []string
		for k, word := range v.Info.Keywords {
			if e.Keywords.Has(k) {
				words = append(words, strings.ToLower(word))
			}
		}
		slices.Sort(words)
		got[i] = modelMessage{e.UID, h.text(e.Object), e.Flags, strings.Join(words, " "), e.ModSeq}
		if f, _ := v.Set.Flags(e.UID); f&uidset.Seen != 0 != (e.Flags&account.Seen != 0) {
			rt.Fatalf("UID %d of %s: set and entry differ", e.UID, v.Info.Name)
		}
	}
	if diff := cmp.Diff(b.messages, got, cmp.AllowUnexported(modelMessage{})); diff != "" && len(got)+len(b.messages) > 0 {
		rt.Fatalf("%s: %s", v.Info.Name, diff)
	}
}

// checkTold is a session: it applies what Changes says to what it was told
// and must come to know the mailbox as it is.
func (h *history) checkTold(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "look") > 0 {
		return
	}
	now := h.view(account.Inbox)
	c, err := h.a.Changes(h.ctx, now, h.told.ModSeq())
	if err != nil {
		rt.Fatal(err)
	}
	was := h.told.Set.Ranges()
	gone, came := uidset.Diff(h.told.Set, now.Set)
	if c.Complete {
		if diff := cmp.Diff([]uidset.Ranges{gone, came}, []uidset.Ranges{c.Gone, c.Came}); diff != "" {
			rt.Fatalf("changes since %d: %s", h.told.ModSeq(), diff)
		}
	} else if left := gone.Subtract(c.Gone); len(left) > 0 || len(c.Gone.Intersect(now.Set.Ranges())) > 0 {
		rt.Fatalf("incomplete changes: %v gone, said %v", gone, c.Gone)
	}
	var changed uidset.Ranges
	for _, msg := range h.m.boxes["INBOX"].messages {
		if msg.modseq > h.told.ModSeq() && (was.Contains(msg.uid) || !c.Complete) {
			changed.Add(msg.uid)
		}
	}
	if diff := cmp.Diff(changed, c.Changed); diff != "" {
		rt.Fatalf("changed since %d (complete: %v): %s", h.told.ModSeq(), c.Complete, diff)
	}
	h.told = now
}
