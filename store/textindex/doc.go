// Package textindex is the search index of an account: which of its messages
// can hold a string at all. It is pure: what to write and how to read it;
// store/account keeps it, as derived data beside the mail.
//
// # What is indexed
//
// Everything that the text keys of package mail/search look at, shown by the
// same search.Walker: bodies of text parts, every header field of every part,
// and once more the values of From, To, Cc, Bcc and Subject.
//
// Text is folded (fold.go) further than any comparator of SEARCH folds: case
// and combining marks go, compatibility forms are decomposed, what is neither
// letter nor digit is a boundary between words. Folding works character by
// character, so what is a substring before is one after.
//
// A term (term.go) is made of four letters from each place of a word, or the
// last three and its end; of Chinese and Japanese, of two characters. Four
// letters tell messages of some length much better apart than three do, and
// because terms are sorted, a string of three is still found, as a range. A
// term depends only on the characters it covers and on the boundary after
// them: so the terms of a string, but for those at its ends that another
// letter could continue, are among the terms of every text that holds it.
// Hence the one invariant: the index never misses a message that a scan would
// find. What it finds beyond that the scan of the candidates sorts out.
//
// # How it is kept
//
// Objects are numbered as they arrive; 65,536 numbers are a window. A batch of
// objects of one window becomes a segment (builder.go): its terms in order,
// each with a posting, the objects that have it, as offsets into the window;
// packed into blocks of about 16 KB. Segments of a window that are alike in
// size are merged eight at a time (merge.go), so that a window ends as one or
// a few, and an object is written as often as its window grew eightfold.
package textindex

// Format is the version of folding, terms and blocks. An index of another one
// is built anew.
const Format = 1
