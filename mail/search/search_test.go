package search

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"citron/mail/message"
	"citron/wire/imap"
)

// candidate is a message at hand, which counts what is read of it.
type candidate struct {
	raw            []byte
	seq, uid       uint32
	modseq         uint64
	flags          imap.SystemFlags
	keywords       []string
	internal, save time.Time
	asked          Level
	bodies         int
	err            error
}

func (c *candidate) Seq() uint32             { return c.seq }
func (c *candidate) UID() uint32             { return c.uid }
func (c *candidate) ModSeq() uint64          { return c.modseq }
func (c *candidate) Flags() imap.SystemFlags { return c.flags }
func (c *candidate) HasKeyword(k string) bool {
	return slices.ContainsFunc(c.keywords, func(s string) bool { return strings.EqualFold(s, k) })
}
func (c *candidate) Size() int64             { return int64(len(c.raw)) }
func (c *candidate) InternalDate() time.Time { return c.internal }
func (c *candidate) SaveDate() time.Time     { return c.save }

func (c *candidate) ask(l Level) error {
	c.asked = max(c.asked, l)
	return c.err
}

func (c *candidate) EmailID() (string, error)  { return "E1", c.ask(Index) }
func (c *candidate) ThreadID() (string, error) { return "T1", c.ask(Index) }

func (c *candidate) message() *message.Message {
	m, _ := message.Parse(bytes.NewReader(c.raw))
	return m
}

func (c *candidate) Index() (message.Index, error) {
	if err := c.ask(Index); err != nil {
		return message.Index{}, err
	}
	return message.OpenIndex(c.message().AppendIndex(nil))
}

func (c *candidate) Header() ([]byte, error) {
	h, _ := c.message().Header()
	return h, c.ask(Header)
}

func (c *candidate) Body() (io.ReaderAt, error) {
	c.bodies++
	return bytes.NewReader(c.raw), c.ask(Body)
}

const mail = `From: =?utf-8?q?J=C3=B6rg?= Smith <smith@example.org>
To: alice@example.org
Cc: bob@example.net
Subject: Lemonade
 stand
Date: Tue, 1 Feb 1994 23:30:00 -0500
X-Empty:
Content-Type: multipart/mixed; boundary=b

preamble
--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=
=DFe aus M=FCnchen
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64
X-Part: hidden-in-part

PGI+0J7RgtC/0YPRgdC6PC9iPg==
--b
Content-Type: message/rfc822

Subject: the message within
X-Inner: inner-field

inner text
--b
Content-Type: image/png

pixels
--b--
`

func newCandidate() *candidate {
	return &candidate{
		raw: []byte(strings.ReplaceAll(mail, "\n", "\r\n")),
		seq: 3, uid: 300, modseq: 77, flags: imap.FlagSeen | imap.FlagFlagged, keywords: []string{"$Important"},
		internal: time.Date(1994, 2, 1, 23, 30, 0, 0, time.FixedZone("", -5*3600)),
		save:     time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC),
	}
}

