package account_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/store/account"
)

// guest is another user, who was let into alice's mailboxes.
var guest = account.Actor{Account: uint64(alice) + 1}

func (r *rig) annotate(by account.Actor, id account.MailboxID, name, value string) error {
	_, err := r.a.SetMetadata(r.ctx, by, id, []account.MetadataEntry{{Name: name, Value: []byte(value)}})
	return err
}

// annotations are all entries that a user sees of a mailbox, by name.
func (r *rig) annotations(by account.Actor, id account.MailboxID) map[string]string {
	r.t.Helper()
	all := map[string]string{}
	for _, root := range []string{"/private", "/shared"} {
		err := r.a.WalkMetadata(r.ctx, by, id, root, true, func(e account.MetadataEntry) error {
			all[e.Name] = string(e.Value)
			return nil
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return all
}

func TestMetadata(t *testing.T) {
	r := newRig(t, account.Options{})
	before := r.a.ModSeq()
	at, err := r.a.SetMetadata(r.ctx, r.by, account.Inbox, []account.MetadataEntry{
		{Name: "/private/Comment", Value: []byte("mine")}, {Name: "/shared/comment", Value: []byte("ours\x00")},
		{Name: "/private/comment/below", Value: []byte{}}, {Name: "/private/comment/below/deep", Value: []byte("deep")},
	})
	if err != nil || at != before+1 || r.a.ModSeq() != at {
		t.Fatal(at, err)
	}
	equal(t, "alice's", map[string]string{"/private/Comment": "mine", "/shared/comment": "ours\x00", "/private/comment/below": "", "/private/comment/below/deep": "deep"},
		r.annotations(r.by, account.Inbox))
	equal(t, "guest's", map[string]string{"/shared/comment": "ours\x00"}, r.annotations(guest, account.Inbox))
	equal(t, "the account's", map[string]string{}, r.annotations(r.by, account.OwnMetadata))

	// The first spelling stays, what is said again changes nothing.
	if err := r.annotate(r.by, account.Inbox, "/PRIVATE/COMMENT", "changed"); err != nil {
		t.Fatal(err)
	}
	same, err := r.a.SetMetadata(r.ctx, r.by, account.Inbox, []account.MetadataEntry{
		{Name: "/private/comment", Value: []byte("changed")}, {Name: "/private/none"},
		{Name: "/private/twice", Value: []byte("a")}, {Name: "/private/Twice"},
	})
	if err != nil || same != 0 || r.a.ModSeq() != at+1 {
		t.Error(same, err, r.a.ModSeq())
	}
	got, err := r.a.ReadMetadata(r.ctx, r.by, []account.MailboxID{account.Inbox, account.OwnMetadata}, []string{"/private/comment", "/shared/none"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "read", [][]account.MetadataEntry{
		{{Name: "/private/comment", Value: []byte("changed")}, {Name: "/shared/none"}}, {{Name: "/private/comment"}, {Name: "/shared/none"}}}, got)

	var direct []string
	r.a.WalkMetadata(r.ctx, r.by, account.Inbox, "/private/comment", false, func(e account.MetadataEntry) error {
		direct = append(direct, e.Name)
		return nil
	})
	equal(t, "directly below", []string{"/private/Comment", "/private/comment/below"}, direct)
	if err := r.annotate(r.by, 99, "/private/comment", "x"); !errors.Is(err, account.ErrNoMailbox) {
		t.Error(err)
	}
}

// What a mailbox is annotated with follows it through its life (RFC 5464 §4.1),
// and the account to another number.
func TestMetadataFollows(t *testing.T) {
	r := newRig(t, account.Options{})
	for _, by := range []account.Actor{r.by, guest} {
		for _, id := range []account.MailboxID{account.Inbox, r.mailbox("Sent"), r.mailbox("Junk")} {
			if err := r.annotate(by, id, "/private/comment", fmt.Sprint(by.Account, id)); err != nil {
				t.Fatal(err)
			}
		}
	}
	junk := r.mailbox("Junk")
	for _, err := range []error{
		r.a.RenameMailbox(r.ctx, r.by, "Sent", "Sent items"), r.a.RenameMailbox(r.ctx, r.by, "INBOX", "old"),
		r.a.DeleteMailbox(r.ctx, r.by, "Junk"), r.create("Junk"), r.annotate(r.by, account.OwnMetadata, "/private/vendor/x/y", "own"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	look := func(by account.Actor) {
		t.Helper()
		equal(t, "renamed", map[string]string{"/private/comment": fmt.Sprint(by.Account, r.mailbox("Sent items"))}, r.annotations(by, r.mailbox("Sent items")))
		equal(t, "INBOX", map[string]string{"/private/comment": fmt.Sprint(by.Account, account.Inbox)}, r.annotations(by, account.Inbox))
		equal(t, "INBOX renamed", map[string]string{"/private/comment": fmt.Sprint(by.Account, account.Inbox)}, r.annotations(by, r.mailbox("old")))
		equal(t, "deleted", map[string]string{}, r.annotations(by, junk))
		equal(t, "made again", map[string]string{}, r.annotations(by, r.mailbox("Junk")))
	}
	look(r.by)
	look(guest)
	r.a.Close()
	r.engine = r.engine.(*memkv.Engine).Reopen(memkv.Options{})
	r.open(account.Options{})
	look(r.by)
	look(guest)

	const moved = kv.Account(77)
	err := r.engine.View(r.ctx, alice, func(rd kv.Reader) error {
		got, err := rd.Read(r.ctx, kv.Reads{Ranges: []kv.Range{{From: []byte{1}}}})
		if err != nil {
			return err
		}
		return r.engine.Update(r.ctx, moved, func(tx kv.Tx) error {
			for i := range got.Ranges[0].Len() {
				tx.Set(got.Ranges[0].Key(i), got.Ranges[0].Value(i))
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	r.a.Close()
	if r.a, err = r.store.Account(r.ctx, moved); err != nil {
		t.Fatal(err)
	}
	equal(t, "after a move", map[string]string{"/private/vendor/x/y": "own"}, r.annotations(account.Actor{Account: uint64(moved)}, account.OwnMetadata))
	look(guest)
}

func TestMetadataLimits(t *testing.T) {
	r := newRig(t, account.Options{MaxMetadataValue: 2000, MaxMetadataEntries: 10, MaxMetadataBytes: 5000})
	big := strings.Repeat("x", 2000)
	if err := r.annotate(r.by, account.Inbox, "/private/a", big+"x"); !errors.Is(err, account.ErrTooLarge) {
		t.Error(err)
	}
	for i := range 10 {
		if err := r.annotate(r.by, account.Inbox, fmt.Sprint("/private/", i), "v"); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.annotate(r.by, account.Inbox, "/private/10", "v"); !errors.Is(err, account.ErrLimit) {
		t.Error(err)
	}
	// Nothing of a command is done if a part cannot be.
	_, err := r.a.SetMetadata(r.ctx, r.by, account.Inbox, []account.MetadataEntry{{Name: "/private/0", Value: []byte("w")}, {Name: "/private/10", Value: []byte("w")}})
	if !errors.Is(err, account.ErrLimit) || r.annotations(r.by, account.Inbox)["/private/0"] != "v" {
		t.Error(err)
	}
	// One comes as another goes; others have room of their own.
	_, err = r.a.SetMetadata(r.ctx, r.by, account.Inbox, []account.MetadataEntry{{Name: "/private/0"}, {Name: "/private/10", Value: []byte("w")}})
	if err != nil || r.annotate(r.by, account.Inbox, "/shared/a", big) != nil || r.annotate(guest, account.Inbox, "/private/a", big) != nil {
		t.Error(err)
	}
	// The octets of one user, in all mailboxes.
	for i, want := range []error{nil, nil, account.ErrOverQuota} {
		if err := r.annotate(guest, r.mailbox("Sent"), fmt.Sprint("/private/", i), big); want == nil && err != nil || !errors.Is(err, want) && want != nil {
			if i != 1 { // the second does not fit
				t.Error(i, err)
			}
		}
	}
	if err := r.a.DeleteMailbox(r.ctx, r.by, "Sent"); err != nil {
		t.Fatal(err)
	}
	if err := r.annotate(guest, r.mailbox("Junk"), "/private/a", big); err != nil {
		t.Error("what went with a mailbox still counts:", err)
	}
	// A renamed INBOX takes along what there is room for.
	if err := r.a.RenameMailbox(r.ctx, r.by, "INBOX", "old"); err != nil {
		t.Fatal(err)
	}
	equal(t, "alice's", 10+1, len(r.annotations(r.by, r.mailbox("old"))))
	equal(t, "guest's", 1, len(r.annotations(guest, r.mailbox("old"))))
	r.a.Close()
	equal(t, "verify", []string(nil), r.findings())
}

func TestVerifyMetadata(t *testing.T) {
	for name, fn := range map[string]func(tx kv.Tx, key, value []byte){
		"unreadable":    func(tx kv.Tx, key, value []byte) { tx.Set(key, []byte{77}) },
		"another name":  func(tx kv.Tx, key, value []byte) { tx.Set(append(bytes.Clone(key), 'x'), value) },
		"no mailbox":    func(tx kv.Tx, key, value []byte) { tx.Set(append([]byte{'t', 9, 9, 9, 9}, key[5:]...), value) },
		"malformed key": func(tx kv.Tx, key, value []byte) { tx.Set(key[:7], value) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, account.Options{})
			if err := r.annotate(r.by, account.Inbox, "/private/Comment", "x"); err != nil {
				t.Fatal(err)
			}
			r.a.Close()
			err := r.engine.Update(r.ctx, alice, func(tx kv.Tx) error {
				got, err := tx.Read(r.ctx, kv.Reads{Ranges: []kv.Range{{From: []byte{'t'}, To: []byte{'u'}}}})
				fn(tx, got.Ranges[0].Key(0), got.Ranges[0].Value(0))
				return err
			})
			if err != nil || len(r.findings()) == 0 {
				t.Fatal("Verify found nothing", err)
			}
			if err := account.Repair(r.ctx, r.engine, r.bodies, func(account.Finding) {}); err != nil {
				t.Fatal(err)
			}
			equal(t, "after Repair", []string(nil), r.findings())
		})
	}
}

// metadataModel is what random histories of annotations are held against: by
// mailbox, user ("": shared) and name in lower case, the entry as spelled.
type metadataModel map[string]map[string]map[string]account.MetadataEntry

func (m metadataModel) section(mailbox, user string) map[string]account.MetadataEntry {
	if m[mailbox] == nil {
		m[mailbox] = map[string]map[string]account.MetadataEntry{}
	}
	if m[mailbox][user] == nil {
		m[mailbox][user] = map[string]account.MetadataEntry{}
	}
	return m[mailbox][user]
}

func (m metadataModel) octets(user string) (n int) {
	for _, sections := range m {
		for _, e := range sections[user] {
			n += len(e.Name) - strings.IndexByte(e.Name[1:], '/') - 1 + len(e.Value)
		}
	}
	return n
}

type metadataHistory struct {
	*history
	model metadataModel
}

const modelBytes = 300

func TestMetadataHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		engine := rapid.SampledFrom([]string{"memkv", "memkv", "memkv", "pebblekv"}).Draw(rt, "engine")
		h := &metadataHistory{newHistory(t, rt, enginetest.Engines[engine]), metadataModel{}}
		h.opt.MaxMetadataBytes, h.opt.MaxMetadataEntries = modelBytes, 10
		h.reopenAll(rt)
		defer func() {
			h.a.Close()
			h.verify()
			h.engine.Close()
			h.bodies.Close()
		}()
		rt.Repeat(map[string]func(*rapid.T){
			"set": h.set, "set more": h.set, "rename": h.renameBox, "create": h.createBox, "delete": h.deleteBox,
			"reopen": h.reopenAll, "maintain": h.maintainSome, "": h.checkMetadata,
		})
	})
}

var modelNames = []string{"INBOX", "a", "b", "a/c"}

func (h *metadataHistory) draw(rt *rapid.T) (name string, id account.MailboxID) {
	name = rapid.SampledFrom(append([]string{""}, modelNames...)).Draw(rt, "mailbox")
	info, ok := h.a.Lookup(name)
	switch {
	case name == "":
		return name, account.OwnMetadata
	case !ok:
		return name, 999
	}
	return name, info.ID
}

func user(by account.Actor, name string) string {
	if strings.HasPrefix(strings.ToLower(name), "/shared") {
		return ""
	}
	return fmt.Sprint(by.Account)
}

func (h *metadataHistory) set(rt *rapid.T) {
	mailbox, id := h.draw(rt)
	by := rapid.SampledFrom([]account.Actor{h.by, guest}).Draw(rt, "by")
	var set []account.MetadataEntry
	trial := metadataModel{}
	for _, s := range []string{"", fmt.Sprint(by.Account)} {
		maps.Copy(trial.section(mailbox, s), h.model.section(mailbox, s))
	}
	for range rapid.IntRange(1, 4).Draw(rt, "entries") {
		e := account.MetadataEntry{Name: rapid.StringMatching(`/(private|Shared)/[a-c]{1,3}(/[aA])?`).Draw(rt, "name")}
		if rapid.IntRange(0, 4).Draw(rt, "nil") > 0 {
			e.Value = append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(rt, "value")...)
		}
		set = append(set, e)
		section, key := trial.section(mailbox, user(by, e.Name)), strings.ToLower(e.Name)
		old, there := section[key]
		switch {
		case e.Value == nil:
			delete(section, key)
		case there:
			section[key] = account.MetadataEntry{Name: old.Name, Value: e.Value}
		default:
			spelled := e.Name
			if strings.HasPrefix(e.Name, "/Shared") {
				spelled = "/shared" + e.Name[7:]
			}
			section[key] = account.MetadataEntry{Name: spelled, Value: e.Value}
		}
	}
	_, err := h.a.SetMetadata(h.ctx, by, id, set)
	want := error(nil)
	if id == 999 {
		want = account.ErrNoMailbox
	}
	// An entry named twice is spelled as the first time: such histories are
	// compared without the spelling, see checkMetadata.
	for _, s := range []string{"", fmt.Sprint(by.Account)} {
		grown := h.model.octets(s) - octetsOf(h.model.section(mailbox, s)) + octetsOf(trial.section(mailbox, s))
		more := len(trial.section(mailbox, s)) > len(h.model.section(mailbox, s))
		switch {
		case want != nil:
		case more && len(trial.section(mailbox, s)) > 10:
			want = account.ErrLimit
		}
		if want == nil && grown > modelBytes && grown > h.model.octets(s) {
			want = account.ErrOverQuota
		}
	}
	if (err == nil) != (want == nil) {
		rt.Fatalf("%v, want %v", err, want)
	}
	if err == nil {
		for _, s := range []string{"", fmt.Sprint(by.Account)} {
			h.model[mailbox][s] = trial.section(mailbox, s)
		}
	}
}

func octetsOf(section map[string]account.MetadataEntry) int {
	return metadataModel{"": {"": section}}.octets("")
}

func (h *metadataHistory) createBox(rt *rapid.T) {
	name, id := h.draw(rt)
	if id == 999 {
		h.want(rt, h.rig.create(name), nil)
	}
}

func (h *metadataHistory) deleteBox(rt *rapid.T) {
	name, id := h.draw(rt)
	if name == "" || id == account.Inbox || id == 999 {
		return
	}
	h.want(rt, h.a.DeleteMailbox(h.ctx, h.by, name), nil)
	delete(h.model, name)
}

// renameBox moves annotations with their mailboxes; those of INBOX are copied
// where there is room, user by user.
func (h *metadataHistory) renameBox(rt *rapid.T) {
	from, id := h.draw(rt)
	to, taken := h.draw(rt)
	if from == "" || to == "" || id == 999 || taken != 999 || h.a.RenameMailbox(h.ctx, h.by, from, to) != nil {
		return
	}
	if from == "INBOX" {
		for s, section := range h.model["INBOX"] {
			if len(section) > 0 && h.model.octets(s)+octetsOf(section) <= modelBytes {
				maps.Copy(h.model.section(to, s), section)
			}
		}
		return
	}
	for _, name := range slices.Collect(maps.Keys(h.model)) { // also names that only a rename makes
		if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || rest[0] == '/') && h.model[name] != nil {
			h.model[to+rest] = h.model[name]
			delete(h.model, name)
		}
	}
}

func (h *metadataHistory) checkMetadata(rt *rapid.T) {
	for _, name := range append([]string{""}, modelNames...) {
		info, ok := h.a.Lookup(name)
		id := account.OwnMetadata
		if ok {
			id = info.ID
		} else if name != "" {
			continue
		}
		for _, by := range []account.Actor{h.by, guest} {
			want := map[string]string{}
			for _, s := range []string{"", fmt.Sprint(by.Account)} {
				for _, e := range h.model.section(name, s) {
					want[strings.ToLower(e.Name)] = string(e.Value)
				}
			}
			got := map[string]string{}
			for name, value := range h.annotations(by, id) {
				got[strings.ToLower(name)] = value
			}
			if !maps.Equal(want, got) {
				rt.Fatalf("%q for %d: %q, want %q", name, by.Account, got, want)
			}
			names := slices.Sorted(maps.Keys(want))
			if len(names) == 0 {
				continue
			}
			read, err := h.a.ReadMetadata(h.ctx, by, []account.MailboxID{id}, names)
			if err != nil {
				rt.Fatal(err)
			}
			for _, e := range read[0] {
				if string(e.Value) != want[e.Name] {
					rt.Fatalf("%q %s: %q, want %q", name, e.Name, e.Value, want[e.Name])
				}
			}
		}
	}
}
