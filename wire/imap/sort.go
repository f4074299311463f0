package imap

import "slices"

// SortKey is what messages are sorted by.
type SortKey uint8

const (
	SortArrival     SortKey = iota + 1 // internal date and time (RFC 5256 §3)
	SortCc                             // mailbox of the first Cc address
	SortDate                           // sent date (RFC 5256 §2.2)
	SortFrom                           // mailbox of the first From address
	SortSize                           // RFC822.SIZE
	SortSubject                        // base subject (RFC 5256 §2.1)
	SortTo                             // mailbox of the first To address
	SortDisplayFrom                    // name of the first From address (RFC 5957)
	SortDisplayTo                      // name of the first To address (RFC 5957)
	SortRelevancy                      // relevancy, the highest first (RFC 6203 §6)
)

// sortKeyNames is indexed by SortKey.
var sortKeyNames = [...]string{"", "ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO",
	"DISPLAYFROM", "DISPLAYTO", "RELEVANCY"}

// String is the atom sent.
func (k SortKey) String() string { return sortKeyNames[k] }

// maxSortCriteria bounds the criteria of one SORT. There are ten keys, and a
// second use of one decides nothing.
const maxSortCriteria = 32

// SortCriterion is a key of SORT, perhaps in descending order.
type SortCriterion struct {
	Key     SortKey
	Reverse bool
}

// Sort is SORT and UID SORT (RFC 5256 §3), with RETURN as in Search (RFC 5267
// §3). Charset is never empty.
type Sort struct {
	Search
	Criteria []SortCriterion // 1 to 32
}

// Thread is THREAD and UID THREAD (RFC 5256 §3). It has no RETURN, and Charset
// is never empty.
type Thread struct {
	Search
	Algorithm string // upper case, such as "REFERENCES"
}

func (*Sort) Name() string   { return "SORT" }
func (*Thread) Name() string { return "THREAD" }

// extended-sort = ["UID" SP] "SORT" search-return-opts SP sort-criteria SP
// search-criteria
func parseSort(c *cursor) (Command, error) {
	s := &Sort{Search: Search{UID: c.uid}}
	c.sp()
	if c.takeWord("RETURN") {
		c.sp()
		s.Extended, s.ReturnOptions = true, c.returnOptions()
		c.sp()
	}
	c.list(func() {
		if len(s.Criteria) == maxSortCriteria {
			c.failKind(TooLarge, c.pos, "too many sort criteria")
			return
		}
		s.Criteria = append(s.Criteria, c.sortCriterion())
	})
	parseSearchCriteria(c, &s.Search)
	return s, c.err
}

// sort-criterion = ["REVERSE" SP] sort-key
func (c *cursor) sortCriterion() (k SortCriterion) {
	if k.Reverse = c.takeWord("REVERSE"); k.Reverse {
		c.sp()
	}
	at := c.pos
	name := c.upperAtom()
	if k.Key = SortKey(max(slices.Index(sortKeyNames[:], name), 0)); k.Key == 0 {
		c.failAt(at, "unknown sort key")
	}
	return k
}

// thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria
func parseThread(c *cursor) (Command, error) {
	t := &Thread{Search: Search{UID: c.uid}}
	c.sp()
	t.Algorithm = c.upperAtom()
	parseSearchCriteria(c, &t.Search)
	return t, c.err
}

// SP search-criteria, which is charset 1*(SP search-key)
func parseSearchCriteria(c *cursor, s *Search) {
	c.sp()
	at := c.pos
	if s.Charset = upper(c.astringBytes(classAString)); s.Charset == "" {
		c.failAt(at, "a charset has a name")
	}
	c.sp()
	parseProgram(c, s)
}

func (s *Sort) appendArgs(e *encoder) {
	s.appendOptions(e)
	e.raw(" (")
	for i, k := range s.Criteria {
		if i > 0 {
			e.sp()
		}
		if k.Reverse {
			e.raw("REVERSE ")
		}
		e.raw(k.Key.String())
	}
	e.raw(") ")
	s.appendCriteria(e)
}

func (t *Thread) appendArgs(e *encoder) {
	e.sp()
	e.raw(t.Algorithm)
	e.sp()
	t.appendCriteria(e)
}

func (s *Search) appendCriteria(e *encoder) {
	e.astring(s.Charset)
	s.appendProgram(e)
}
