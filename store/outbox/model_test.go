package outbox_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"citron/engine/enginetest"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/crashfs"
	"citron/store"
	"citron/store/account"
	"citron/store/uidset"

	"pgregory.net/rapid"
)

// model is alice's account as a plain program in memory would have it.
type model struct {
	boxes    map[string]*modelBox
	attempts map[string]*modelAttempt
	quota    uint64
	texts    int // made so far
}

type modelBox struct {
	next     account.UID
	messages []*modelMessage
}

type modelMessage struct {
	uid     account.UID
	text    string
	flags   account.SystemFlag
	words   map[string]bool
	sources map[*modelMessage]bool // true: it answers it
}

type modelAttempt struct {
	uid              account.UID // of the draft
	target, envelope string
	text             string
	queued           string
	copied           account.UID
	at               time.Time
}

func (b *modelBox) find(uid account.UID) *modelMessage {
	if b == nil {
		return nil
	}
	for _, m := range b.messages {
		if m.uid == uid {
			return m
		}
	}
	return nil
}

func (b *modelBox) add(m *modelMessage) {
	m.uid = b.next
	b.next++
	b.messages = append(b.messages, m)
}

func (b *modelBox) shows() (all []string) {
	for _, m := range b.messages {
		all = append(all, fmt.Sprintf("%d %v %s", m.uid, flagNames(m.flags), strings.Join(slices.Sorted(maps.Keys(m.words)), " ")))
	}
	return all
}

func (m *model) size() (n uint64) {
	for _, b := range m.boxes {
		for _, msg := range b.messages {
			n += uint64(len(msg.text))
		}
	}
	return n
}

// send makes of the model what one Send makes of the account; or says why not.
func (m *model) send(name string, a modelAttempt) (err error, repeated bool) {
	if was := m.attempts[name]; was != nil {
		if was.uid != a.uid || was.target != a.target || was.envelope != a.envelope {
			return store.ErrAttemptReused, false
		}
		return nil, true
	}
	draft, target := m.boxes["Drafts"].find(a.uid), m.boxes[a.target]
	switch {
	case draft == nil:
		return store.ErrNoURL, false
	case a.target != "" && target == nil:
		return store.ErrNoTarget, false
	case a.target != "" && a.target != "Drafts" && m.quota > 0 && m.size()+uint64(len(draft.text)) > m.quota:
		return store.ErrOverQuota, false
	}
	words := maps.Clone(draft.words)
	words["$Submitted"] = true
	delete(words, "$SubmitPending")
	switch a.target {
	case "":
	case "Drafts":
		draft.flags = draft.flags&^account.Draft | account.Seen
		a.copied = draft.uid
	default:
		target.add(&modelMessage{text: draft.text, flags: draft.flags&^(account.Draft|account.Deleted) | account.Seen, words: maps.Clone(words), sources: draft.sources})
		a.copied = target.next - 1
	}
	draft.words = words
	for source, answers := range draft.sources {
		switch {
		case m.boxes["INBOX"].find(source.uid) != source:
		case answers:
			source.flags |= account.Answered
		default:
			source.words["$Forwarded"] = true
		}
	}
	a.text = draft.text
	m.attempts[name] = &a
	return nil, false
}

// history is the model beside an account on a disk that can crash.
type history struct {
	*rig
	model
	rt *rapid.T
	fs *crashfs.FS
	kv *pebblekv.Engine
	a  *account.Account
}

// TestHistories runs random histories of attempts, of what becomes of drafts,
// copies, sources and mailboxes beside them, and of crashes at any call of the
// file system: after each, an attempt was made with all that belongs to it, or
// not at all; it waits until it is queued, and is known until it is old.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{
			rig: &rig{T: t, now: time.Unix(1_800_000_000, 0)}, rt: rt, fs: crashfs.New(),
			model: model{boxes: map[string]*modelBox{}, attempts: map[string]*modelAttempt{}},
		}
		h.mount()
		h.must(h.store.Create(t.Context(), users["alice"], account.CreateOptions{StandardFolders: true}))
		for _, name := range []string{"Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"} {
			h.boxes[name] = &modelBox{next: 1}
		}
		h.arrive(rt)
		h.draft(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"arrive": h.arrive, "draft": h.draft, "send": h.sendOne, "send again": h.sendAgain, "queued": h.queueOne, "queued 2": h.queueOne,
			"expunge": h.expungeOne, "move": h.moveOne, "delete": h.deleteOne, "create": h.createOne, "quota": h.setQuota,
			"time": h.pass, "crash": h.crash, "crash in send": h.crashInSend, "": h.check,
		})
		h.verifyAll()
		h.unmount()
	})
}