var env = Env{
	Now:    time.Date(1994, 2, 2, 5, 30, 0, 0, time.UTC), // an hour later
	MaxSeq: 3, MaxUID: 300,
	Saved: imap.NumSetOf(300),
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func text(op imap.SearchOp, s string) imap.SearchKey { return imap.SearchKey{Op: op, Text: s} }

func header(field, s string) imap.SearchKey {
	return imap.SearchKey{Op: imap.SearchHeader, Field: field, Text: s}
}

func date(op imap.SearchOp, d time.Time) imap.SearchKey { return imap.SearchKey{Op: op, Date: d} }

func num(op imap.SearchOp, n uint64) imap.SearchKey { return imap.SearchKey{Op: op, Num: n} }

func fuzzy(key imap.SearchKey) imap.SearchKey {
	return imap.SearchKey{Op: imap.SearchFuzzy, Keys: []imap.SearchKey{key}}
}

func TestKeys(t *testing.T) {
	size := uint64(len(newCandidate().raw))
	feb1, feb2 := day(1994, 2, 1), day(1994, 2, 2)
	for name, c := range map[string]struct {
		key  imap.SearchKey
		want bool
	}{
		"ALL":                  {imap.SearchKey{Op: imap.SearchAll}, true},
		"SEEN":                 {imap.SearchKey{Op: imap.SearchFlag, Flag: imap.FlagSeen}, true},
		"DELETED":              {imap.SearchKey{Op: imap.SearchFlag, Flag: imap.FlagDeleted}, false},
		"UNSEEN":               {imap.SearchKey{Op: imap.SearchUnflag, Flag: imap.FlagSeen}, false},
		"KEYWORD":              {text(imap.SearchKeyword, "$important"), true},
		"UNKEYWORD":            {text(imap.SearchUnkeyword, "$important"), false},
		"1:2":                  {imap.SearchKey{Op: imap.SearchSeq, Set: imap.SeqSet{Nums: imap.NumSetOfRanges(imap.Range{From: 1, To: 2})}}, false},
		"*":                    {imap.SearchKey{Op: imap.SearchSeq, Set: imap.SeqSet{Star: 1<<32 - 1}}, true},
		"UID 299:*":            {imap.SearchKey{Op: imap.SearchUID, Set: imap.SeqSet{Star: 299}}, true},
		"UID 3":                {imap.SearchKey{Op: imap.SearchUID, Set: imap.SeqSetOf(3)}, false},
		"$":                    {imap.SearchKey{Op: imap.SearchSeq, Set: imap.SeqSet{Saved: true}}, true},
		"LARGER":               {num(imap.SearchLarger, size), false},
		"LARGER less":          {num(imap.SearchLarger, size-1), true},
		"SMALLER":              {num(imap.SearchSmaller, size), false},
		"SMALLER more":         {num(imap.SearchSmaller, size+1), true},
		"MODSEQ 77":            {num(imap.SearchModSeq, 77), true},
		"MODSEQ 78":            {num(imap.SearchModSeq, 78), false},
		"OLDER 3600":           {num(imap.SearchOlder, 3600), true},
		"OLDER 3601":           {num(imap.SearchOlder, 3601), false},
		"YOUNGER 3600":         {num(imap.SearchYounger, 3600), true},
		"YOUNGER 3599":         {num(imap.SearchYounger, 3599), false},
		"YOUNGER max":          {num(imap.SearchYounger, 1<<63-1), true},
		"ON":                   {date(imap.SearchOn, feb1), true}, // Feb 2 in UTC
		"BEFORE":               {date(imap.SearchBefore, feb2), true},
		"BEFORE same":          {date(imap.SearchBefore, feb1), false},
		"SINCE":                {date(imap.SearchSince, feb1), true},
		"SINCE next":           {date(imap.SearchSince, feb2), false},
		"SENTON":               {date(imap.SearchSentOn, feb1), true},
		"SENTBEFORE":           {date(imap.SearchSentBefore, feb1), false},
		"SENTSINCE":            {date(imap.SearchSentSince, feb1), true},
		"SAVEDON":              {date(imap.SearchSavedOn, day(2020, 1, 2)), true},
		"SAVEDBEFORE":          {date(imap.SearchSavedBefore, day(2020, 1, 2)), false},
		"SAVEDSINCE":           {date(imap.SearchSavedSince, day(2020, 1, 3)), false},
		"SAVEDATE":             {imap.SearchKey{Op: imap.SearchSaveDateSupported}, true},
		"EMAILID":              {text(imap.SearchEmailID, "E1"), true},
		"EMAILID case":         {text(imap.SearchEmailID, "e1"), false},
		"THREADID":             {text(imap.SearchThreadID, "T1"), true},
		"FROM":                 {text(imap.SearchFrom, "SMITH@"), true},
		"FROM decoded":         {text(imap.SearchFrom, "Jörg smi"), true},
		"TO":                   {text(imap.SearchTo, "smith"), false},
		"CC":                   {text(imap.SearchCc, "bob"), true},
		"BCC":                  {text(imap.SearchBcc, ""), false},
		"SUBJECT":              {text(imap.SearchSubject, "lemonade STAND"), true},
		"HEADER":               {header("cc", "example.NET"), true},
		"HEADER empty":         {header("X-EMPTY", ""), true},
		"HEADER absent":        {header("X-Absent", ""), false},
		"HEADER part":          {header("X-Part", ""), false},
		"BODY":                 {text(imap.SearchBody, "grüße AUS"), true},
		"BODY base64":          {text(imap.SearchBody, "Отпуск"), true},
		"BODY case":            {text(imap.SearchBody, "отпуск"), true},    // RFC 5051 §2
		"BODY accent":          {text(imap.SearchBody, "gru\u0308"), true}, // decomposed
		"BODY no accent":       {text(imap.SearchBody, "gruß"), false},
		"FUZZY FROM":           {fuzzy(text(imap.SearchFrom, "jorg smth")), true},
		"FUZZY SUBJECT":        {fuzzy(text(imap.SearchSubject, "STANDS lemnoade")), true},
		"FUZZY one of two":     {fuzzy(text(imap.SearchSubject, "lemonade party")), false},
		"FUZZY part of a word": {fuzzy(text(imap.SearchSubject, "monade st")), true},
		"FUZZY BODY":           {fuzzy(text(imap.SearchBody, "muenchn grusse")), false},
		"FUZZY BODY accents":   {fuzzy(text(imap.SearchBody, "munchen grußen")), true},
		"FUZZY TEXT":           {fuzzy(text(imap.SearchText, "hiden part")), true},
		"FUZZY flag":           {fuzzy(imap.SearchKey{Op: imap.SearchFlag, Flag: imap.FlagDeleted}), false},
		"FUZZY nothing":        {fuzzy(text(imap.SearchSubject, "...")), false},
		"BODY header":          {text(imap.SearchBody, "Lemonade"), false},
		"BODY part":            {text(imap.SearchBody, "hidden-in-part"), false},
		"BODY inner":           {text(imap.SearchBody, "inner text"), true},
		"BODY image":           {text(imap.SearchBody, "pixels"), false},
		"BODY empty":           {text(imap.SearchBody, ""), true},
		"TEXT":                 {text(imap.SearchText, "lemonade stand"), true},
		"TEXT name":            {text(imap.SearchText, "subject: lemonade"), true},
		"TEXT part":            {text(imap.SearchText, "Hidden-in-part"), true},
		"TEXT inner":           {text(imap.SearchText, "INNER-FIELD"), true},
		"TEXT body":            {text(imap.SearchText, "münchen"), true},
		"TEXT none":            {text(imap.SearchText, "string not in mailbox"), false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, not := range []bool{false, true} {
				key := c.key
				if not {
					key = imap.SearchKey{Op: imap.SearchNot, Keys: []imap.SearchKey{c.key}}
				}
				p, m := Compile(&key, env), newCandidate()
				if got, err := p.Match(m); err != nil || got != (c.want != not) {
					t.Errorf("not %v: %v, %v", not, got, err)
				}
				if m.asked > p.Level() {
					t.Errorf("asked for level %d of %d", m.asked, p.Level())
				}
			}
		})
	}
}

