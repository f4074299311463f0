package imap_test

import (
	"slices"
	"strings"
	"testing"

	"citron/wire/imap"

	"github.com/google/go-cmp/cmp"
)

// sortCommands has the examples of RFC 5256, 5267 §3.3, 6203 and 5255 §4.7.
var sortCommands = []string{
	"A282 SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994",
	"A283 SORT (SUBJECT REVERSE DATE) UTF-8 ALL",
	`A284 SORT (SUBJECT) US-ASCII TEXT "not in mailbox"`,
	"A283 THREAD ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000",
	`A284 THREAD ORDEREDSUBJECT US-ASCII TEXT "gewp"`,
	"A285 THREAD REFERENCES UTF-8 SINCE 5-MAR-2000",
	"E01 UID SORT RETURN () (REVERSE DATE) UTF-8 UNDELETED UNKEYWORD $Junk",
	"a UID THREAD X-NEW utf-8 (SEEN)",
	`a SORT RETURN (MIN MAX COUNT SAVE) (ARRIVAL CC DATE FROM SIZE SUBJECT TO REVERSE DISPLAYFROM DISPLAYTO) "UTF-8" $`,
	`A1 SEARCH FUZZY (SUBJECT "IMAP break")`,
	"A2 SEARCH FUZZY SUBJECT work FROM user@example.com",
	`B1 SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT "Helo"`,
	`C1 SORT (RELEVANCY) UTF-8 FUZZY SUBJECT "Helo"`,
	`C2 SORT RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY TEXT "Helo"`,
	`A001 COMPARATOR "cz;*" i;basic`,
	"a COMPARATOR",
	`a COMPARATOR i;* default "" {3+}` + "\r\nabc",
}

