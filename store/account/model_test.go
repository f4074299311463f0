package account_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"citron/engine/body/segment"
	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/vfs/crashfs"
	"citron/store/account"
	"citron/store/uidset"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// model is the account as a plain in-memory program would have it.
type model struct {
	boxes  map[string]*modelBox
	subs   map[string]bool
	quota  uint64
	text   int                       // messages made so far
	used   map[string]account.ModSeq // UIDVALIDITY and UID: modseq of the message that has or had it
	modseq account.ModSeq
}

type modelBox struct {
	id       account.MailboxID
	validity uint32
	next     account.UID
	modseq   account.ModSeq
	messages []modelMessage
}

func (b *modelBox) modSeqOf(u account.UID) account.ModSeq {
	for i := range b.messages {
		if b.messages[i].uid == u {
			return b.messages[i].modseq
		}
	}
	return 0
}

type modelMessage struct {
	uid      account.UID
	text     string
	flags    account.SystemFlag
	keywords string // sorted, space between
	modseq   account.ModSeq
}

func (m *model) size() (n uint64) {
	for _, b := range m.boxes {
		for _, msg := range b.messages {
			n += uint64(len(msg.text))
		}
	}
	return n
}

// TestHistories runs random histories against the model, most of them on the
// engine that is faster to open.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		engine := rapid.SampledFrom([]string{"memkv", "memkv", "memkv", "pebblekv"}).Draw(rt, "engine")
		h := newHistory(t, rt, enginetest.Engines[engine])
		defer func() {
			h.a.Close()
			h.engine.Close()
			h.bodies.Close()
		}()
		rt.Repeat(map[string]func(*rapid.T){
			"append": h.append, "store": h.storeFlags, "expunge": h.expunge, "copy": h.copy, "move": h.move, "replace": h.replace,
			"create": h.create, "delete": h.delete, "rename": h.rename, "subscribe": h.subscribe,
			"quota": h.quota, "maintain": h.maintainSome, "reopen": h.reopenAll, "": h.check,
		})
	})
}

type history struct {
	*rig
	rt     *rapid.T
	m      model
	opt    account.Options
	reopen func() kv.Engine
	told   account.View // a session's view, from some time ago
	now    time.Time
}

func newHistory(t *testing.T, rt *rapid.T, engine func() (kv.Engine, func() kv.Engine)) *history {
	h := &history{rig: &rig{t: t, ctx: t.Context(), by: account.Actor{Account: uint64(alice)}}, rt: rt, now: time.Unix(1e9, 0)}
	h.engine, h.reopen = engine()
	var err error
	if h.bodies, err = segment.Open(crashfs.New(), "bodies", segment.Options{}); err != nil {
		t.Fatal(err)
	}
	h.opt = account.Options{
		Step: rapid.IntRange(2, 6).Draw(rt, "step"), InlineLimit: 250, IdleAccounts: 1,
		ExpungeGrace: time.Minute, LogAge: time.Hour, ScanEvery: time.Minute, LogRecords: rapid.IntRange(1, 30).Draw(rt, "log"),
		Now: func() time.Time { return h.now },
	}
	h.open(h.opt)
	h.m = model{boxes: make(map[string]*modelBox), subs: make(map[string]bool), used: make(map[string]account.ModSeq)}
	for _, info := range h.a.Mailboxes() {
		h.m.boxes[info.Name] = &modelBox{id: info.ID, validity: info.UIDValidity, next: 1}
	}
	for _, name := range h.a.Subscriptions() {
		h.m.subs[name] = true
	}
	h.told = h.view(account.Inbox)
	return h
}

// box draws a mailbox name, sometimes one that is not there.
func (h *history) box(rt *rapid.T, label string) (string, *modelBox) {
	names := slices.Sorted(maps.Keys(h.m.boxes))
	name := rapid.SampledFrom(append(names, "INBOX", "INBOX", "nowhere")).Draw(rt, label)
	return name, h.m.boxes[name]
}

