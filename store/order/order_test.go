package order

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"citron/mail/collate"
	"citron/mail/message"
	"citron/store/uidset"
	"citron/wire/imap"
)

func still() error { return nil }

var words = []string{"", "a", "A", "ä", "Ä", "b", "B", "zz", "10", "9", "010", "x\x00y", "x", "straße", "STRASSE", "日本"}

func randomRow(r *rand.Rand, u uidset.UID) Row {
	row := Row{UID: u, Arrival: int64(r.IntN(5)), Sent: int64(r.IntN(5)) - 2, Size: int64(r.IntN(3))}
	for k := range row.Strings {
		row.Strings[k] = []byte(words[r.IntN(len(words))])
	}
	return row
}

// naive compares two rows criterion by criterion as RFC 5256 §3 says.
func naive(a, b *Row, o *Order) int {
	for _, k := range o.Criteria {
		c := 0
		switch k.Key {
		case imap.SortArrival:
			c = cmp.Compare(a.Arrival, b.Arrival)
		case imap.SortDate:
			c = cmp.Compare(a.Sent, b.Sent)
		case imap.SortSize:
			c = cmp.Compare(a.Size, b.Size)
		default:
			c = naiveStrings(a.Strings[stringKeyOf[k.Key]], b.Strings[stringKeyOf[k.Key]], o.Comparator)
		}
		if k.Reverse {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(a.UID, b.UID)
}

func naiveStrings(a, b []byte, by collate.Comparator) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return cmp.Compare(min(len(a), 1), min(len(b), 1))
	case by.Reverse:
		a, b = b, a
	}
	return bytes.Compare(by.Key(string(a)), by.Key(string(b)))
}

func randomOrder(r *rand.Rand) *Order {
	collations := []*collate.Collation{collate.UnicodeCasemap, collate.ASCIICasemap, collate.Octet, collate.ASCIINumeric}
	o := &Order{Comparator: collate.Comparator{Collation: collations[r.IntN(4)], Reverse: r.IntN(4) == 0}}
	for range 1 + r.IntN(3) {
		k := imap.SortKey(1 + r.IntN(int(imap.SortDisplayTo)))
		o.Criteria = append(o.Criteria, imap.SortCriterion{Key: k, Reverse: r.IntN(2) == 0})
	}
	return o
}

// TestAgainstNaive adds random messages in random portions, some late, and
// holds Sort and Key against plain comparison (RFC 5256 §3).
func TestAgainstNaive(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		m, have := newMailbox(), map[uidset.UID]*Row{}
		for range 8 {
			addRandom(r, m, have)
			if r.IntN(3) == 0 {
				m.Settle()
			}
			var set uidset.Ranges
			for u := uidset.UID(1); u < 100; u++ {
				if have[u] != nil && r.IntN(3) > 0 {
					set.Add(u)
				}
			}
			checkOrder(t, m, have, set, randomOrder(r))
		}
	}
}

func addRandom(r *rand.Rand, m *Mailbox, have map[uidset.UID]*Row) {
	var rows []Row
	for u := uidset.UID(1); u < 100; u++ {
		if have[u] == nil && r.IntN(6) == 0 {
			rows = append(rows, randomRow(r, u))
			have[u] = &rows[len(rows)-1]
		} else if have[u] != nil && r.IntN(20) == 0 {
			rows = append(rows, Row{UID: u}) // known already
		}
	}
	for _, row := range rows {
		if have[row.UID].Strings[0] != nil || have[row.UID].Arrival == row.Arrival {
			copied := row
			if copied.Strings[0] != nil {
				have[row.UID] = &copied
			}
		}
	}
	m.Add(rows)
}

