package textindex

import (
	"strings"
	"unicode/utf8"

	"citron/wire/imap"
)

// maxSpans is how many terms of a string are looked up; beyond that, more tell
// hardly more.
const maxSpans = 8

// Query is what a text key asks of the index: an object is a candidate if it
// has all terms of one of the alternatives.
type Query struct {
	alternatives []alternative
}

type alternative struct {
	tag   Tag
	spans []span // with their tag
}

// QueryFor gives the query of a text key, whose string is UTF-8; false if the
// index cannot help: any other key, or a string too short.
func QueryFor(k *imap.SearchKey) (Query, bool) {
	switch k.Op {
	case imap.SearchBody:
		return query(k.Text, Body)
	case imap.SearchText:
		return query(k.Text, Body, Header)
	case imap.SearchFrom:
		return query(k.Text, From)
	case imap.SearchTo:
		return query(k.Text, To)
	case imap.SearchCc:
		return query(k.Text, Cc)
	case imap.SearchBcc:
		return query(k.Text, Bcc)
	case imap.SearchSubject:
		return query(k.Text, Subject)
	case imap.SearchHeader:
		return headerQuery(k)
	}
	return Query{}, false
}

// headerQuery is that of HEADER: the field's name is among the terms, too.
func headerQuery(k *imap.SearchKey) (Query, bool) {
	tag := tagOf(k.Field)
	if !utf8.ValidString(k.Text) {
		return Query{}, false
	}
	spans := pick(needleSpans(k.Text))
	if tag == Header && isASCII(k.Field) {
		spans = append(spans, pick(needleSpans(k.Field+": "))...)
	}
	return Query{[]alternative{{tag, tagged(tag, spans)}}}, len(spans) > 0
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 128 }) < 0
}

func query(needle string, tags ...Tag) (q Query, ok bool) {
	if !utf8.ValidString(needle) {
		return q, false // its characters need not be those of the text
	}
	spans := pick(needleSpans(needle))
	for _, tag := range tags {
		q.alternatives = append(q.alternatives, alternative{tag, tagged(tag, spans)})
	}
	return q, len(spans) > 0
}

// pick takes some of many, evenly.
func pick(spans []span) []span {
	if len(spans) <= maxSpans {
		return spans
	}
	some := make([]span, maxSpans)
	for i := range some {
		some[i] = spans[i*(len(spans)-1)/(maxSpans-1)]
	}
	return some
}

func tagged(tag Tag, spans []span) []span {
	all := make([]span, len(spans))
	for i, s := range spans {
		all[i] = span{uint64(tag.term(s.from)), uint64(tag.term(s.to))}
	}
	return all
}

// Lookup is terms From … To, whose blocks a query needs of each segment: those
// that begin there and the last one that begins before.
type Lookup struct{ From, To Term }

// Lookups gives what is to be read, in the order in which Match wants it.
func (q Query) Lookups() (all []Lookup) {
	for _, a := range q.alternatives {
		all = append(all, Lookup{a.tag.wild(), a.tag.wild()})
		for _, s := range a.spans {
			all = append(all, Lookup{Term(s.from), Term(s.to)})
		}
	}
	return all
}

// Match adds to found the candidates of one segment, whose blocks are given for
// each lookup.
func (q Query) Match(blocks [][]Block, found *Bits) error {
	for _, a := range q.alternatives {
		var candidates, some Bits
		for i, s := range a.spans {
			some = Bits{}
			if err := collect(blocks[i+1], s, &some); err != nil {
				return err
			}
			if i == 0 {
				candidates = some
			} else {
				candidates.and(&some)
			}
		}
		found.or(&candidates)
		wild := uint64(a.tag.wild())
		if err := collect(blocks[0], span{wild, wild}, found); err != nil {
			return err
		}
		blocks = blocks[len(a.spans)+1:]
	}
	return nil
}

// collect adds the objects of all terms of a span.
func collect(blocks []Block, s span, found *Bits) error {
	for _, b := range blocks {
		var r blockReader
		if err := r.open(b.First, b.Bytes); err != nil {
			return err
		}
		for {
			more, err := r.next()
			if err != nil {
				return err
			}
			if !more || uint64(r.term) > s.to {
				break
			}
			if uint64(r.term) < s.from {
				continue
			}
			if err := r.posting.addTo(found); err != nil {
				return err
			}
		}
	}
	return nil
}