func TestParseSort(t *testing.T) {
	subject := []imap.SortCriterion{{Key: imap.SortSubject}, {Key: imap.SortDate, Reverse: true}}
	for text, want := range map[string]imap.Command{
		sortCommands[1]: &imap.Sort{Search: imap.Search{Charset: "UTF-8", Key: key(imap.SearchAll)}, Criteria: subject},
		"a UID SORT RETURN (RELEVANCY) (relevancy) us-ascii FUZZY ALL": &imap.Sort{
			Search: imap.Search{UID: true, Extended: true, ReturnOptions: returns(imap.ReturnRelevancy), Charset: "US-ASCII",
				Key: imap.SearchKey{Op: imap.SearchFuzzy, Keys: []imap.SearchKey{key(imap.SearchAll)}}},
			Criteria: []imap.SortCriterion{{Key: imap.SortRelevancy}}},
		sortCommands[7]: &imap.Thread{Algorithm: "X-NEW", Search: imap.Search{
			UID: true, Charset: "UTF-8", Key: flagKey(imap.SearchFlag, imap.FlagSeen)}},
		sortCommands[14]: &imap.Comparator{Orders: []string{"cz;*", "i;basic"}},
	} {
		_, got, err := parse(t, false, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestParseSortErrors(t *testing.T) {
	for text, want := range map[string]imap.ErrorKind{
		"a SORT":                               imap.BadSyntax,
		"a SORT (DATE)":                        imap.BadSyntax,
		"a SORT (DATE) UTF-8":                  imap.BadSyntax,
		"a SORT () UTF-8 ALL":                  imap.BadSyntax,
		"a SORT DATE UTF-8 ALL":                imap.BadSyntax,
		"a SORT (FOO) UTF-8 ALL":               imap.BadSyntax,
		"a SORT (REVERSE) UTF-8 ALL":           imap.BadSyntax,
		"a SORT (REVERSE REVERSE CC) x ALL":    imap.BadSyntax,
		`a SORT (DATE) "" ALL`:                 imap.BadSyntax,
		"a SORT (DATE) CHARSET UTF-8":          imap.BadSyntax,
		"a SORT RETURN (FOO) (DATE) UTF-8 ALL": imap.BadSyntax,
		"a THREAD (REFERENCES) UTF-8 ALL":      imap.BadSyntax,
		"a THREAD REFERENCES ALL":              imap.BadSyntax,
		"a COMPARATOR ":                        imap.BadSyntax,
		"a SEARCH FUZZY":                       imap.BadSyntax,
		"a SORT (" + strings.Repeat("DATE ", 40) + "CC) UTF-8 ALL":        imap.TooLarge,
		"a COMPARATOR" + strings.Repeat(" x", 101):                        imap.TooLarge,
		"a SEARCH " + strings.Repeat("FUZZY ", 600) + "SEEN":              imap.TooLarge,
		"a THREAD REFERENCES x " + strings.Repeat("SEEN ", 6000) + "SEEN": imap.TooLarge,
	} {
		_, _, err := parse(t, false, text)
		if e, ok := err.(*imap.Error); !ok || e.Kind != want {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

// sortResponses has the examples of RFC 5256 §4, 5255, 5267 §3.3 and 6203.
var sortResponses = []struct {
	text string
	want imap.Response
}{
	{"* SORT 2 84 882", &imap.SortResponse{Numbers: []uint32{2, 84, 882}}},
	{"* SORT 5 3 4 1 2 (MODSEQ 9)", &imap.SortResponse{Numbers: []uint32{5, 3, 4, 1, 2}, ModSeq: 9}},
	{"* SORT", &imap.SortResponse{}},
	{"* THREAD", &imap.ThreadResponse{}},
	{"* THREAD (2)(3 6 (4 23)(44 7 96))", &imap.ThreadResponse{Members: []imap.ThreadMember{
		{Num: 2}, {Num: 3}, {Num: 6, Depth: 1}, {Num: 4, Depth: 2, Fork: true}, {Num: 23, Depth: 3},
		{Num: 44, Depth: 2, Fork: true}, {Num: 7, Depth: 3}, {Num: 96, Depth: 4}}}},
	{"* THREAD ((3)(5))", &imap.ThreadResponse{Members: []imap.ThreadMember{{}, {Num: 3, Depth: 1, Fork: true}, {Num: 5, Depth: 1, Fork: true}}}},
	{"* ESEARCH (TAG \"E01\") UID ALL 23765,23764,23763,23761", &imap.SearchResponse{Extended: true, SearchData: imap.SearchData{
		Tag: "E01", UID: true, Return: imap.ReturnAll, Sorted: ranges(23765, 23765, 23764, 23764, 23763, 23763, 23761, 23761)}}},
	{`* ESEARCH (TAG "B1") ALL 1,5,10 RELEVANCY (4 99 42)`, &imap.SearchResponse{Extended: true, SearchData: imap.SearchData{
		Tag: "B1", Return: imap.ReturnAll | imap.ReturnRelevancy, All: ranges(1, 1, 5, 5, 10, 10), Relevancy: []uint8{4, 99, 42}}}},
	{`* ESEARCH (TAG "C2") ALL 5,10:12,1 RELEVANCY ()`, &imap.SearchResponse{Extended: true, SearchData: imap.SearchData{
		Tag: "C2", Return: imap.ReturnAll | imap.ReturnRelevancy, Sorted: ranges(5, 5, 10, 12, 1, 1), Relevancy: []uint8{}}}},
	{"* COMPARATOR i;basic", &imap.ComparatorResponse{Active: "i;basic"}},
	{`* COMPARATOR i;unicode-casemap (i;unicode-casemap "i;octet")`, &imap.ComparatorResponse{
		Active: "i;unicode-casemap", Matching: []string{"i;unicode-casemap", "i;octet"}}},
	{"a NO [BADCOMPARATOR] x", status("a", imap.NO, imap.CodeBadComparator, "x")},
}

// Nothing of a thread's depth is on the stack.
func TestDeepThread(t *testing.T) {
	const depth = 200000
	text := "* THREAD " + strings.Repeat("(1 ", depth) + "(2)(3)" + strings.Repeat(")", depth) + "\r\n"
	reader := imap.NewResponseReader(strings.NewReader(text))
	r, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := write(t, r, false); string(out) != text {
		t.Errorf("%d octets became %d", len(text), len(out))
	}
	for _, wrong := range []string{"()", "(1", "1", "(1))", "( 1)", "(0)", "(x)"} {
		if r, err := imap.NewResponseReader(strings.NewReader("* THREAD " + wrong + "\r\n")).Next(); err == nil {
			t.Errorf("%s: %v", wrong, r)
		}
	}
}

func TestSortedNumbers(t *testing.T) {
	d := imap.SearchData{All: ranges(1, 3)}
	if got := slices.Collect(d.Numbers()); !slices.Equal(got, []uint32{1, 2, 3}) {
		t.Error(got)
	}
	d.Sorted = imap.AppendSorted(imap.AppendSorted(ranges(5, 6), imap.Range{From: 7, To: 7}), imap.Range{From: 2, To: 2})
	if got := slices.Collect(d.Numbers()); !slices.Equal(got, []uint32{5, 6, 7, 2}) || len(d.Sorted) != 2 {
		t.Error(got, d.Sorted)
	}
}
