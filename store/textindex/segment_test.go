package textindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"citron/mail/message"
	"citron/mail/search"
	"citron/wire/imap"
)

// mail is a message as a search.Candidate of which only the text matters.
type mail struct {
	search.Candidate
	raw   []byte
	index message.Index
}

func newMail(t testing.TB, raw string) *mail {
	t.Helper()
	parsed, err := message.Parse(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	index, err := message.OpenIndex(parsed.AppendIndex(nil))
	if err != nil {
		t.Fatal(err)
	}
	return &mail{raw: []byte(raw), index: index}
}

func (m *mail) Index() (message.Index, error) { return m.index, nil }
func (m *mail) Body() (io.ReaderAt, error)    { return bytes.NewReader(m.raw), nil }

func (m *mail) Header() ([]byte, error) {
	tree, err := m.index.Tree()
	return m.raw[tree[0].Header:tree[0].Body], err
}

// segment is one in memory.
type segment []Block

func (s *segment) emit(first Term, block []byte) error {
	*s = append(*s, Block{first, bytes.Clone(block)})
	return nil
}

// feed gives two blocks at a time.
func (s segment) feed() Feed {
	return func() ([]Block, error) {
		some := s[:min(2, len(s))]
		s = s[len(some):]
		return some, nil
	}
}

// lookup gives the blocks that a Lookup names.
func (s segment) lookup(l Lookup) (blocks []Block) {
	for i, b := range s {
		last := i+1 == len(s) || s[i+1].First > l.From
		if b.First > l.From && b.First <= l.To || b.First <= l.From && last {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

func (s segment) match(t testing.TB, q Query, found *Bits) {
	t.Helper()
	var blocks [][]Block
	for _, l := range q.Lookups() {
		blocks = append(blocks, s.lookup(l))
	}
	if err := q.Match(blocks, found); err != nil {
		t.Fatal(err)
	}
}

var syllables = []string{"ba", "zi", "tro", "ne", "Lem", "on", "a", "stra\u00dfe", "\u0434\u0430", "\u041e\u0442", "\u65e5\u672c", "\u8a9e", "\u30e1\u30fc\u30eb", "e\u0301", "42", "7", "-", "@", "."}

// words makes random text.
func words(rng *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		for range 1 + rng.IntN(4) {
			b.WriteString(syllables[rng.IntN(len(syllables))])
		}
		b.WriteString([]string{" ", " ", " ", "\r\n", ", "}[rng.IntN(5)])
	}
	return b.String()
}

// randomMail makes a message with texts in several encodings.
func randomMail(rng *rand.Rand) string {
	name := func() string { return strings.NewReplacer("\r\n", " ", "\u0434", "d").Replace(words(rng, 2)) }
	head := fmt.Sprintf("From: %s <a@example.org>\r\nTo: %s\r\nSubject: =?utf-8?q?%s?=\r\nX-List: %s\r\n",
		name(), name(), strings.NewReplacer(" ", "_", "=", "", "?", "").Replace(name()), name())
	switch rng.IntN(4) {
	case 0:
		return head + "\r\n" + words(rng, 20)
	case 1:
		return head + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + words(rng, 6000)
	case 2:
		return head + "Content-Type: text/plain; charset=koi8-r\r\n\r\n\xcf\xd4\xd0\xd5\xd3\xcb " + words(rng, 3)
	}
	return head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX-Part: " + name() + "\r\n\r\n" + words(rng, 9) +
		"\r\n--b\r\nContent-Type: image/png\r\n\r\npixels\r\n--b--\r\n"
}

// needle takes a string out of a message, or makes one.
func needle(rng *rand.Rand, from string) string {
	if rng.IntN(4) == 0 {
		return strings.TrimSpace(words(rng, 1+rng.IntN(2)))
	}
	at := rng.IntN(len(from))
	return strings.ToValidUTF8(from[at:min(len(from), at+1+rng.IntN(24))], "")
}

func randomKey(rng *rand.Rand, mails []*mail) imap.SearchKey {
	k := imap.SearchKey{Op: imap.SearchBcc + imap.SearchOp(rng.IntN(int(imap.SearchText-imap.SearchBcc)+1))}
	k.Text = needle(rng, string(mails[rng.IntN(len(mails))].raw))
	if k.Op == imap.SearchHeader {
		k.Field = []string{"X-List", "subject", "X-Part", "x-none"}[rng.IntN(4)]
		if rng.IntN(4) == 0 {
			k.Text = ""
		}
	}
	return k
}

// TestNoMatchIsMissed: every message that a search program finds is a candidate,
// in segments as they are built, and merged.
func TestNoMatchIsMissed(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var mails []*mail
		var walker search.Walker
		var parts []segment
		b := NewBuilder()
		for i := range 48 {
			m := newMail(t, randomMail(rng))
			mails = append(mails, m)
			b.Begin(uint16(i * 3))
			if err := walker.Walk(m, b); err != nil {
				t.Fatal(err)
			}
			if i%16 == 15 {
				var s segment
				if err := b.Write(s.emit); err != nil {
					t.Fatal(err)
				}
				parts = append(parts, s)
			}
		}
		rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		merged := merge(t, nil, parts...)
		asked, candidates, matches := 0, 0, 0
		for range 200 {
			k := randomKey(rng, mails)
			q, ok := QueryFor(&k)
			if !ok {
				continue
			}
			var found, again Bits
			for _, s := range parts {
				s.match(t, q, &found)
			}
			if merged.match(t, q, &again); found != again {
				t.Fatalf("seed %d: %+v: merged segments have other candidates", seed, k)
			}
			program := search.Compile(&k, search.Env{})
			asked, candidates = asked+1, candidates+found.Count()
			for i, m := range mails {
				is, err := program.Match(m)
				if err != nil {
					t.Fatal(err)
				}
				if is && !found.Has(uint16(i*3)) {
					t.Fatalf("seed %d: %+v is missed in %q", seed, k, m.raw)
				}
				if is {
					matches++
				}
			}
		}
		if asked < 80 || candidates > asked*len(mails)/4 {
			t.Errorf("seed %d: %d of 200 keys asked; %d candidates of which %d match", seed, asked, candidates, matches)
		}
	}
}

func merge(t testing.TB, alive *Bits, parts ...segment) (s segment) {
	t.Helper()
	var feeds []Feed
	for _, p := range parts {
		feeds = append(feeds, p.feed())
	}
	if _, err := Merge(feeds, alive, s.emit, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMergeForgets: objects not worth keeping are gone, and with them their
// terms.
func TestMergeForgets(t *testing.T) {
	build := func(objects ...int) (s segment) {
		b := NewBuilder()
		for _, o := range objects {
			b.Begin(uint16(o))
			b.Text(fmt.Appendf(nil, "word%04d common", o), true)
		}
		if err := b.Write(s.emit); err != nil {
			t.Fatal(err)
		}
		return s
	}
	var alive Bits
	alive.Add(1)
	alive.Add(4)
	if got := merge(t, &alive, build(1, 2, 3), build(4, 5)); !slices.EqualFunc(got, build(1, 4), equalBlocks) {
		t.Error("not as if the others had never been")
	}
	if got := merge(t, new(Bits), build(1, 2, 3)); len(got) != 0 {
		t.Errorf("%d blocks of nothing", len(got))
	}
}

func equalBlocks(x, y Block) bool { return x.First == y.First && bytes.Equal(x.Bytes, y.Bytes) }

// TestWild: what is too large to be indexed is a candidate of everything.
func TestWild(t *testing.T) {
	b := NewBuilder()
	b.Begin(7)
	rng := rand.New(rand.NewPCG(1, 1))
	more := true
	for n := 0; more; n++ {
		if n == 100 {
			t.Fatal("no end")
		}
		var text []byte
		for range 4000 {
			text = fmt.Appendf(text, "%x ", rng.Uint32())
		}
		more = b.Text(text, false)
	}
	b.Begin(8)
	if b.Header(0, []byte("Subject: x\r\n"), false) {
		t.Error("a header cut short was taken")
	}
	var s segment
	if err := b.Write(s.emit); err != nil {
		t.Fatal(err)
	}
	for op := imap.SearchBcc; op <= imap.SearchText; op++ {
		q, ok := QueryFor(&imap.SearchKey{Op: op, Field: "x-anything", Text: "whatever"})
		var found Bits
		if s.match(t, q, &found); !ok || !found.Has(7) || !found.Has(8) || found.Count() != 2 {
			t.Errorf("key %d: %v", op, found.Count())
		}
	}
}

func TestErrorsEndAMerge(t *testing.T) {
	failure := errors.New("away")
	_, err := Merge([]Feed{func() ([]Block, error) { return nil, failure }}, nil, nil, nil)
	if err != failure {
		t.Error(err)
	}
	var s segment
	b := NewBuilder()
	b.Begin(1)
	b.Text([]byte("some words"), true)
	if err := b.Write(s.emit); err != nil {
		t.Fatal(err)
	}
	if _, err := Merge([]Feed{s.feed()}, nil, s.emit, func() error { return failure }); err != failure {
		t.Error(err)
	}
}

func FuzzPosting(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 9, 255, 255})
	f.Add(bytes.Repeat([]byte{1, 2, 1, 3, 1, 4}, 40))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var offsets []uint16
		for i := 0; i+1 < len(raw); i += 2 {
			offsets = append(offsets, uint16(raw[i])<<8|uint16(raw[i+1]))
		}
		slices.Sort(offsets)
		if offsets = slices.Compact(offsets); len(offsets) > 0 {
			bytes, bitmap := appendPosting(nil, offsets)
			got, err := posting{bytes, bitmap}.appendTo(nil)
			var set Bits
			if err != nil || !slices.Equal(got, offsets) || (posting{bytes, bitmap}).addTo(&set) != nil || set.Count() != len(offsets) {
				t.Errorf("%v became %v, %v", offsets, got, err)
			}
		}
		for _, bitmap := range []bool{false, true} { // anything may be stored
			var set Bits
			list, err := posting{raw, bitmap}.appendTo(nil)
			if other := (posting{raw, bitmap}).addTo(&set); (err == nil) != (other == nil) || err == nil && set.Count() != len(list) {
				t.Errorf("%v: %v, %v; %d and %d", bitmap, err, other, len(list), set.Count())
			}
		}
	})
}