// TestCheapFirst: no more is read of a message than decides.
func TestCheapFirst(t *testing.T) {
	yes, no := imap.SearchKey{Op: imap.SearchAll}, imap.SearchKey{Op: imap.SearchFlag, Flag: imap.FlagDraft}
	body, head, sent := text(imap.SearchBody, "inner text"), text(imap.SearchSubject, "lemon"), date(imap.SearchSentOn, day(1994, 2, 1))
	list := func(op imap.SearchOp, keys ...imap.SearchKey) imap.SearchKey {
		return imap.SearchKey{Op: op, Keys: keys}
	}
	for name, c := range map[string]struct {
		key   imap.SearchKey
		want  bool
		asked Level
	}{
		"and no":       {list(imap.SearchAnd, body, head, no), false, Entry},
		"and":          {list(imap.SearchAnd, body, head, yes), true, Body},
		"or yes":       {list(imap.SearchOr, body, yes), true, Entry},
		"or header":    {list(imap.SearchOr, body, head, no), true, Header},
		"or date":      {list(imap.SearchOr, body, list(imap.SearchAnd, head, sent), sent), true, Index},
		"text by head": {text(imap.SearchText, "lemonade"), true, Header},
		"nested and":   {list(imap.SearchAnd, list(imap.SearchAnd, body, no), list(imap.SearchOr, body, body)), false, Entry},
	} {
		t.Run(name, func(t *testing.T) {
			m := newCandidate()
			if got, err := Compile(&c.key, env).Match(m); got != c.want || err != nil || m.asked != c.asked {
				t.Errorf("%v, %v, asked for level %d, not %d", got, err, m.asked, c.asked)
			}
		})
	}
	key := list(imap.SearchAnd, body, head, text(imap.SearchBody, "münchen"), text(imap.SearchText, "inner-field"))
	p, m := Compile(&key, env), newCandidate()
	for level, want := range []Verdict{Unknown, Unknown, Unknown, Yes} {
		if got, err := p.Try(m, Level(level)); got != want || err != nil || m.asked > Level(level) {
			t.Errorf("up to %d: %v, %v, asked for %d", level, got, err, m.asked)
		}
	}
	if m.bodies != 1 {
		t.Errorf("body opened %d times for three strings", m.bodies)
	}
	not := list(imap.SearchNot, body)
	if got, _ := Compile(&not, env).Try(newCandidate(), Header); got != Unknown {
		t.Errorf("not unknown is %d", got)
	}
}