func (h *history) mount() {
	h.kv, h.bodies = enginetest.Pebble(h, h.fs), enginetest.Bodies(h, h.fs, "bodies")
	h.engine = h.kv
	h.open()
	h.a = nil
}

func (h *history) unmount() {
	if h.a != nil {
		h.a.Close()
	}
	h.store.Close()
	h.kv.Close()
	h.bodies.Close()
}

func (h *history) alice() *account.Account {
	if h.a == nil {
		var err error
		h.a, err = h.store.Account(h.Context(), users["alice"])
		h.must(err)
	}
	return h.a
}

// put appends a message to account and model.
func (h *history) put(box string, m *modelMessage, sources []account.Source) {
	a := h.alice()
	info, ok := a.Lookup(box)
	if !ok {
		h.rt.Fatalf("no mailbox %s", box)
	}
	in, err := a.NewMessage(h.Context())
	h.must(err)
	_, err = io.WriteString(in, m.text)
	h.must(err)
	_, err = a.Append(h.Context(), by(a), info.ID, []account.AppendItem{{Incoming: in, Flags: m.flags, Keywords: slices.Collect(maps.Keys(m.words)), Sources: sources}})
	h.must(err)
	h.boxes[box].add(m)
}

// text is a message of its own, sometimes too long for the engine.
func (h *history) text(rt *rapid.T, header string) string {
	h.texts++
	return fmt.Sprintf("Message-ID: <%d@example.org>\r\n%sSubject: %d\r\n\r\n%0*d\r\n", h.texts, header, h.texts, rapid.IntRange(1, 300).Draw(rt, "size"), 7)
}

func (h *history) fits(m *modelMessage) bool {
	return h.model.quota == 0 || h.size()+uint64(len(m.text)) <= h.model.quota
}

func (h *history) arrive(rt *rapid.T) {
	if m := (&modelMessage{text: h.text(rt, ""), words: map[string]bool{}}); h.fits(m) {
		h.put("INBOX", m, nil)
	}
}

// draft makes a draft of messages in INBOX, of which it answers some.
func (h *history) draft(rt *rapid.T) {
	if h.boxes["Drafts"] == nil {
		return
	}
	m := &modelMessage{flags: account.Draft, words: map[string]bool{}, sources: map[*modelMessage]bool{}}
	if rapid.Bool().Draw(rt, "pending") {
		m.words["$SubmitPending"] = true
	}
	a, parents := h.alice(), ""
	info, _ := a.Lookup("INBOX")
	v, err := a.Open(h.Context(), info.ID)
	h.must(err)
	var sources []account.Source
	h.must(a.Entries(h.Context(), v, uidset.Everything(), func(batch []account.Entry) error {
		for _, e := range batch {
			if source := h.boxes["INBOX"].find(e.UID); len(sources) < account.MaxSources && rapid.Bool().Draw(rt, "source") {
				sources = append(sources, account.Source{Mailbox: info.ID, UID: e.UID, Object: e.Object})
				if m.sources[source] = rapid.Bool().Draw(rt, "answers"); m.sources[source] {
					parents += " " + source.text[len("Message-ID: "):strings.Index(source.text, "\r\n")]
				}
			}
		}
		return nil
	}))
	if parents != "" {
		parents = "In-Reply-To:" + parents + "\r\n"
	}
	if m.text = h.text(rt, parents); h.fits(m) {
		h.put("Drafts", m, sources)
	}
}

// drawAttempt draws an attempt, mostly one that can be made.
func (h *history) drawAttempt(rt *rapid.T) (string, modelAttempt) {
	last := account.UID(1)
	if b := h.boxes["Drafts"]; b != nil {
		last = b.next
	}
	return fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "attempt")), modelAttempt{
		uid: account.UID(rapid.Uint32Range(1, uint32(last)).Draw(rt, "uid")), at: h.now,
		target:   rapid.SampledFrom([]string{"Sent", "Sent", "", "Drafts", "Trash"}).Draw(rt, "target"),
		envelope: rapid.SampledFrom([]string{"to bob", "to bob", "to carol"}).Draw(rt, "envelope"),
	}
}