func FuzzBlock(f *testing.F) {
	var s segment
	b := NewBuilder()
	b.Begin(1)
	b.Text([]byte("some words"), true)
	if err := b.Write(s.emit); err != nil {
		f.Fatal(err)
	}
	f.Add(s[0].Bytes[blockHead:])
	f.Fuzz(func(t *testing.T, rest []byte) {
		raw := append([]byte{blockVersion, 0, 0, 0, 0}, rest...)
		binary.LittleEndian.PutUint32(raw[1:], crc32.Checksum(rest, castagnoli))
		CheckBlock(Block{0, raw}, 0)
		var out segment
		Merge([]Feed{segment{{0, raw}}.feed()}, nil, out.emit, func() error { return nil })
		q, _ := QueryFor(&imap.SearchKey{Op: imap.SearchText, Text: "some"})
		var found Bits
		q.Match([][]Block{{{0, raw}}, {{0, raw}}, {{0, raw}}, {{0, raw}}}, &found)
	})
}

func BenchmarkBuild(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var mails []*mail
	bytes := 0
	for range 256 {
		mails = append(mails, newMail(b, "From: a@example.org\r\nSubject: "+strings.ReplaceAll(words(rng, 4), "\r\n", " ")+"\r\n\r\n"+words(rng, 150)))
		bytes += len(mails[len(mails)-1].raw)
	}
	b.SetBytes(int64(bytes))
	builder := NewBuilder()
	var walker search.Walker
	for b.Loop() {
		for i, m := range mails {
			builder.Begin(uint16(i))
			if err := walker.Walk(m, builder); err != nil {
				b.Fatal(err)
			}
		}
		if err := builder.Write(func(Term, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