func (h *history) id(b *modelBox) account.MailboxID {
	if b == nil {
		return 4_000_000
	}
	return b.id
}

// uids draws some UIDs of a mailbox and beyond.
func uids(rt *rapid.T, b *modelBox) uidset.Ranges {
	if b == nil || rapid.IntRange(0, 3).Draw(rt, "all") == 0 {
		return everything
	}
	var list []account.UID
	for _, msg := range b.messages {
		if rapid.Bool().Draw(rt, "uid") {
			list = append(list, msg.uid)
		}
	}
	if rapid.Bool().Draw(rt, "others") {
		list = append(list, 1, 2, 3, b.next)
	}
	return uidset.Of(list...)
}

func (h *history) append(rt *rapid.T) {
	_, b := h.box(rt, "into")
	n := rapid.IntRange(1, 9).Draw(rt, "messages")
	items := make([]account.AppendItem, n)
	fresh := make([]modelMessage, n)
	size := 0
	for i := range items {
		h.m.text++
		text := small(h.m.text) + strings.Repeat("x", rapid.SampledFrom([]int{0, 0, 300}).Draw(rt, "size"))
		flags := account.SystemFlag(rapid.IntRange(0, 31).Draw(rt, "flags"))
		word := rapid.SampledFrom([]string{"", "", "$Work", "$work", "other"}).Draw(rt, "keyword")
		items[i] = account.AppendItem{Incoming: h.incoming(text), Flags: flags, Keywords: strings.Fields(word)}
		fresh[i] = modelMessage{text: text, flags: flags, keywords: strings.ToLower(word)}
		size += len(text)
	}
	next := h.jump(rt, b)
	items[0].UID = next
	res, err := h.a.Append(h.ctx, h.by, h.id(b), items)
	switch {
	case b == nil:
		h.want(rt, err, account.ErrNoMailbox)
	case h.m.quota > 0 && h.m.size()+uint64(size) > h.m.quota:
		h.want(rt, err, account.ErrOverQuota)
	case err != nil:
		rt.Fatal(err)
	default:
		b.next = max(b.next, next)
		h.arrive(rt, b, fresh, res.UIDs, res.ModSeq)
	}
}

// jump sometimes gives a UID just below the next chunk, as an import may.
func (h *history) jump(rt *rapid.T, b *modelBox) account.UID {
	if b == nil || b.next > 3*uidset.ChunkSize || rapid.IntRange(0, 5).Draw(rt, "jump") > 0 {
		return 0
	}
	return max(b.next, (b.next/uidset.ChunkSize+1)*uidset.ChunkSize-2)
}

// arrive puts messages at the end of a mailbox.
func (h *history) arrive(rt *rapid.T, b *modelBox, fresh []modelMessage, got uidset.Ranges, modseq account.ModSeq) {
	if len(fresh) == 0 {
		return
	}
	if want := (uidset.Ranges{{First: b.next, Last: b.next + account.UID(len(fresh)-1)}}); cmp.Diff(want, got) != "" {
		rt.Fatalf("UIDs %v, want %v", got, want)
	}
	h.rises(rt, b, modseq)
	for _, msg := range fresh {
		msg.uid, msg.modseq = b.next, modseq
		b.messages = append(b.messages, msg)
		b.next++
		key := fmt.Sprint(b.validity, msg.uid)
		if _, ok := h.m.used[key]; ok {
			rt.Fatalf("UIDVALIDITY and UID %s given out twice", key)
		}
		h.m.used[key] = modseq
	}
}

// rises notes the modseq of a change, which must be a new one.
func (h *history) rises(rt *rapid.T, b *modelBox, modseq account.ModSeq) {
	if modseq <= h.m.modseq {
		rt.Fatalf("modseq %d after %d", modseq, h.m.modseq)
	}
	h.m.modseq, b.modseq = modseq, modseq
}