// TestSeams: a string is found wherever it lies in a text longer than what is
// looked at together.
func TestSeams(t *testing.T) {
	needle := "Needle" + strings.Repeat("-x", 40)
	key := text(imap.SearchBody, needle)
	for at := pieceSize - len(needle) - 2; at <= pieceSize+2; at += 7 {
		m := newCandidate()
		m.raw = []byte("Subject: x\r\n\r\n" + strings.Repeat("n", at) + strings.ToUpper(needle) + strings.Repeat("n", 3*pieceSize))
		p := Compile(&key, env)
		for range 2 { // with new and used buffers
			if got, err := p.Match(m); !got || err != nil {
				t.Fatalf("at %d: %v, %v", at, got, err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	failure := errors.New("store is away")
	for _, key := range []imap.SearchKey{
		text(imap.SearchBody, "x"), text(imap.SearchText, "x"), text(imap.SearchSubject, "x"),
		text(imap.SearchEmailID, "x"), date(imap.SearchSentOn, day(1994, 2, 1)),
		{Op: imap.SearchNot, Keys: []imap.SearchKey{text(imap.SearchBody, "x")}},
		{Op: imap.SearchOr, Keys: []imap.SearchKey{text(imap.SearchBody, "x"), text(imap.SearchCc, "x")}},
	} {
		m := newCandidate()
		m.err = failure
		if v, err := Compile(&key, env).Try(m, Body); err != failure || v != Unknown {
			t.Errorf("%+v: %d, %v", key, v, err)
		}
	}
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(mail), "Grüße")
	f.Add([]byte("Content-Type: text/plain; charset=utf-16\n\nab"), "a")
	f.Fuzz(func(t *testing.T, raw []byte, s string) {
		for _, op := range []imap.SearchOp{imap.SearchBody, imap.SearchText, imap.SearchSubject} {
			key := text(op, s)
			m := newCandidate()
			m.raw = raw
			body, err := Compile(&key, env).Match(m)
			if err != nil {
				t.Fatal(err)
			}
			if op = imap.SearchText; body && key.Op == imap.SearchBody {
				key.Op = op
				if all, _ := Compile(&key, env).Match(m); !all {
					t.Errorf("BODY has %q, TEXT has not", s)
				}
			}
		}
	})
}

func BenchmarkBody(b *testing.B) {
	m := newCandidate()
	m.raw = []byte("Subject: x\r\n\r\n" + strings.Repeat("some text that is not it, and more of it\r\n", 25_000))
	key := text(imap.SearchBody, "nowhere")
	p := Compile(&key, env)
	b.SetBytes(int64(len(m.raw)))
	for b.Loop() {
		p.Match(m)
	}
}
