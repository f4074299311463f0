package account_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"citron/engine/body/segment"
	"citron/engine/kv"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/osfs"
	"citron/store/account"
	"citron/store/uidset"
)

func realStore(b *testing.B, accounts int) *account.Store {
	b.Helper()
	fs, err := osfs.New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	engine, err := pebblekv.Open(fs, "kv", pebblekv.Options{NoFloor: true})
	if err != nil {
		b.Fatal(err)
	}
	bodies, err := segment.Open(fs, "bodies", segment.Options{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := account.Open(engine, bodies, account.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		s.Close()
		engine.Close()
		bodies.Close()
	})
	for i := range accounts {
		if err := s.Create(b.Context(), kv.Account(i+1), account.CreateOptions{StandardFolders: true}); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkDelivery is durable deliveries of 1.5 KB by so many workers, each to
// an account of its own.
func BenchmarkDelivery(b *testing.B) {
	text := small(1)
	text = strings.Replace(text, "\r\n\r\n", "\r\nReceived: from mx.example.org (mx.example.org [192.0.2.1])\r\n\tby mail.example.org with ESMTPS id 12345; Mon, 23 Nov 2026 10:00:00 +0000\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", 1) + strings.Repeat("Some text of a usual length for a line.\r\n", 26)
	for _, workers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			s := realStore(b, workers)
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					for i := w; i < b.N; i += workers {
						deliver(b, s, kv.Account(w+1), fmt.Sprintf("Message-ID: <%d@example.org>\r\nIn-Reply-To: <%x@example.net>\r\n", i, i)+text)
					}
				})
			}
			wg.Wait()
		})
	}
}

func deliver(b *testing.B, s *account.Store, id kv.Account, text string) {
	a, err := s.Account(b.Context(), id)
	if err != nil {
		b.Error(err)
		return
	}
	defer a.Close()
	in, _ := a.NewMessage(b.Context())
	io.WriteString(in, text)
	if _, err := a.Append(b.Context(), account.Actor{}, account.Inbox, []account.AppendItem{{Incoming: in}}); err != nil {
		b.Error(err)
	}
}

// big gives an account with n messages in INBOX, in few transactions.
func big(b *testing.B, n int, half bool) (*account.Store, *account.Account) {
	b.Helper()
	s := realStore(b, 1)
	a, err := s.Account(b.Context(), 1)
	if err != nil {
		b.Fatal(err)
	}
	for n > 0 {
		items := make([]account.AppendItem, min(n, 5000))
		for i := range items {
			in, _ := a.NewMessage(b.Context())
			io.WriteString(in, small(n-i))
			items[i].Incoming = in
			if half && i%2 == 0 {
				items[i].Flags = account.Deleted
			}
		}
		if _, err := a.Append(b.Context(), account.Actor{}, account.Inbox, items); err != nil {
			b.Fatal(err)
		}
		n -= len(items)
	}
	if half {
		if _, _, err := a.Expunge(b.Context(), account.Actor{}, account.Inbox, uidset.Everything()); err != nil {
			b.Fatal(err)
		}
	}
	return s, a
}

// BenchmarkEntries reads the flags of 100,000 messages.
func BenchmarkEntries(b *testing.B) {
	_, a := big(b, 100_000, false)
	v, err := a.Open(b.Context(), account.Inbox)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		err := a.Entries(b.Context(), v, uidset.Everything(), func(list []account.Entry) error {
			n += len(list)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "M/s")
}

// BenchmarkSummaries reads the indexes of 2,000 messages at a time.
func BenchmarkSummaries(b *testing.B) {
	_, a := big(b, 20_000, false)
	objects := make([]account.ObjectID, 500)
	n := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for k := range objects {
			objects[k] = account.ObjectID((i*500+k)%20_000 + 1)
		}
		list, err := a.Summaries(b.Context(), objects, account.WantIndex)
		if err != nil || !list[0].Found {
			b.Fatal(err)
		}
		n += len(list)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "M/s")
}

// BenchmarkSelectCold opens the account and INBOX anew.
func BenchmarkSelectCold(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
		half bool
	}{{"100k", 100_000, false}, {"1M half expunged", 1_000_000, true}} {
		b.Run(c.name, func(b *testing.B) {
			if c.n > 100_000 && testing.Short() {
				b.Skip("takes half a minute to fill")
			}
			s, a := big(b, c.n, c.half)
			b.ReportAllocs()
			for b.Loop() {
				a.Close()
				s.Forget(a)
				var err error
				if a, err = s.Account(b.Context(), 1); err != nil {
					b.Fatal(err)
				}
				v, err := a.Open(b.Context(), account.Inbox)
				if err != nil || int(v.Set.Len()) < c.n/2 {
					b.Fatal(err, v.Set.Len())
				}
			}
		})
	}
}

// BenchmarkCopy copies 20,000 messages, dark and then shown at once.
func BenchmarkCopy(b *testing.B) {
	_, a := big(b, 20_000, false)
	archive, _ := a.Lookup("Archive")
	for b.Loop() {
		if _, err := a.Copy(b.Context(), account.Actor{}, account.Inbox, uidset.Everything(), archive.ID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStore sets and clears a flag of 20,000 messages.
func BenchmarkStore(b *testing.B) {
	_, a := big(b, 20_000, false)
	for i := 0; b.Loop(); i++ {
		c := account.FlagChange{Op: account.FlagOp(1 + i%2), System: account.Flagged}
		if _, err := a.StoreFlags(b.Context(), account.Actor{}, account.Inbox, uidset.Everything(), c, nil); err != nil {
			b.Fatal(err)
		}
	}
}
