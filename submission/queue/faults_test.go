package queue_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/submission"
	"citron/submission/queue"
)

var errWanted = errors.New("as the test wants it")

func faultyRig(t *testing.T) (*rig, *enginetest.Fates) {
	r := newRig(t, queue.Options{InlineLimit: 10})
	r.q.Close()
	f := &enginetest.Fates{}
	r.engine = memkv.New(memkv.Options{Decide: f.Decide})
	r.open()
	return r, f
}

func TestFaultsOfCommit(t *testing.T) {
	for name, c := range map[string]struct {
		fate  memkv.Fate
		cause error
		want  error
		n     uint64
	}{
		"done":         {memkv.UnknownKept, errWanted, nil, 1},
		"not done":     {memkv.UnknownDropped, errWanted, submission.ErrTemporary, 0},
		"refused":      {memkv.Refuse, errWanted, submission.ErrTemporary, 0},
		"no space":     {memkv.Refuse, kv.ErrNoSpace, submission.ErrNoSpace, 0},
		"engine stops": {memkv.Stop, errWanted, submission.ErrTemporary, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, f := faultyRig(t)
			e := r.envelope("bob@example.com")
			e.Origin = "once"
			f.Set(c.cause, c.fate)
			if _, err := put(r.ctx, r.q, text, e); !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			equal(t, "messages", c.n, r.q.Totals().Messages)
			if c.fate == memkv.Stop {
				r.engine = r.engine.(*memkv.Engine).Reopen(memkv.Options{})
				r.reopen()
			}
			r.commit(text, e)
			equal(t, "messages", 1, r.q.Totals().Messages)
			r.settle(r.mustTake(), delivered)
			equal(t, "left", queue.Totals{}, r.q.Totals())
			if c.fate != memkv.Stop { // the process would have ended, and its Writer with it
				r.verify()
			}
		})
	}
}

// What a job was told to settle is settled once, whatever the engine says.
func TestFaultsOfSettle(t *testing.T) {
	for name, fate := range map[string]memkv.Fate{
		"done": memkv.UnknownKept, "not done": memkv.UnknownDropped, "refused": memkv.Refuse, "stops": memkv.Stop,
	} {
		t.Run(name, func(t *testing.T) {
			r, f := faultyRig(t)
			r.commit(text, r.envelope("bob@example.com", "carol@example.com"))
			j := r.mustTake()
			outcomes := all(j, failed)
			outcomes[1].Result = submission.Deferred
			f.Set(errWanted, fate)
			err := j.Settle(r.ctx, outcomes)
			switch fate {
			case memkv.UnknownKept:
				if err != nil {
					t.Fatal(err)
				}
			case memkv.Stop:
				if !errors.Is(err, submission.ErrTemporary) {
					t.Fatal(err)
				}
				r.engine = r.engine.(*memkv.Engine).Reopen(memkv.Options{})
				r.reopen()
				j = r.mustTake()
				fallthrough
			default:
				if err == nil {
					t.Fatal("no error")
				}
				if again := r.take(); again != nil {
					t.Fatal("given again while it is out")
				}
				if err := j.Settle(r.ctx, outcomes); err != nil {
					t.Fatal(err)
				}
			}
			equal(t, "reports", "failed", action(r.report()))
			equal(t, "left", 1, r.q.Totals().Recipients)
			if fate != memkv.Stop {
				r.verify()
			}
		})
	}
}

func (r *rig) verify() {
	r.t.Helper()
	err := queue.Verify(r.ctx, r.engine, r.bodies, func(f queue.Finding) { r.t.Error(f.Text) })
	if err != nil {
		r.t.Fatal(err)
	}
}

// Writers who come together share transactions: 64 of them cost few syncs.
func TestWritersShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, queue.Options{})
		before := r.engine.Stats().Updates
		hold := make(chan struct{})
		r.q.Close()
		r.engine = memkv.New(memkv.Options{Decide: func(kv.Account, kv.TxID) (memkv.Fate, error) {
			<-hold
			return memkv.Commit, nil
		}})
		r.open()
		defer r.q.Close()
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if _, err := put(r.ctx, r.q, text, r.envelope("bob@example.com")); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait() // the first is at work, 63 stand in the line
		close(hold)
		wg.Wait()
		if n := r.engine.Stats().Updates - before; n != 2 {
			t.Errorf("%d transactions for 64 messages", n)
		}
		equal(t, "messages", 64, r.q.Totals().Messages)
	})
}