func checkOrder(t *testing.T, m *Mailbox, have map[uidset.UID]*Row, set uidset.Ranges, o *Order) {
	t.Helper()
	c := m.Columns()
	var want []uidset.UID
	set.Each(func(u uidset.UID) bool { want = append(want, u); return true })
	if missing := c.Missing(set); len(missing) > 0 {
		t.Fatalf("%v are missing", missing)
	}
	slices.SortFunc(want, func(a, b uidset.UID) int { return naive(have[a], have[b], o) })
	got, places, err := m.Sort(c, set, o, nil, still)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%v %v:\n%v, want\n%v", o.Criteria, o.Comparator, got, want)
	}
	for i, u := range got {
		if uint64(places[i]) != set.Rank(u)-1 {
			t.Fatalf("UID %d is at %d", u, places[i])
		}
	}
	last := ""
	for i, u := range want {
		key, ok := c.Key(u, o)
		if !ok || i > 0 && key <= last {
			t.Fatalf("%v %v: key %q of UID %d after %q", o.Criteria, o.Comparator, key, u, last)
		}
		last = key
	}
}

func TestMissing(t *testing.T) {
	m := newMailbox()
	m.Add([]Row{{UID: 3}, {UID: 4}, {UID: 8}, {UID: uidset.MaxUID}})
	for _, c := range []struct{ set, want uidset.Ranges }{
		{uidset.Ranges{{First: 1, Last: 10}}, uidset.Ranges{{First: 1, Last: 2}, {First: 5, Last: 7}, {First: 9, Last: 10}}},
		{uidset.Ranges{{First: 3, Last: 4}, {First: 8, Last: 8}}, nil},
		{uidset.Ranges{{First: 1, Last: 1}, {First: 4, Last: 5}}, uidset.Ranges{{First: 1, Last: 1}, {First: 5, Last: 5}}},
		{uidset.Ranges{{First: uidset.MaxUID - 1, Last: uidset.MaxUID}}, uidset.Ranges{{First: uidset.MaxUID - 1, Last: uidset.MaxUID - 1}}},
		{nil, nil},
	} {
		if got := m.Columns().Missing(c.set); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.set, got, c.want)
		}
	}
}

// Relevancy: the highest score goes first (RFC 6203 §6).
func TestScores(t *testing.T) {
	m := newMailbox()
	m.Add([]Row{{UID: 1}, {UID: 3}, {UID: 5}})
	o := &Order{Criteria: []imap.SortCriterion{{Key: imap.SortRelevancy}}, Comparator: collate.Comparator{Collation: collate.Default()}}
	got, places, err := m.Sort(m.Columns(), uidset.Of(1, 3, 5), o, []uint8{4, 99, 42}, still)
	if err != nil || !slices.Equal(got, []uidset.UID{3, 5, 1}) || !slices.Equal(places, []int32{1, 2, 0}) {
		t.Error(got, places)
	}
}

