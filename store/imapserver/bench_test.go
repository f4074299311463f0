package imapserver

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"citron/engine/body/segment"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/osfs"
	"citron/ops/conn"
	"citron/store/account"
)

// Figures are per message: ns/op divided by the messages of the mailbox is
// reported as ns/message.

func BenchmarkFetch(b *testing.B) {
	f := benchFixture(b)
	for _, c := range []struct {
		messages int
		items    string
	}{
		{100_000, "FLAGS"},
		{100_000, "(UID FLAGS INTERNALDATE RFC822.SIZE)"},
		{2000, "ENVELOPE"},
		{2000, "BODYSTRUCTURE"},
		{2000, "BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)]"},
		{2000, "BODY.PEEK[]"},
		{2000, "BODY.PEEK[1]"},
		{2000, "BINARY.PEEK[1]"},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.items, c.messages), func(b *testing.B) {
			benchCommand(b, f, c.messages, fmt.Sprintf("FETCH 1:%d %s", c.messages, c.items))
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	f := benchFixture(b)
	for _, c := range []struct {
		messages int
		keys     string
	}{
		{100_000, "UNSEEN"},
		{100_000, "FLAGGED"},
		{2000, "FROM nobody"},
		{2000, "BODY nothing"},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.keys, c.messages), func(b *testing.B) {
			benchCommand(b, f, c.messages, fmt.Sprintf("SEARCH 1:%d %s", c.messages, c.keys))
		})
	}
}

// BenchmarkContext is the time from a delivery, durable, to the ADDTO in an IDLE
// session, in a mailbox of 100,000 messages (RFC 5267 §4.3).
func BenchmarkContext(b *testing.B) {
	f := benchFixture(b)
	a := f.alice()
	for _, query := range []string{
		"UID SEARCH RETURN (UPDATE COUNT) UNSEEN",
		"UID SEARCH RETURN (UPDATE COUNT) BODY words",
		"UID SORT RETURN (UPDATE COUNT) (REVERSE DATE) UTF-8 UNDELETED",
		"UID SORT RETURN (UPDATE COUNT) (SUBJECT FROM) UTF-8 ALL",
	} {
		b.Run(query, func(b *testing.B) {
			p := f.login()
			defer p.hangUp()
			p.say(b, "s SELECT INBOX", "q "+query, "i IDLE")
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				in, err := a.NewMessage(b.Context())
				f.check(err)
				_, err = in.Write(benchMessage(n * 7919 % 100_000))
				f.check(err)
				_, err = a.Append(b.Context(), account.Actor{Account: 1}, account.Inbox, []account.AppendItem{{Incoming: in}})
				f.check(err)
				b.StartTimer()
				p.run(b)
				if out := string(p.out); strings.Count(out, "ADDTO") != 1 {
					b.Fatal(out)
				}
				p.out = p.out[:0]
			}
		})
	}
}

// benchFixture is a server on the embedded engine with 100,000 messages.
func benchFixture(b *testing.B) *fixture {
	f := newFixture(b)
	fs, err := osfs.New(b.TempDir())
	f.check(err)
	engine, err := pebblekv.Open(fs, "kv", pebblekv.Options{NoFloor: true})
	f.check(err)
	b.Cleanup(func() { engine.Close() })
	bodies, err := segment.Open(fs, "bodies", segment.Options{})
	f.check(err)
	f.store, err = account.Open(engine, bodies, account.Options{})
	f.check(err)
	b.Cleanup(func() {
		f.store.Close()
		bodies.Close()
	})
	ctx := context.Background()
	f.check(f.store.Create(ctx, 1, account.CreateOptions{}))
	a := f.alice()
	for n := 0; n < 100_000; n += 1000 {
		items := make([]account.AppendItem, 1000)
		for i := range items {
			items[i].Incoming, err = a.NewMessage(ctx)
			f.check(err)
			_, err = items[i].Incoming.Write(benchMessage(n + i))
			f.check(err)
		}
		_, err := a.Append(ctx, account.Actor{Account: 1}, account.Inbox, items)
		f.check(err)
	}
	return f
}

func benchMessage(n int) []byte {
	return fmt.Appendf(nil, "Return-Path: <someone@example.com>\r\nReceived: from mx.example.com by mail.example.org;\r\n\tMon, 23 Nov 2026 12:00:00 +0000\r\n"+
		"From: Some One <someone@example.com>\r\nTo: Alice <alice@example.org>\r\nSubject: Message number %d of many\r\n"+
		"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%d@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s",
		n, n, strings.Repeat("Some words that make up a small message.\r\n", 40))
}

// benchCommand runs a command over n messages as often as the benchmark says.
func benchCommand(b *testing.B, f *fixture, n int, line string) {
	p := f.login()
	if out := p.say(b, "s EXAMINE INBOX"); !strings.Contains(out, "s OK") {
		b.Fatal(out)
	}
	b.ReportAllocs()
	octets, in := 0, []byte("b "+line+"\r\n")
	turn := conn.Turn{Now: *f.clock, Out: make([]byte, 0, 2*conn.HighWater)} // as the driver's
	for b.Loop() {
		turn.In = in
		for {
			wait := p.session.Step(&turn)
			octets += len(turn.Out)
			turn.Out = turn.Out[:0]
			if wait.Input {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/message")
	b.SetBytes(int64(octets / b.N))
}