// request gives the attempt's request, its URL with a new token.
func (h *history) request(name string, a modelAttempt) store.SendRequest {
	rump := fmt.Sprintf("imap://alice@h/Drafts/;UID=%d;URLAUTH=submit+alice", a.uid)
	url, err := h.urls.Authorize(h.Context(), account.Actor{Account: uint64(users["alice"])}, rump)
	if err != nil {
		url = rump + ":internal:" + strings.Repeat("01", 41)
	}
	q := request(name, url, a.target)
	q.Envelope = []byte(a.envelope)
	return q
}

func (h *history) sendOne(rt *rapid.T) { h.try(h.drawAttempt(rt)) }

// sendAgain repeats one that was made.
func (h *history) sendAgain(rt *rapid.T) {
	names := slices.Sorted(maps.Keys(h.attempts))
	if len(names) == 0 {
		return
	}
	name := rapid.SampledFrom(names).Draw(rt, "attempt")
	again := *h.attempts[name]
	h.try(name, again)
}

// try sends, and compares with the model.
func (h *history) try(name string, a modelAttempt) {
	q := h.request(name, a)
	want, repeated := h.model.send(name, a)
	sent, err := h.outbox.Send(h.Context(), q)
	if !errors.Is(err, want) {
		h.rt.Fatalf("attempt %s %+v: %v, want %v", name, a, err, want)
	}
	if err == nil {
		h.answered(name, sent, repeated)
	}
}

func (h *history) answered(name string, sent store.Sent, repeated bool) {
	was := h.attempts[name]
	if sent.Repeated != repeated || sent.Queued != was.queued || sent.UID != uint32(was.copied) || !sent.At.Equal(was.at) ||
		(was.queued == "") != (string(sent.Envelope) == was.envelope) {
		h.rt.Fatalf("attempt %s %+v: %+v", name, *was, sent)
	}
}

func (h *history) queueOne(rt *rapid.T) {
	name := fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "attempt"))
	id := "Q" + name
	err := h.outbox.Queued(h.Context(), uint64(users["alice"]), name, id)
	a := h.attempts[name]
	if a == nil {
		if !errors.Is(err, store.ErrNoURL) {
			h.rt.Fatalf("an attempt that was never made is queued: %v", err)
		}
		return
	}
	h.must(err)
	a.queued = id
}

func (h *history) drawMessage(rt *rapid.T, boxes ...string) (string, *modelMessage) {
	name := rapid.SampledFrom(boxes).Draw(rt, "mailbox")
	b := h.boxes[name]
	if b == nil || len(b.messages) == 0 {
		return name, nil
	}
	return name, b.messages[rapid.IntRange(0, len(b.messages)-1).Draw(rt, "message")]
}

func (b *modelBox) drop(m *modelMessage) {
	b.messages = slices.DeleteFunc(b.messages, func(other *modelMessage) bool { return other == m })
}

func (h *history) expungeOne(rt *rapid.T) {
	name, m := h.drawMessage(rt, "Drafts", "Sent", "INBOX")
	if m == nil {
		return
	}
	h.expunge(h.alice(), name, m.uid)
	h.boxes[name].drop(m)
}

func (h *history) moveOne(rt *rapid.T) {
	from, m := h.drawMessage(rt, "INBOX", "Drafts", "Sent")
	if m == nil {
		return
	}
	a := h.alice()
	info, _ := a.Lookup(from)
	archive, _ := a.Lookup("Archive")
	_, err := a.Move(h.Context(), by(a), info.ID, uidset.Single(m.uid), archive.ID)
	h.must(err)
	h.boxes[from].drop(m)
	moved := *m
	moved.words = maps.Clone(m.words)
	h.boxes["Archive"].add(&moved)
}

func (h *history) deleteOne(rt *rapid.T) {
	name := rapid.SampledFrom([]string{"Drafts", "Sent", "Trash"}).Draw(rt, "mailbox")
	if h.boxes[name] != nil && rapid.IntRange(0, 2).Draw(rt, "really") == 0 {
		h.must(h.alice().DeleteMailbox(h.Context(), by(h.alice()), name))
		delete(h.boxes, name)
	}
}