func (h *history) want(rt *rapid.T, err, kind error) {
	if !errors.Is(err, kind) {
		rt.Fatalf("%v, want %v", err, kind)
	}
}

func (h *history) storeFlags(rt *rapid.T) {
	_, b := h.box(rt, "in")
	set := uids(rt, b)
	c := account.FlagChange{
		Op:     account.FlagOp(rapid.IntRange(0, 2).Draw(rt, "op")),
		System: account.SystemFlag(rapid.IntRange(0, 31).Draw(rt, "flags")),
	}
	if rapid.Bool().Draw(rt, "keyword") {
		c.Keywords = []string{"$Work"}
	}
	if b != nil && rapid.IntRange(0, 2).Draw(rt, "conditional") == 0 {
		since := b.modseq - min(b.modseq, account.ModSeq(rapid.IntRange(0, 5).Draw(rt, "since")))
		c.UnchangedSince = &since
	}
	told := make(map[account.UID]account.Entry)
	res, err := h.a.StoreFlags(h.ctx, h.by, h.id(b), set, c, func(list []account.Entry, before []account.ModSeq) error {
		for i, e := range list {
			if was := b.modSeqOf(e.UID); before[i] != was {
				rt.Errorf("UID %d had modseq %d before, not %d", e.UID, was, before[i])
			}
			told[e.UID] = e
		}
		return nil
	})
	if b == nil {
		h.want(rt, err, account.ErrNoMailbox)
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	h.storeModel(rt, b, set, c, res, told)
}

func (h *history) storeModel(rt *rapid.T, b *modelBox, set uidset.Ranges, c account.FlagChange, res account.StoreResult, told map[account.UID]account.Entry) {
	var changed, modified uidset.Ranges
	for i := range b.messages {
		msg := &b.messages[i]
		if !set.Contains(msg.uid) {
			continue
		}
		if c.UnchangedSince != nil && msg.modseq > *c.UnchangedSince {
			modified.Add(msg.uid)
			continue
		}
		e, ok := told[msg.uid]
		if !ok {
			rt.Fatalf("UID %d was not told", msg.uid)
		}
		if flags, words := applyModel(*msg, c); flags != msg.flags || words != msg.keywords {
			msg.flags, msg.keywords, msg.modseq = flags, words, e.ModSeq
			changed.Add(msg.uid)
			if e.ModSeq <= h.m.modseq {
				rt.Fatalf("UID %d changed at modseq %d, after %d", msg.uid, e.ModSeq, h.m.modseq)
			}
		}
		if e.Flags != msg.flags || e.ModSeq != msg.modseq {
			rt.Fatalf("UID %d was told as %+v, is %+v", msg.uid, e, *msg)
		}
	}
	if diff := cmp.Diff([]uidset.Ranges{changed, modified}, []uidset.Ranges{res.Changed, res.Modified}); diff != "" {
		rt.Fatalf("changed and modified: %s", diff)
	}
	if len(changed) > 0 {
		h.rises(rt, b, res.ModSeq)
	}
}

func applyModel(msg modelMessage, c account.FlagChange) (account.SystemFlag, string) {
	words := make(map[string]bool)
	for _, w := range strings.Fields(msg.keywords) {
		words[w] = true
	}
	flags := msg.flags
	switch c.Op {
	case account.ReplaceFlags:
		flags = c.System
		clear(words)
	case account.AddFlags:
		flags |= c.System
	case account.RemoveFlags:
		flags &^= c.System
	}
	for _, w := range c.Keywords {
		if w = strings.ToLower(w); c.Op == account.RemoveFlags {
			delete(words, w)
		} else {
			words[w] = true
		}
	}
	return flags, strings.Join(slices.Sorted(maps.Keys(words)), " ")
}

func (h *history) expunge(rt *rapid.T) {
	_, b := h.box(rt, "in")
	set := uids(rt, b)
	got, modseq, err := h.a.Expunge(h.ctx, h.by, h.id(b), set)
	if b == nil {
		h.want(rt, err, account.ErrNoMailbox)
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	var gone uidset.Ranges
	b.messages = slices.DeleteFunc(b.messages, func(msg modelMessage) bool {
		dead := set.Contains(msg.uid) && msg.flags&account.Deleted != 0
		if dead {
			gone.Add(msg.uid)
		}
		return dead
	})
	if diff := cmp.Diff(gone, got); diff != "" {
		rt.Fatalf("expunged: %s", diff)
	}
	if len(gone) > 0 {
		h.rises(rt, b, modseq)
	}
}

func (h *history) copy(rt *rapid.T) { h.transfer(rt, false) }
func (h *history) move(rt *rapid.T) { h.transfer(rt, true) }

func (h *history) transfer(rt *rapid.T, move bool) {
	_, from := h.box(rt, "from")
	_, to := h.box(rt, "to")
	set := uids(rt, from)
	do := h.a.Copy
	if move {
		do = h.a.Move
	}
	res, err := do(h.ctx, h.by, h.id(from), set, h.id(to))
	if from == nil || to == nil {
		h.want(rt, err, account.ErrNoMailbox)
		return
	}
	var some []modelMessage
	var source uidset.Ranges
	size := uint64(0)
	for _, msg := range from.messages {
		if set.Contains(msg.uid) {
			some = append(some, msg)
			source.Add(msg.uid)
			size += uint64(len(msg.text))
		}
	}
	if !move && size > 0 && h.m.quota > 0 && h.m.size()+size > h.m.quota {
		h.want(rt, err, account.ErrOverQuota)
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	if diff := cmp.Diff(source, res.Source); diff != "" {
		rt.Fatalf("source: %s", diff)
	}
	if h.arrive(rt, to, some, res.Dest, res.ModSeq); move && len(some) > 0 {
		from.messages = slices.DeleteFunc(from.messages, func(msg modelMessage) bool { return source.Contains(msg.uid) })
		from.modseq = res.ModSeq
	}
}

// name draws a name for a new mailbox.
func name(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "a/b", "a/b/c", "d", "INBOX/x", "inbox/x", "Sent"}).Draw(rt, "name")
}

func canonicalModel(name string) string { return strings.Replace(name, "inbox", "INBOX", 1) }

func (h *history) create(rt *rapid.T) {
	name := name(rt)
	info, err := h.a.CreateMailbox(h.ctx, h.by, name+rapid.SampledFrom([]string{"", "/"}).Draw(rt, "end"), account.CreateMailboxOptions{})
	name = canonicalModel(name)
	if h.m.boxes[name] != nil {
		h.want(rt, err, account.ErrExists)
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	h.m.boxes[name] = h.fresh(rt, info)
}

// fresh is a new mailbox; its UIDVALIDITY must be above all before.
func (h *history) fresh(rt *rapid.T, info *account.MailboxInfo) *modelBox {
	for key := range h.m.used {
		var validity, uid uint32
		fmt.Sscan(key, &validity, &uid)
		if validity >= info.UIDValidity {
			rt.Fatalf("UIDVALIDITY %d after %d", info.UIDValidity, validity)
		}
	}
	h.m.modseq = max(h.m.modseq, info.ModSeq)
	return &modelBox{id: info.ID, validity: info.UIDValidity, next: 1, modseq: info.ModSeq}
}

func (h *history) delete(rt *rapid.T) {
	name, b := h.box(rt, "delete")
	err := h.a.DeleteMailbox(h.ctx, h.by, name)
	switch {
	case name == "INBOX":
		h.want(rt, err, account.ErrCannot)
	case b == nil && h.hasBelow(name):
		h.want(rt, err, account.ErrHasChildren)
	case b == nil:
		h.want(rt, err, account.ErrNoMailbox)
	case err != nil:
		rt.Fatal(err)
	}
	if name != "INBOX" {
		delete(h.m.boxes, name)
	}
}

func (h *history) hasBelow(name string) bool {
	for other := range h.m.boxes {
		if strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}

func (h *history) rename(rt *rapid.T) {
	from, _ := h.box(rt, "rename")
	to := name(rt)
	err := h.a.RenameMailbox(h.ctx, h.by, from, to)
	to = canonicalModel(to)
	moved := make(map[string]string)
	for other := range h.m.boxes {
		if other == from && from != "INBOX" || from != "INBOX" && strings.HasPrefix(other, from+"/") {
			moved[other] = to + other[len(from):]
		}
	}
	if want := h.renameRefused(from, to, moved); want != nil {
		h.want(rt, err, want)
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	if from == "INBOX" {
		info, _ := h.a.Lookup(to)
		b, inbox := h.fresh(rt, info), h.m.boxes["INBOX"]
		h.m.boxes[to] = b
		some := inbox.messages
		if inbox.messages = nil; len(some) > 0 {
			b.modseq = 0
			h.m.modseq = info.ModSeq - 1
			h.arrive(rt, b, some, h.view(b.id).Set.Ranges(), info.ModSeq)
			inbox.modseq = info.ModSeq
		}
		return
	}
	boxes := maps.Clone(h.m.boxes)
	for old := range moved {
		delete(boxes, old)
	}
	for old, new := range moved {
		boxes[new] = h.m.boxes[old]
	}
	h.m.boxes = boxes
}

func (h *history) renameRefused(from, to string, moved map[string]string) error {
	switch {
	case h.m.boxes[to] != nil:
		return account.ErrExists
	case from == "INBOX":
		return nil
	case strings.HasPrefix(to, from+"/"):
		return account.ErrCannot
	case len(moved) == 0:
		return account.ErrNoMailbox
	}
	for _, new := range moved {
		if h.m.boxes[new] != nil {
			return account.ErrExists
		}
	}
	return nil
}

func (h *history) subscribe(rt *rapid.T) {
	name := name(rt)
	if rapid.Bool().Draw(rt, "on") {
		if err := h.a.Subscribe(h.ctx, h.by, name); err != nil {
			rt.Fatal(err)
		}
		h.m.subs[canonicalModel(name)] = true
		return
	}
	if err := h.a.Unsubscribe(h.ctx, h.by, name); err != nil {
		rt.Fatal(err)
	}
	delete(h.m.subs, canonicalModel(name))
}

func (h *history) quota(rt *rapid.T) {
	h.m.quota = rapid.SampledFrom([]uint64{0, 0, 0, 4000}).Draw(rt, "quota")
	if err := h.a.SetQuota(h.ctx, h.m.quota); err != nil {
		rt.Fatal(err)
	}
}

func (h *history) maintainSome(rt *rapid.T) {
	h.now = h.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "seconds")) * time.Second)
	for range rapid.IntRange(1, 30).Draw(rt, "steps") {
		if _, err := h.store.Maintain(h.ctx, h.now); err != nil {
			rt.Fatal(err)
		}
	}
	if err := h.store.SweepBodies(h.ctx); err != nil {
		rt.Fatal(err)
	}
}

func (h *history) reopenAll(rt *rapid.T) {
	before := h.a.ModSeq()
	h.a.Close()
	h.store.Close()
	h.engine = h.reopen()
	h.open(h.opt)
	if now := h.a.ModSeq(); now < before {
		rt.Fatalf("modseq went back from %d to %d", before, now)
	}
}

// verify does all that is due and proves the account.
func (h *history) verify() {
	err := account.Verify(h.ctx, h.engine, h.bodies, func(f account.Finding) { h.rt.Errorf("account %d: %s", f.Account, f.Text) })
	if err != nil {
		h.rt.Fatal(err)
	}
}
