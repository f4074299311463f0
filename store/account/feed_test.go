package account_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"citron/store/account"
)

// Whoever asks for news now and then learns of every mailbox that changed, and
// of none that did not, whatever he asked before.
func TestNewsIsWhatChanged(t *testing.T) {
	r := newRig(t, account.Options{})
	var ids []account.MailboxID
	for i := range 20 {
		if err := r.create(fmt.Sprint("box ", i)); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.mailbox(fmt.Sprint("box ", i)))
	}
	random := rand.New(rand.NewPCG(5, 4))
	told := map[account.ModSeq]map[account.MailboxID]account.MailboxInfo{}
	for range 300 {
		id := ids[random.IntN(len(ids))]
		uids := r.view(id).Set.Ranges()
		switch random.IntN(4) {
		case 0, 1:
			r.add(id, 1, 0)
		case 2:
			if _, err := r.a.StoreFlags(r.ctx, r.by, id, uids, account.FlagChange{Op: account.FlagOp(random.IntN(2)), System: account.Seen}, nil); err != nil {
				t.Fatal(err)
			}
		case 3:
			if _, err := r.a.Move(r.ctx, r.by, id, uids, ids[random.IntN(len(ids))]); err != nil {
				t.Fatal(err)
			}
		}
		now := map[account.MailboxID]account.MailboxInfo{}
		for _, info := range r.a.Mailboxes() {
			now[info.ID] = *info
		}
		told[r.a.ModSeq()] = now
		for since, before := range told {
			checkNews(t, r.a.News(since), since, before, now)
		}
	}
}

func checkNews(t *testing.T, n account.News, since account.ModSeq, before, now map[account.MailboxID]account.MailboxInfo) {
	t.Helper()
	said := map[account.MailboxID]bool{}
	last := account.ModSeq(0)
	for _, m := range n.Mailboxes {
		said[m.Info.ID] = true
		if m.At < last || m.Before >= m.At || m.At != m.Info.ModSeq {
			t.Fatalf("since %d: %+v after %d", since, m, last)
		}
		last = m.At
		if was := before[m.Info.ID]; was.Messages != m.Info.Messages && !m.Messages {
			t.Fatalf("since %d: messages came or went in %s", since, m.Info.Name)
		}
	}
	for id, info := range now {
		if changed := info.ModSeq > since; changed != said[id] {
			t.Fatalf("since %d: %s changed: %v, said: %v", since, info.Name, changed, said[id])
		}
	}
}

func TestLogSince(t *testing.T) {
	now := time.Now().Add(-2 * time.Hour) // maintain thinks that it is the present
	r := newRig(t, account.Options{LogAge: time.Hour, Now: func() time.Time { return now }, LogRecords: 700, ExpungeGrace: time.Nanosecond})
	start := r.a.ModSeq()
	if r.a.News(start).Log {
		t.Error("nothing was logged")
	}
	if err := r.create("a"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{r.a.Subscribe(r.ctx, r.by, "b"), r.a.RenameMailbox(r.ctx, r.by, "a", "c"), r.a.Unsubscribe(r.ctx, r.by, "b")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !r.a.News(start).Log || r.a.News(r.a.ModSeq()).Log {
		t.Error("News of the log")
	}
	id, at := r.mailbox("c"), r.a.ModSeq()
	list, through, err := r.a.LogSince(r.ctx, start, at)
	if err != nil || through != at {
		t.Fatal(through, err)
	}
	equal(t, "log", []account.LogRecord{
		{account.NamesChanged, start + 1, []account.NameChange{{id, "", "a"}}},
		{account.SubscriptionsChanged, start + 2, []account.NameChange{{0, "", "b"}}},
		{account.NamesChanged, start + 3, []account.NameChange{{id, "a", "c"}}},
		{account.SubscriptionsChanged, start + 4, []account.NameChange{{0, "b", ""}}},
	}, list)

	// In pages, nothing twice and nothing left out.
	for i := range 600 {
		if err := r.a.Subscribe(r.ctx, r.by, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for since := at; since < r.a.ModSeq(); since = through {
		if list, through, err = r.a.LogSince(r.ctx, since, r.a.ModSeq()); err != nil || len(list) == 0 || through <= since {
			t.Fatal(len(list), through, err)
		}
		for i, rec := range list {
			if want := since + account.ModSeq(i) + 1; rec.ModSeq != want {
				t.Fatalf("record %d of the page after %d is %d", i, since, rec.ModSeq)
			}
		}
	}

	// Age ends the log of names, however many others are younger.
	now = time.Now().Add(-50 * time.Minute)
	for i := range 600 {
		if err := r.a.Unsubscribe(r.ctx, r.by, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Minute)
	r.add(account.Inbox, 1, account.Deleted)
	if _, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, upTo(1)); err != nil {
		t.Fatal(err)
	}
	now = time.Now()
	r.maintain()
	if _, _, err := r.a.LogSince(r.ctx, at, r.a.ModSeq()); !errors.Is(err, account.ErrTrimmed) {
		t.Errorf("below the floor: %v", err)
	}
	if _, _, err := r.a.LogSince(r.ctx, at+600, r.a.ModSeq()); err != nil {
		t.Errorf("above the floor: %v", err)
	}

	// So does size.
	for i := range 1000 {
		if err := r.a.Subscribe(r.ctx, r.by, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	r.add(account.Inbox, 1, account.Deleted)
	if _, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, upTo(2)); err != nil {
		t.Fatal(err)
	}
	r.maintain()
	if _, _, err := r.a.LogSince(r.ctx, r.a.ModSeq()-1001, r.a.ModSeq()); !errors.Is(err, account.ErrTrimmed) {
		t.Errorf("a log of more than LogRecords: %v", err)
	}
	if _, _, err := r.a.LogSince(r.ctx, r.a.ModSeq()-500, r.a.ModSeq()); err != nil {
		t.Errorf("a log of LogRecords: %v", err)
	}
}
