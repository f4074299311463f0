package account_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/engine/kv"
	"citron/engine/vfs/crashfs"
	"citron/store/account"
	"citron/store/textindex"
	"citron/store/uidset"
	"citron/wire/imap"
)

// index does all there is to index.
func (r *rig) index() {
	r.t.Helper()
	indexAll(r.t, r.store)
}

func indexAll(t *testing.T, s *account.Store) {
	t.Helper()
	for n := 0; ; n++ {
		next, err := s.IndexStep(t.Context(), time.Now().Add(1000*time.Hour))
		switch {
		case err != nil:
			t.Fatal(err)
		case next.IsZero():
			return
		case n == 10_000:
			t.Fatal("no end of indexing")
		}
	}
}

// candidates asks the index for a word in bodies.
func candidates(t *testing.T, a *account.Account, v account.View, word string) uidset.Ranges {
	t.Helper()
	x, err := a.TextIndex(t.Context(), v, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	q, _ := textindex.QueryFor(&imap.SearchKey{Op: imap.SearchBody, Text: word})
	got, err := x.Candidates(q)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (r *rig) candidates(id account.MailboxID, word string) string {
	r.t.Helper()
	return fmt.Sprint(candidates(r.t, r.a, r.view(id), word))
}

func (r *rig) append(id account.MailboxID, texts ...string) {
	r.t.Helper()
	var items []account.AppendItem
	for _, text := range texts {
		items = append(items, account.AppendItem{Incoming: r.incoming(text)})
	}
	if _, err := r.a.Append(r.ctx, r.by, id, items); err != nil {
		r.t.Fatal(err)
	}
}

// size is how many bytes alice's keys of a letter take.
func (r *rig) size(letter byte) (n int) {
	r.t.Helper()
	err := r.engine.View(r.ctx, alice, func(rd kv.Reader) error {
		got, err := rd.Read(r.ctx, kv.Reads{Ranges: []kv.Range{{From: []byte{letter}, To: []byte{letter + 1}}}})
		for i := range got.Ranges[0].Len() {
			n += len(got.Ranges[0].Value(i))
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// A message that is long has a number before it is filed; the index neither
// waits for it nor forgets it.
func TestIndexOfMessagesOnTheirWay(t *testing.T) {
	r := newRig(t, account.Options{InlineLimit: 100})
	long := func(word string) *account.Incoming {
		return r.incoming("Subject: long\r\n\r\n" + word + strings.Repeat(" and more", 100))
	}
	early, never, late := long("early"), long("never"), long("later")
	r.add(account.Inbox, 5, 0)
	file := func(in *account.Incoming) {
		t.Helper()
		if _, err := r.a.Append(r.ctx, r.by, account.Inbox, []account.AppendItem{{Incoming: in}}); err != nil {
			t.Fatal(err)
		}
	}
	file(early)
	r.index()
	if got := r.candidates(account.Inbox, "Hello"); got != "[{1 5}]" {
		t.Errorf("of those that were filed: %s", got)
	}
	if got := r.candidates(account.Inbox, "early"); got != "[{6 6}]" {
		t.Errorf("filed after later ones: %s", got)
	}
	file(late)
	if got := r.candidates(account.Inbox, "later"); got != "[{7 7}]" {
		t.Errorf("not yet indexed: %s", got)
	}
	never.Abort()
	r.index()
	for word, want := range map[string]string{"later": "[{7 7}]", "never": "[]", "Hello": "[{1 5}]"} {
		if got := r.candidates(account.Inbox, word); got != want {
			t.Errorf("%s: %s", word, got)
		}
	}
	r.sound()
}

// Objects that are gone are forgotten when half of their window is.
func TestIndexForgetsTheDead(t *testing.T) {
	now := time.Now()
	r := newRig(t, account.Options{Now: func() time.Time { return now }})
	r.add(account.Inbox, 600, account.Deleted)
	r.append(account.Inbox, "Subject: stays\r\n\r\nThe last one.\r\n")
	r.index()
	before := r.size('q')
	if _, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, uidset.Everything()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	for range 20 {
		if _, err := r.store.Maintain(r.ctx, now); err != nil {
			t.Fatal(err)
		}
	}
	r.a.ForgetSwept()
	r.append(account.Inbox, "Subject: new\r\n\r\nAnother.\r\n")
	r.index()
	if after := r.size('q'); after >= before/4 {
		t.Errorf("%d bytes of postings became %d", before, after)
	}
	if got := r.candidates(account.Inbox, "last one"); got != "[{601 601}]" {
		t.Error(got)
	}
	r.sound()
}

// A mailbox with many messages has a column, which goes with it; a COPY shares
// the postings.
func TestIndexColumns(t *testing.T) {
	r := newRig(t, account.Options{Step: 100})
	r.add(account.Inbox, 700, 0)
	r.append(account.Inbox, "Subject: rare\r\n\r\npetrichor\r\n")
	info, err := r.a.CreateMailbox(r.ctx, r.by, "Copies", account.CreateMailboxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	id := info.ID
	if _, err := r.a.Copy(r.ctx, r.by, account.Inbox, uidset.Everything(), id); err != nil {
		t.Fatal(err)
	}
	r.index()
	reads := r.engine.Stats().Reads
	for _, box := range []account.MailboxID{account.Inbox, id} {
		if got := r.candidates(box, "petrichor"); got != "[{701 701}]" {
			t.Errorf("mailbox %d: %s", box, got)
		}
	}
	if n := r.engine.Stats().Reads - reads; n > 6 {
		t.Errorf("%d reads", n)
	}
	r.maintain()
	r.append(id, "Subject: more\r\n\r\nAlso petrichor.\r\n")
	r.index()
	if got := r.candidates(id, "petrichor"); got != "[{701 702}]" {
		t.Error(got)
	}
	r.sound()
	if err := r.a.DeleteMailbox(r.ctx, r.by, "Copies"); err != nil {
		t.Fatal(err)
	}
	r.append(account.Inbox, "Subject: new\r\n\r\nAnother.\r\n")
	before := r.size('v')
	r.index()
	if after := r.size('v'); after >= before {
		t.Errorf("columns of %d bytes, without one of them %d", before, after)
	}
	r.sound()
}

// Objects are found in whatever windows they are, also by copies that have them
// in another order.
func TestIndexOfManyWindows(t *testing.T) {
	r := newRig(t, account.Options{})
	word := func(n int) string { return "word" + strings.Repeat(string(rune('a'+n%26)), 3) + fmt.Sprint(1000+n) }
	var want []string
	for n := range 60 {
		switch n {
		case 10:
			r.a.SkipObjects(textindex.WindowSize - 8) // the window ends among the messages
		case 40:
			r.a.SkipObjects(3*textindex.WindowSize + 5)
		}
		r.append(account.Inbox, "Subject: x\r\n\r\n"+word(n)+"\r\n")
		want = append(want, word(n))
	}
	archive := r.mailbox("Archive")
	for _, uids := range []uidset.Ranges{uidset.Of(59, 60), uidset.Of(1, 2, 3, 17, 18, 19, 20), uidset.Of(45)} {
		if _, err := r.a.Copy(r.ctx, r.by, account.Inbox, uids, archive); err != nil {
			t.Fatal(err)
		}
	}
	for _, done := range []bool{false, true} {
		for n, w := range want {
			if got := r.candidates(account.Inbox, w); done && got != fmt.Sprintf("[{%d %d}]", n+1, n+1) {
				t.Errorf("message %d: %s", n+1, got)
			}
		}
		r.index()
	}
	for uid, n := range []int{58, 59, 0, 1, 2, 16, 17, 18, 19, 44} {
		if got := r.candidates(archive, want[n]); got != fmt.Sprintf("[{%d %d}]", uid+1, uid+1) {
			t.Errorf("copy %d: %s", uid+1, got)
		}
	}
	r.sound()
}

// An index of another version, or one that cannot be read, is built anew.
func TestIndexOfAnotherVersion(t *testing.T) {
	for _, head := range [][]byte{{1, 99, 1, 2, 3}, {77}, {}} {
		r := newRig(t, account.Options{})
		r.add(account.Inbox, 30, 0)
		r.append(account.Inbox, "Subject: rare\r\n\r\npetrichor\r\n")
		r.index()
		err := r.engine.Update(r.ctx, alice, func(tx kv.Tx) error {
			tx.Set([]byte{'v', 0}, head)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		r.a.Close()
		r.open(account.Options{})
		r.index()
		if got := r.candidates(account.Inbox, "petrichor"); got != "[{31 31}]" {
			t.Errorf("head %x: %s", head, got)
		}
		r.sound()
	}
}

// TestIndexCrash cuts the power while accounts are indexed and messages come:
// mark and postings are of one transaction, so that nothing is missed.
func TestIndexCrash(t *testing.T) {
	for seed := range *crashSeeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { indexCrash(t, uint64(seed)) })
	}
}

func indexCrash(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	fs := crashfs.New()
	opt := account.Options{InlineLimit: 300}
	d := mount(t, fs, opt)
	if err := d.store.Create(t.Context(), alice, account.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	at := fs.Calls() + uint64(rng.IntN(1200)) + 10
	ctx, off := context.WithCancel(context.Background())
	fs.OnCall(crashfs.PowerCut(at, off))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			d.store.IndexStep(ctx, time.Now().Add(time.Hour))
		}
	}()
	words := d.deliverWords(ctx, rng)
	off()
	<-done
	d = mount(t, fs.Crash(rng), opt)
	defer d.close()
	d.verify(t)
	found(t, d, words)
	indexAll(t, d.store)
	found(t, d, words)
	d.verify(t)
}

// deliverWords files messages, each with a word of its own, until the power is
// off, and gives the words by UID.
func (d *disk) deliverWords(ctx context.Context, rng *rand.Rand) map[account.UID]string {
	words := make(map[account.UID]string)
	a, err := d.store.Account(ctx, alice)
	if err != nil {
		return words
	}
	defer a.Close()
	for n := 0; ctx.Err() == nil && n < 400; n++ {
		word := fmt.Sprintf("word%dx%d", n, rng.IntN(1e6))
		in, err := a.NewMessage(ctx)
		if err != nil {
			break
		}
		fmt.Fprintf(in, "Subject: x\r\n\r\n%s%s\r\n", word, strings.Repeat(" filler", rng.IntN(90)))
		res, err := a.Append(ctx, account.Actor{Account: uint64(alice)}, account.Inbox, []account.AppendItem{{Incoming: in}})
		if err == nil {
			words[res.UIDs[0].First] = word
		}
	}
	return words
}

func found(t *testing.T, d *disk, words map[account.UID]string) {
	t.Helper()
	a := d.account(t, alice)
	defer a.Close()
	v, err := a.Open(t.Context(), account.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	for uid, word := range words {
		if !candidates(t, a, v, word).Contains(uid) {
			t.Errorf("%s, in UID %d of %d, is missed", word, uid, len(words))
		}
	}
}

// What a search does for its index can be stopped.
func TestIndexIsAskedInPieces(t *testing.T) {
	r := newRig(t, account.Options{})
	r.add(account.Inbox, 30, 0)
	r.index()
	enough := errors.New("enough")
	x, err := r.a.TextIndex(r.ctx, r.view(account.Inbox), func() error { return enough })
	if err != enough || x != nil {
		t.Error(err)
	}
}

// The worker follows what comes, in accounts that nobody has open, and after a
// restart finds what it had not done.
func TestIndexWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, account.Options{})
		behind := r.store
		r.add(account.Inbox, 40, 0)
		r.a.Close()
		r.open(account.Options{Now: func() time.Time { return time.Now().Add(time.Second) }})
		for _, s := range []*account.Store{behind, r.store} {
			if next, err := s.IndexStep(t.Context(), time.Now()); err != nil || next.IsZero() {
				t.Errorf("next step at %v, %v", next, err)
			}
		}
		r.a.Close()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			r.store.Index(ctx)
			close(done)
		}()
		time.Sleep(time.Minute)
		a, err := r.store.Account(ctx, alice)
		if err != nil {
			t.Fatal(err)
		}
		r.a = a
		r.append(account.Inbox, "Subject: rare\r\n\r\npetrichor\r\n")
		time.Sleep(time.Minute)
		if got := r.candidates(account.Inbox, "petrichor"); got != "[{41 41}]" {
			t.Error(got)
		}
		if got := r.candidates(account.Inbox, "petrol"); got != "[]" {
			t.Error(got)
		}
		stop()
		<-done
		a.Close()
	})
}