func (h *history) createOne(rt *rapid.T) {
	for _, name := range []string{"Drafts", "Sent", "Trash"} {
		if h.boxes[name] == nil {
			_, err := h.alice().CreateMailbox(h.Context(), by(h.alice()), name, account.CreateMailboxOptions{})
			h.must(err)
			h.boxes[name] = &modelBox{next: 1}
		}
	}
}

func (h *history) setQuota(rt *rapid.T) {
	h.model.quota = rapid.SampledFrom([]uint64{0, 0, 3000}).Draw(rt, "quota")
	h.must(h.alice().SetQuota(h.Context(), h.model.quota))
}

// pass lets time go by, in which what is due is done and old attempts are
// forgotten.
func (h *history) pass(rt *rapid.T) {
	h.now = h.now.Add(time.Duration(rapid.SampledFrom([]int{1, 2, 24, 24 * 31}).Draw(rt, "hours")) * time.Hour)
	for range 40 {
		_, err := h.store.Maintain(h.Context(), h.now)
		h.must(err)
	}
	h.must(h.store.SweepBodies(h.Context()))
	for name := range h.attempts {
		_, known, err := h.alice().Attempted(h.Context(), &account.Sending{
			Attempt: name, Target: h.attempts[name].target, Envelope: []byte(h.attempts[name].envelope), Draft: account.DraftID{Name: "Drafts", UID: h.attempts[name].uid},
		})
		h.must(err)
		a := h.attempts[name]
		if age := h.now.Sub(a.at); !known && (a.queued == "" || age < 30*24*time.Hour) {
			h.rt.Fatalf("attempt %s is forgotten after %v, queued %q", name, age, a.queued)
		}
		if !known {
			delete(h.attempts, name)
		}
	}
}

// crash is a power cut with nothing under way.
func (h *history) crash(rt *rapid.T) { h.powerCut(rapid.Uint64().Draw(rt, "seed")) }

func (h *history) powerCut(seed uint64) {
	fs := h.fs.Crash(rand.New(rand.NewPCG(seed, 1)))
	h.unmount()
	h.fs = fs
	h.mount()
}

// crashInSend cuts the power at a call in the middle of a Send. What was
// acknowledged is there, and of what was not, all or nothing.
func (h *history) crashInSend(rt *rapid.T) {
	name, a := h.drawAttempt(rt)
	q := h.request(name, a)
	at := h.fs.Calls() + uint64(rapid.IntRange(0, 12).Draw(rt, "calls"))
	h.fs.OnCall(crashfs.PowerCut(at, nil))
	sent, err := h.outbox.Send(context.Background(), q)
	h.powerCut(rapid.Uint64().Draw(rt, "seed"))

	_, before := h.attempts[name]
	known := before
	h.must(h.outbox.Waiting(h.Context(), func(s store.Sent) error {
		known = known || s.Attempt == name
		return nil
	}))
	switch {
	case err == nil && !known:
		rt.Fatalf("attempt %s was acknowledged (%+v) and is not there", name, sent)
	case !known:
		return // and check sees that nothing was changed
	}
	if want, _ := h.model.send(name, a); want != nil && !before {
		rt.Fatalf("attempt %s was made, in spite of %v", name, want)
	}
}

// check compares all there is to see.
func (h *history) check(rt *rapid.T) {
	h.rt = rt
	a := h.alice()
	for name, b := range h.boxes {
		if got, want := h.shows(a, name), b.shows(); !slices.Equal(got, want) {
			rt.Fatalf("%s: %q, want %q", name, got, want)
		}
	}
	var waits []string
	for name, at := range h.attempts {
		if at.queued == "" {
			waits = append(waits, fmt.Sprintf("7 %s %s", name, at.envelope))
			if got := h.read(name); got != at.text {
				rt.Fatalf("attempt %s: its message is %q, was %q", name, got, at.text)
			}
		}
	}
	got := h.waiting()
	slices.SortFunc(got, cmp.Compare[string])
	slices.SortFunc(waits, cmp.Compare[string])
	if !slices.Equal(got, waits) {
		rt.Fatalf("waiting: %q, want %q", got, waits)
	}
}

func (h *history) verifyAll() {
	h.must(account.Verify(h.Context(), h.engine, h.bodies, func(f account.Finding) { h.rt.Errorf("account %d: %s", f.Account, f.Text) }))
}