// What is damaged is found, and what can be derived is mended.
func TestVerifyAndRepair(t *testing.T) {
	for letter, c := range map[byte]struct {
		drop  bool // else the value is cut
		mends bool
	}{
		's': {true, true}, 'a': {true, true}, 'x': {true, true}, 'h': {false, true}, 'm': {false, false}, 'e': {false, false},
		'g': {false, false}, 'b': {true, false}, 'w': {false, false}, 'o': {false, false}, 'd': {false, false},
	} {
		r := newRig(t, queue.Options{})
		e := r.envelope("bob@example.com", "carol@example.net")
		e.Origin = "gone"
		r.commit(text, e)
		for range 2 {
			r.settle(r.mustTake(), delivered)
		}
		e.Origin = "there"
		r.commit(text, e)
		j := r.mustTake()
		if err := j.HandOver(r.ctx, "mx.example.com", []int{j.Due()[0].Index}); err != nil {
			t.Fatal(err)
		}
		r.must(r.q.Hold(r.ctx, queue.Selection{Domain: "example.edu"}))
		r.q.Close()
		r.verify()
		r.damage(letter, c.drop)
		found := func(fn func(func(queue.Finding)) error) (n int) {
			if err := fn(func(f queue.Finding) { n++; t.Logf("%c: %s", letter, f.Text) }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		verify := func(say func(queue.Finding)) error { return queue.Verify(r.ctx, r.engine, r.bodies, say) }
		if found(verify) == 0 {
			t.Errorf("%c: nothing found", letter)
		}
		found(func(say func(queue.Finding)) error { return queue.Repair(r.ctx, r.engine, r.bodies, say) })
		if n := found(verify); (n == 0) != c.mends {
			t.Errorf("%c: %d findings after the repair", letter, n)
		}
		r.open()
		if c.mends && r.take() == nil {
			t.Errorf("%c: no job after the repair", letter)
		}
	}
}

// On a full disk nothing is taken; what is there goes out, is reported, given
// up or deleted.
func TestFullEngine(t *testing.T) {
	r := newRig(t, queue.Options{InlineLimit: 10, GiveUp: time.Hour})
	engine := &enginetest.Full{Engine: r.engine}
	r.engine = engine
	r.reopen()
	id := r.commit(text, r.envelope("erin@example.edu"))
	for range 3 {
		r.commit(text, r.envelope("bob@example.com"))
	}
	engine.Now.Store(true)
	if _, err := put(r.ctx, r.q, text, r.envelope("bob@example.com")); !errors.Is(err, submission.ErrNoSpace) {
		t.Fatalf("%v", err)
	}
	r.must(r.q.Delete(r.ctx, queue.Selection{ID: id}, false))
	for _, o := range []submission.Outcome{delivered, failed, deferred} {
		j := r.mustTake()
		if err := j.HandOver(r.ctx, "mx.example.com", []int{0}); err != nil {
			t.Fatal(err)
		}
		r.settle(j, o)
	}
	r.clock.Pass(2 * time.Hour)
	r.maintain()
	equal(t, "report", "failed", action(r.report()))
	equal(t, "report", "failed", action(r.report()))
	r.maintain()
	equal(t, "left", queue.Totals{}, r.q.Totals())
	r.verify()
}

// damage cuts the values of a letter, or takes them away.
func (r *rig) damage(letter byte, drop bool) {
	r.t.Helper()
	err := r.engine.Update(r.ctx, kv.Queue, func(tx kv.Tx) error {
		got, err := tx.Read(r.ctx, kv.Reads{Ranges: []kv.Range{{From: []byte{letter}, To: []byte{letter + 1}}}})
		if err == nil && got.Ranges[0].Len() == 0 {
			r.t.Errorf("no key of letter %c", letter)
		}
		for i := range got.Ranges[0].Len() {
			if drop {
				tx.Delete(got.Ranges[0].Key(i))
			} else {
				tx.Set(got.Ranges[0].Key(i), got.Ranges[0].Value(i)[:1])
			}
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// A message that cannot be read stands in nobody's way; whose text is lost, its
// sender hears of it.
func TestDamagedMessage(t *testing.T) {
	for _, letter := range []byte{'m', 'e', 'g'} {
		r := newRig(t, queue.Options{})
		r.commit(text, r.envelope("bob@example.com"))
		r.damage(letter, false)
		id := r.commit(text, r.envelope("bob@example.com"))
		equal(t, "job", id, r.mustTake().ID())
		r.maintain()
		if r.take() != nil || !strings.Contains(r.log.String(), "cannot be sent") {
			t.Errorf("%c: log %s", letter, r.log.String())
		}
	}
	r := newRig(t, queue.Options{})
	r.commit(text, r.envelope("bob@example.com"))
	r.damage('b', true)
	j := r.mustTake()
	if _, err := j.Open(r.ctx); !errors.Is(err, submission.ErrTemporary) {
		t.Errorf("%v", err)
	}
	r.settle(j, failed)
	equal(t, "report", "failed", action(r.report()))
}
