package thread

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"citron/wire/imap"
)

func show(members []imap.ThreadMember) string {
	w := imap.Writer{}
	t := w.Thread()
	for _, m := range members {
		t.Member(m)
	}
	t.End()
	return strings.TrimPrefix(strings.TrimSuffix(string(w.Buf), "\r\n"), "* THREAD")
}

func threaded(t testing.TB, messages []Message) string {
	t.Helper()
	for i := range messages {
		messages[i].Num = uint32(i + 1)
	}
	members, err := References(messages, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return show(members)
}

func ordered(t *testing.T, messages []Message) string {
	t.Helper()
	members, err := OrderedSubject(messages, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return show(members)
}

func refs(ids ...uint64) []uint64 { return ids }

// RFC 5256 §3, REFERENCES.
func TestReferences(t *testing.T) {
	for name, c := range map[string]struct {
		messages []Message
		want     string
	}{
		"nothing":               {nil, ""},
		"chain":                 {[]Message{{ID: 1}, {ID: 2, Refs: refs(1)}, {ID: 3, Refs: refs(1, 2)}}, " (1 2 3)"},
		"chain backwards":       {[]Message{{ID: 3, Date: 3, Refs: refs(1, 2)}, {ID: 2, Date: 2, Refs: refs(1)}, {ID: 1, Date: 1}}, " (3 2 1)"},
		"siblings by date":      {[]Message{{ID: 1}, {ID: 2, Date: 9, Refs: refs(1)}, {ID: 3, Date: 5, Refs: refs(1)}}, " (1 (3)(2))"},
		"dummy parent":          {[]Message{{ID: 3, Refs: refs(9)}, {ID: 5, Refs: refs(9)}}, " ((1)(2))"},
		"dummy with one child":  {[]Message{{ID: 3, Refs: refs(9)}}, " (1)"},
		"dummies in between":    {[]Message{{ID: 1}, {ID: 2, Refs: refs(1, 8, 9)}, {ID: 3, Refs: refs(1, 8)}}, " (1 (2)(3))"},
		"dummies below dummies": {[]Message{{ID: 2, Refs: refs(7, 8)}, {ID: 3, Refs: refs(7, 9)}}, " ((1)(2))"},
		"duplicate ID":          {[]Message{{ID: 1}, {ID: 1}, {ID: 2, Refs: refs(1)}}, " (1 3)(2)"},
		"no ID":                 {[]Message{{}, {}}, " (1)(2)"},
		"itself":                {[]Message{{ID: 1, Refs: refs(1)}}, " (1)"},
		"loop":                  {[]Message{{ID: 1, Refs: refs(2)}, {ID: 2, Refs: refs(1)}}, " (2 1)"},
		"loop in references":    {[]Message{{ID: 1, Refs: refs(2, 3, 2)}, {ID: 3}}, " (1)(2)"},
		// Step 1.B: the last reference is the parent, whatever others said.
		"truncated": {[]Message{{ID: 1}, {ID: 4, Date: 4, Refs: refs(1, 3)}, {ID: 3, Date: 3, Refs: refs(2)}, {ID: 2, Date: 2, Refs: refs(1)}}, " (1 4 3 2)"},
		"orphaned":  {[]Message{{ID: 3, Date: 3, Refs: refs(1, 2)}, {ID: 1}, {ID: 2, Date: 2}}, " (2)(3 1)"},
		// Step 5.
		"reply by subject":   {[]Message{{Subject: 1}, {Subject: 1, Reply: true}}, " (1 2)"},
		"reply came first":   {[]Message{{Subject: 1, Reply: true}, {Subject: 1, Date: 1}}, " (2 1)"},
		"same subject":       {[]Message{{Subject: 1}, {Subject: 1}}, " ((1)(2))"},
		"two replies":        {[]Message{{Subject: 1, Reply: true}, {Subject: 1, Reply: true}}, " ((1)(2))"},
		"three of a subject": {[]Message{{Subject: 1}, {Subject: 1}, {Subject: 1, Reply: true}}, " ((1)(2)(3))"},
		"empty subject":      {[]Message{{}, {Reply: true}}, " (1)(2)"},
		"dummies of a subject": {[]Message{{ID: 1, Subject: 4, Refs: refs(8)}, {ID: 2, Subject: 4, Refs: refs(8)},
			{ID: 3, Subject: 4, Refs: refs(9)}, {ID: 4, Subject: 4, Refs: refs(9)}}, " ((1)(2)(3)(4))"},
		"dummy and message":    {[]Message{{ID: 1, Subject: 4, Refs: refs(8)}, {ID: 2, Subject: 5, Refs: refs(8)}, {ID: 3, Subject: 4, Reply: true}}, " ((1)(2)(3))"},
		"message before dummy": {[]Message{{ID: 3, Subject: 4}, {ID: 1, Subject: 4, Refs: refs(8)}, {ID: 2, Subject: 5, Refs: refs(8)}}, " ((1)(2)(3))"},
		"roots by date":        {[]Message{{Date: 3}, {Date: 1}, {Date: 2}, {Date: 1}}, " (2)(4)(3)(1)"},
		"dummy by first child": {[]Message{{ID: 1, Date: 5, Refs: refs(8)}, {Date: 3}, {ID: 2, Date: 1, Refs: refs(8)}}, " ((3)(1))(2)"},
	} {
		if got := threaded(t, c.messages); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// RFC 5256 §3, ORDEREDSUBJECT.
func TestOrderedSubject(t *testing.T) {
	messages := []Message{{Subject: 2, Date: 5}, {Subject: 1, Date: 7}, {Subject: 2, Date: 4}, {Subject: 3, Date: 1}, {Subject: 1, Date: 7}, {Subject: 2, Date: 9}, {Date: 2}, {Date: 2}}
	for i := range messages {
		messages[i].Num = uint32(10 + i)
	}
	if got := ordered(t, messages); got != " (13)(16 17)(12 (10)(15))(11 14)" {
		t.Error(got)
	}
	if got := ordered(t, nil); got != "" {
		t.Error(got)
	}
}

// randomMessages are such that everything happens: loops, truncated lists,
// duplicates, dummies, the same dates and subjects.
func randomMessages(r *rand.Rand, n int) []Message {
	messages := make([]Message, n)
	for i := range messages {
		m := &messages[i]
		m.ID = uint64(r.IntN(n + 3))
		m.Date = int64(r.IntN(n))
		m.Subject = uint32(r.IntN(n/2 + 1))
		m.Reply = r.IntN(2) == 0
		for range r.IntN(5) {
			m.Refs = append(m.Refs, uint64(1+r.IntN(n+3)))
		}
	}
	return messages
}

// TestAgainstTranscription holds the algorithm against the RFC's own words.
func TestAgainstTranscription(t *testing.T) {
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed, 5256))
		messages := randomMessages(r, 1+r.IntN(12))
		got := threaded(t, messages)
		if want := show(transcribed(messages)); got != want {
			t.Fatalf("seed %d: %+v:\n%s, want\n%s", seed, messages, got, want)
		}
	}
}

// However the references lie, threading takes the time of sorting.
func TestHostileReferences(t *testing.T) {
	const n = 200000
	chain, comb, back := make([]Message, n), make([]Message, n), make([]Message, n)
	for i := range chain {
		chain[i] = Message{ID: uint64(i + 1), Refs: refs(uint64(i))}
		back[i] = Message{ID: uint64(n - i), Refs: refs(uint64(n - i - 1))}
		// One long chain, then pairs hung to its end, parents last.
		if i < n/2 {
			comb[i] = chain[i]
		} else {
			comb[i] = Message{ID: uint64(i + 1), Refs: refs(uint64(n/2), uint64(2*n+i/2))}
		}
	}
	for _, messages := range [][]Message{chain, comb, back} {
		for i := range messages {
			messages[i].Num = uint32(i + 1)
		}
		breaths := 0
		members, err := References(messages, func() error { breaths++; return nil })
		if err != nil || len(members) < n || breaths < n/stepsPerBreath {
			t.Errorf("%d members, %d breaths, %v", len(members), breaths, err)
		}
	}
}

func FuzzReferences(f *testing.F) {
	f.Add([]byte{1, 0, 2, 1, 3, 2})
	f.Fuzz(func(t *testing.T, in []byte) {
		var messages []Message
		for piece := range bytes.SplitSeq(in, []byte{0}) {
			m := Message{}
			for i, b := range piece {
				switch i {
				case 0:
					m.ID = uint64(b % 16)
				case 1:
					m.Date, m.Subject, m.Reply = int64(b%4), uint32(b/4%8), b >= 128
				default:
					m.Refs = append(m.Refs, uint64(b%16))
				}
			}
			if messages = append(messages, m); len(messages) == 40 {
				break
			}
		}
		if got, want := threaded(t, messages), show(transcribed(messages)); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

func BenchmarkReferences(b *testing.B) {
	const n = 100000
	r := rand.New(rand.NewPCG(1, 2))
	messages := make([]Message, n)
	for i := range messages {
		m := &messages[i]
		*m = Message{Num: uint32(i + 1), ID: r.Uint64(), Date: int64(i + r.IntN(50)), Subject: uint32(1 + r.IntN(n/2))}
		if i > 100 && r.IntN(3) > 0 {
			p := &messages[i-1-r.IntN(100)]
			m.Refs, m.Subject, m.Reply = append(slices.Clone(p.Refs), p.ID), p.Subject, true
		}
	}
	for b.Loop() {
		References(messages, func() error { return nil })
	}
}