// Who holds columns sees nothing of what others add.
func TestColumnsStay(t *testing.T) {
	m := newMailbox()
	m.Add([]Row{{UID: 2}, {UID: 4}})
	before := m.Columns()
	m.Add([]Row{{UID: 6}})
	m.Add([]Row{{UID: 3}, {UID: 4, Size: 9}})
	if got := fmt.Sprint(before.uids, m.Columns().uids); got != "[2 4] [2 3 4 6]" {
		t.Error(got)
	}
	if row, ok := m.Columns().row(4); !ok || m.Columns().size[row] != 0 {
		t.Error("a message has changed")
	}
	if _, ok := before.Key(3, &Order{}); ok {
		t.Error("a key of a message that is not there")
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := NewCache(1 << 20)
	for id := range uint32(200) {
		p := Place{Account: 1, Mailbox: id}
		box := c.Mailbox(p, 1000)
		if box.Columns().Len() != 0 {
			t.Fatal("not empty")
		}
		rows := make([]Row, 1000)
		for i := range rows {
			rows[i] = Row{UID: uidset.UID(i + 1), Strings: [stringKeys][]byte{[]byte(fmt.Sprint(i))}}
		}
		box.Add(rows)
		box.Settle()
		c.Done(p, box)
		if c.bytes > 1<<20 {
			t.Fatalf("%d bytes", c.bytes)
		}
	}
	if n := c.used.Len(); n < 3 || n > 30 || len(c.boxes) != n {
		t.Errorf("%d mailboxes", n)
	}
	if c.Mailbox(Place{1, 199}, 1000).Columns().Len() != 1000 {
		t.Error("the last one is gone")
	}
	if c.Mailbox(Place{1, 199}, 0).Columns().Len() != 1000 || c.Mailbox(Place{1, 199}, 0).Crowded(0) {
		t.Error("a few rows of messages that are gone do no harm")
	}
	c.Done(Place{1, 4711}, newMailbox())
}

func TestRowOf(t *testing.T) {
	raw := "Message-ID: <\"a\"@x>\r\nIn-Reply-To: Your mail <b@x> <c@x>\r\nSubject: Re: hi\r\nFrom: =?utf-8?q?J=C3=B6rg?= <j@x>\r\nDate: Fri, 31 Dec 2000 16:01:33 -0800\r\n\r\n"
	parsed, err := message.Parse(bytes.NewReader([]byte(raw)))
	if err != nil {
		t.Fatal(err)
	}
	ix, err := message.OpenIndex(parsed.AppendIndex(nil))
	if err != nil {
		t.Fatal(err)
	}
	r := RowOf(7, 100, 5, &ix)
	// RFC 5256 §2.2: 1 Jan 2001 00:01:33 UTC.
	if r.Sent != 978307293 || !r.Reply || string(r.Strings[message.SortSubject]) != "hi" || string(r.Strings[message.SortDisplayFrom]) != "Jörg" ||
		r.ID != HashID([]byte("a@x")) || !slices.Equal(r.Refs, []uint64{HashID([]byte("b@x"))}) {
		t.Errorf("%+v", r)
	}
}

func BenchmarkSort(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	m := newMailbox()
	rows := make([]Row, 100000)
	for i := range rows {
		rows[i] = randomRow(r, uidset.UID(i+1))
		rows[i].Sent = int64(r.IntN(1 << 30))
		rows[i].Strings[0] = fmt.Appendf(nil, "subject %d of many", r.IntN(60000))
	}
	m.Add(rows)
	set := uidset.Ranges{{First: 1, Last: 100000}}
	for _, k := range []imap.SortKey{imap.SortDate, imap.SortSubject, imap.SortFrom} {
		o := &Order{Criteria: []imap.SortCriterion{{Key: k}}, Comparator: collate.Comparator{Collation: collate.Default()}}
		b.Run(k.String(), func(b *testing.B) {
			for b.Loop() {
				m.Sort(m.Columns(), set, o, nil, still)
			}
		})
	}
}

// Sessions that bring rows and sort at once see whole rows only.
func TestShared(t *testing.T) {
	m := newMailbox()
	o := &Order{Criteria: []imap.SortCriterion{{Key: imap.SortSubject}, {Key: imap.SortDate, Reverse: true}}, Comparator: collate.Comparator{Collation: collate.Default()}}
	var all sync.WaitGroup
	for worker := range 6 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 60 {
				first := uidset.UID(1 + r.IntN(500))
				set := uidset.Ranges{{First: first, Last: first + 40}}
				var rows []Row
				m.Columns().Missing(set).Each(func(u uidset.UID) bool {
					row := Row{UID: u, Sent: int64(u)}
					row.Strings[message.SortSubject] = fmt.Append(nil, u%7)
					rows = append(rows, row)
					return true
				})
				m.Add(rows)
				if r.IntN(10) == 0 {
					m.Settle()
				}
				sorted, _, err := m.Sort(m.Columns(), set, o, nil, still)
				if err != nil || len(sorted) != 41 || !slices.IsSortedFunc(sorted, func(a, b uidset.UID) int {
					return cmp.Or(cmp.Compare(a%7, b%7), cmp.Compare(b, a))
				}) {
					t.Errorf("%v, %v", sorted, err)
				}
			}
		})
	}
	all.Wait()
}
