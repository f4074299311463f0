package search

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"citron/mail/collate"
)

// FUZZY (RFC 6203) leaves to the server what matches. Here: the words of a
// string, in any order, where a word is a run of letters and digits without
// regard to case and diacritics, and
//
//   - is there, or
//   - is the beginning of a word that is there ("help", "helpful"), or
//   - differs from one in its end only ("breaking", "break"), or
//   - differs by a slip of the pen or two: a letter too many, missing, wrong,
//     or two exchanged, but not the first letter ("helo", "hello").
//
// What matches without FUZZY matches with it. Keys that look for no string are
// matched exactly: for a flag, a date or a number the client can say by itself
// what is near.
//
// The score of a string is the average of its words', in a body less than in a
// header; that of a message the average of its strings'.

// The scores of a word, by what it has in common with the one that was found.
const (
	scoreSame      = 100
	scoreBeginning = 70
	scoreStem      = 60
	scoreSlip      = 50
	scoreTwoSlips  = 30
)

// bodyShare is what a match in a body counts, of 100.
const bodyShare = 60

// The words of a string and their letters that are looked at; more add nothing.
const (
	maxWords   = 32
	maxLetters = 32
)

// maxFuzzyWords bounds the words that one program compares with every word of a
// text (RFC 6203 §8): strings beyond it are sought as they are.
const maxFuzzyWords = 4 * maxWords

func (c *compiler) fuzzyText(text string) *fuzzyText {
	f := newFuzzyText(text)
	if c.fuzzyWords += len(f.words); c.fuzzyWords > maxFuzzyWords {
		return &fuzzyText{}
	}
	return f
}

// fuzzyText is a string sought with FUZZY.
type fuzzyText struct{ words [][]rune }

func newFuzzyText(text string) *fuzzyText {
	f := &fuzzyText{}
	w := wordReader{}
	add := func(word []rune) {
		if len(f.words) < maxWords {
			f.words = append(f.words, slices.Clone(word))
		}
	}
	w.read([]byte(text), add)
	w.end(add)
	return f
}

// fuzzyFound is how well each word was found so far.
type fuzzyFound struct {
	best   [maxWords]uint8
	reader wordReader
}

// look looks for the words in a piece of text.
func (f *fuzzyText) look(found *fuzzyFound, text []byte) {
	found.reader.read(text, func(word []rune) { f.try(found, word) })
}

// end is called when a text is over: the next is of another field or part.
func (f *fuzzyText) end(found *fuzzyFound) {
	found.reader.end(func(word []rune) { f.try(found, word) })
}

func (f *fuzzyText) try(found *fuzzyFound, word []rune) {
	for i, sought := range f.words {
		if found.best[i] < scoreSame && sought[0] == word[0] {
			found.best[i] = max(found.best[i], likeness(sought, word))
		}
	}
}

// score is from 1 to 100; 0 if a word was not found, or there are none.
func (f *fuzzyText) score(found *fuzzyFound) uint8 {
	sum := 0
	for i := range f.words {
		if found.best[i] == 0 {
			return 0
		}
		sum += int(found.best[i])
	}
	return uint8(sum / max(len(f.words), 1))
}

// likeness is the score of a word for one that was sought, 0 if they have
// nothing to do with one another. Their first letters are the same.
func likeness(sought, word []rune) uint8 {
	common := 0
	for common < len(sought) && common < len(word) && sought[common] == word[common] {
		common++
	}
	switch {
	case common == len(sought) && common == len(word):
		return scoreSame
	case common == len(sought) && common >= 3:
		return scoreBeginning
	case common == len(word) && common >= max(4, len(sought)-3):
		return scoreStem
	}
	switch slips := slips(sought, word); {
	case slips == 1 && len(sought) >= 4:
		return scoreSlip
	case slips <= 2 && len(sought) >= 8:
		return scoreTwoSlips
	}
	return 0
}

// slips is the count of letters inserted, left out, changed or exchanged with
// the next one that makes b of a; 3 if more than 2.
func slips(a, b []rune) int {
	const many = 3
	if len(a)-len(b) >= many || len(b)-len(a) >= many {
		return many
	}
	var rows [3][maxLetters + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= many {
			return many
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], many)
}

// wordReader cuts text that comes in pieces into words, in large letters and
// without marks; of a long word it gives the beginning.
type wordReader struct {
	key  []byte
	word []rune // begun
}

func (w *wordReader) read(text []byte, fn func(word []rune)) {
	w.key = collate.UnicodeCasemap.AppendKey(w.key[:0], text)
	for i := 0; i < len(w.key); {
		r, n := utf8.DecodeRune(w.key[i:])
		i += n
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if len(w.word) < maxLetters {
				w.word = append(w.word, r)
			}
		case !unicode.IsMark(r):
			w.end(fn)
		}
	}
}

// end gives the word that text ended in.
func (w *wordReader) end(fn func(word []rune)) {
	if len(w.word) > 0 {
		fn(w.word)
		w.word = w.word[:0]
	}
}
