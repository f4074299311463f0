package search

import (
	"strings"
	"testing"

	"citron/mail/collate"
	"citron/wire/imap"
)

func TestLikeness(t *testing.T) {
	for _, c := range []struct {
		sought, word string
		want         uint8
	}{
		{"HELO", "HELO", scoreSame},
		{"HELO", "HELLO", scoreSlip},
		{"HELO", "HELP", scoreSlip},
		{"HELO", "HEOL", scoreSlip},
		{"HELO", "CELLO", 0},
		{"HELP", "HELPFUL", scoreBeginning},
		{"HE", "HELPFUL", 0},
		{"BREAKING", "BREAK", scoreStem},
		{"BREAKING", "BRE", 0},
		{"CAT", "CUT", 0},
		{"RECEIVED", "RECIEVD", scoreTwoSlips},
		{"RECEIVED", "REFUSED", 0},
	} {
		if c.sought[0] != c.word[0] {
			continue // try compares only words with the same first letter
		}
		if got := likeness([]rune(c.sought), []rune(c.word)); got != c.want {
			t.Errorf("%s, %s: %d, want %d", c.sought, c.word, got, c.want)
		}
	}
}

func FuzzLikeness(f *testing.F) {
	f.Add("helo wrld", "hello, world")
	f.Add("\xff", strings.Repeat("é", 100))
	f.Fuzz(func(t *testing.T, sought, text string) {
		p := &Program{collation: collate.Default()}
		s := &seeking{needle: p.collation.Key(sought), fuzzy: newFuzzyText(sought)}
		if score := p.score([]byte(text), s); score > 100 {
			t.Fatal(score)
		}
		if score := p.score([]byte(text+sought+text), s); score != 100 && len(text) < 100 && text == strings.ToValidUTF8(text, "") && sought == strings.ToValidUTF8(sought, "") {
			t.Fatalf("a text that has the string scores %d", score)
		}
	})
}

// RFC 6203 §4: scores are from 1 to 100, and those of a better match are higher.
func TestRelevancy(t *testing.T) {
	last := uint8(101)
	for _, key := range []imap.SearchKey{
		text(imap.SearchSubject, "lemonade stand"),
		text(imap.SearchSubject, "lemonades stand"),
		text(imap.SearchSubject, "lemonae stand"),
		text(imap.SearchSubject, "lemonades stands"),
		text(imap.SearchBody, "innr text"),
	} {
		k := fuzzy(key)
		p := Compile(&k, env)
		if ok, err := p.Match(newCandidate()); !ok || err != nil {
			t.Errorf("%s does not match: %v", key.Text, err)
		}
		if got := p.Relevancy(); got < 1 || got >= last {
			t.Errorf("%s: %d after %d", key.Text, got, last)
		}
		last = p.Relevancy()
	}
	k := imap.SearchKey{Op: imap.SearchAll}
	p := Compile(&k, env)
	if p.Match(newCandidate()); p.Relevancy() != 100 {
		t.Error(p.Relevancy())
	}
}

// RFC 5255 §4.2: the active comparator is that of string keys.
func TestCollations(t *testing.T) {
	for _, c := range []struct {
		collation *collate.Collation
		key       imap.SearchKey
		want      bool
	}{
		{collate.ASCIICasemap, text(imap.SearchBody, "отпуск"), false},
		{collate.ASCIICasemap, text(imap.SearchBody, "Отпуск"), true},
		{collate.ASCIICasemap, text(imap.SearchSubject, "LEMON"), true},
		{collate.Octet, text(imap.SearchSubject, "LEMON"), false},
		{collate.Octet, text(imap.SearchSubject, "Lemon"), true},
		{collate.Octet, header("SUBJECT", "Lemon"), true},
		{collate.Octet, text(imap.SearchText, "Subject: Lemon"), true},
		{collate.UnicodeCasemap, text(imap.SearchFrom, "JÖRG"), true},
	} {
		with := env
		with.Collation = c.collation
		if got, err := Compile(&c.key, with).Match(newCandidate()); got != c.want || err != nil {
			t.Errorf("%s %q: %v, %v", c.collation.Name(), c.key.Text, got, err)
		}
	}
}

// A string is found across the seams of a long text, whatever is cut there.
func TestCharactersAtSeams(t *testing.T) {
	for _, filler := range []string{"é", "各", "\U0001F600"} {
		for shift := range 8 {
			m := newCandidate()
			m.raw = []byte("Content-Type: text/plain; charset=utf-8\r\n\r\n" +
				strings.Repeat(filler, (pieceSize-40)/len(filler)+shift) + " Größe Čaj " + strings.Repeat(filler, pieceSize))
			for _, key := range []imap.SearchKey{text(imap.SearchBody, "GRÖßE čAJ"), fuzzy(text(imap.SearchBody, "caj grosse"))} {
				if ok, err := Compile(&key, env).Match(m); ok != (key.Op != imap.SearchFuzzy) || err != nil {
					t.Fatalf("%q shifted by %d: %v, %v", filler, shift, ok, err)
				}
			}
			key := fuzzy(text(imap.SearchBody, "caj große"))
			if ok, err := Compile(&key, env).Match(m); !ok || err != nil {
				t.Fatalf("fuzzy, %q shifted by %d: %v, %v", filler, shift, ok, err)
			}
		}
	}
}

// RFC 6203 §8: very many or very long strings cost no more than a few.
func TestFuzzyIsBounded(t *testing.T) {
	many := imap.SearchKey{Op: imap.SearchOr}
	for range 1000 {
		many.Keys = append(many.Keys, text(imap.SearchBody, strings.Repeat("word ", 100)+strings.Repeat("x", 10000)))
	}
	many.Keys = append(many.Keys, text(imap.SearchBody, "inner text"))
	k := fuzzy(many)
	p := Compile(&k, env)
	words := 0
	for i := range p.texts {
		words += len(p.texts[i].fuzzy.words)
		for _, w := range p.texts[i].fuzzy.words {
			if len(w) > maxLetters {
				t.Fatalf("a word of %d letters", len(w))
			}
		}
	}
	if ok, err := p.Match(newCandidate()); !ok || err != nil || words > maxFuzzyWords {
		t.Errorf("%v, %v, %d words", ok, err, words)
	}
}
