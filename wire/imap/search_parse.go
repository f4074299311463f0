package imap

import "math"

// searchArg says which argument a search key takes.
type searchArg uint8

const (
	argNone searchArg = iota
	argText
	argHeader
	argKeyword
	argDate
	argNumber64
	argInterval
	argUIDSet
	argModSeq
	argObjectID
	argNot // one key
	argFilter
	argOr
)

// searchForms are the search keys, by name in upper case.
var searchForms = map[string]struct {
	op   SearchOp
	arg  searchArg
	flag SystemFlags
}{
	"ALL":               {SearchAll, argNone, 0},
	"ANSWERED":          {SearchFlag, argNone, FlagAnswered},
	"BCC":               {SearchBcc, argText, 0},
	"BEFORE":            {SearchBefore, argDate, 0},
	"BODY":              {SearchBody, argText, 0},
	"CC":                {SearchCc, argText, 0},
	"DELETED":           {SearchFlag, argNone, FlagDeleted},
	"DRAFT":             {SearchFlag, argNone, FlagDraft},
	"EMAILID":           {SearchEmailID, argObjectID, 0},
	"FILTER":            {SearchFilter, argFilter, 0},
	"FLAGGED":           {SearchFlag, argNone, FlagFlagged},
	"FUZZY":             {SearchFuzzy, argNot, 0},
	"FROM":              {SearchFrom, argText, 0},
	"HEADER":            {SearchHeader, argHeader, 0},
	"KEYWORD":           {SearchKeyword, argKeyword, 0},
	"LARGER":            {SearchLarger, argNumber64, 0},
	"MODSEQ":            {SearchModSeq, argModSeq, 0},
	"NOT":               {SearchNot, argNot, 0},
	"OLD":               {SearchUnflag, argNone, FlagRecent},
	"OLDER":             {SearchOlder, argInterval, 0},
	"ON":                {SearchOn, argDate, 0},
	"OR":                {SearchOr, argOr, 0},
	"RECENT":            {SearchFlag, argNone, FlagRecent},
	"SAVEDATESUPPORTED": {SearchSaveDateSupported, argNone, 0},
	"SAVEDBEFORE":       {SearchSavedBefore, argDate, 0},
	"SAVEDON":           {SearchSavedOn, argDate, 0},
	"SAVEDSINCE":        {SearchSavedSince, argDate, 0},
	"SEEN":              {SearchFlag, argNone, FlagSeen},
	"SENTBEFORE":        {SearchSentBefore, argDate, 0},
	"SENTON":            {SearchSentOn, argDate, 0},
	"SENTSINCE":         {SearchSentSince, argDate, 0},
	"SINCE":             {SearchSince, argDate, 0},
	"SMALLER":           {SearchSmaller, argNumber64, 0},
	"SUBJECT":           {SearchSubject, argText, 0},
	"TEXT":              {SearchText, argText, 0},
	"THREADID":          {SearchThreadID, argObjectID, 0},
	"TO":                {SearchTo, argText, 0},
	"UID":               {SearchUID, argUIDSet, 0},
	"UNANSWERED":        {SearchUnflag, argNone, FlagAnswered},
	"UNDELETED":         {SearchUnflag, argNone, FlagDeleted},
	"UNDRAFT":           {SearchUnflag, argNone, FlagDraft},
	"UNFLAGGED":         {SearchUnflag, argNone, FlagFlagged},
	"UNKEYWORD":         {SearchUnkeyword, argKeyword, 0},
	"UNSEEN":            {SearchUnflag, argNone, FlagSeen},
	"YOUNGER":           {SearchYounger, argInterval, 0},
}

// searchReturns are the search-return-opt of RFC 4466 §2.6, by name.
var searchReturns = map[string]SearchReturn{
	"MIN": ReturnMin, "MAX": ReturnMax, "ALL": ReturnAll, "COUNT": ReturnCount,
	"SAVE": ReturnSave, "RELEVANCY": ReturnRelevancy, "PARTIAL": ReturnPartial,
	"CONTEXT": ReturnContext, "UPDATE": ReturnUpdate,
}

// searchParser holds the bounds while one program is parsed.
type searchParser struct {
	*cursor
	depth, keys int
}

// search = "SEARCH" [SP "RETURN" SP "(" … ")"] SP search-program
func parseSearch(c *cursor) (Command, error) {
	s := &Search{UID: c.uid}
	c.sp()
	parseSearchArgs(c, s)
	return s, c.err
}

// parseSearchArgs takes return options, charset and program.
func parseSearchArgs(c *cursor, s *Search) {
	if c.takeWord("RETURN") {
		c.sp()
		s.Extended, s.ReturnOptions = true, c.returnOptions()
		c.sp()
	}
	if c.takeWord("CHARSET") {
		c.sp()
		s.Charset = upper(c.astringBytes(classAString))
		c.sp()
	}
	parseProgram(c, s)
}

// search-key *(SP search-key)
func parseProgram(c *cursor, s *Search) {
	p := &searchParser{cursor: c}
	s.Key = and(p.program())
}

// takeWord takes an atom if it is next, in any case.
func (c *cursor) takeWord(word string) bool {
	end := c.pos + len(word)
	if c.err != nil || end >= len(c.buf) || c.buf[end] != ' ' ||
		!equalUpper(c.buf[c.pos:end], word) {
		return false
	}
	c.pos = end
	return true
}

// search-return-opts is what follows RETURN: "(" [search-return-opt *(SP
// search-return-opt)] ")"
func (c *cursor) returnOptions() (o ReturnOptions) {
	start := c.pos
	c.listOrEmpty(func() {
		at := c.pos
		bit, ok := searchReturns[c.upperAtom()]
		switch {
		case !ok:
			c.failAt(at, "unknown return option")
		case bit == ReturnPartial && o.Return&ReturnPartial != 0:
			c.failAt(at, "PARTIAL is allowed once")
		case bit == ReturnPartial:
			c.sp()
			o.Window = c.partialRange()
		case bit == ReturnUpdate && c.peek() == ' ' && c.peekAt(1) == '(':
			c.sp()
			o.Update = nil
			c.list(func() { o.Update = append(o.Update, parseFetchItem(c, c.fetchName())) })
		}
		o.Return |= bit
	})
	switch {
	case o.Return == 0:
		o.Return = ReturnAll
	case o.Return&ReturnAll != 0 && o.Return&ReturnPartial != 0: // RFC 9394 §3.1
		c.failAt(start, "either ALL or PARTIAL, please")
	}
	return o
}

// program is search-key *(SP search-key) up to the end or a ")".
func (p *searchParser) program() (keys []SearchKey) {
	for p.ok() {
		keys = append(keys, p.key())
		if p.atEnd() || p.peek() == ')' {
			break
		}
		p.sp()
	}
	return keys
}

// and joins keys, all of which must hold; a single one is itself.
func and(keys []SearchKey) SearchKey {
	if len(keys) == 1 {
		return keys[0]
	}
	return SearchKey{Op: SearchAnd, Keys: keys}
}

// key is one search-key. Keys nest by "(", NOT, FUZZY and OR only, at most
// maxSearchDepth deep.
func (p *searchParser) key() (k SearchKey) {
	if p.keys++; p.keys > maxSearchKeys {
		p.failKind(TooLarge, p.pos, "too many search keys")
	}
	if p.depth++; p.depth > maxSearchDepth {
		p.failKind(TooLarge, p.pos, "search keys nested too deep")
	}
	defer func() { p.depth-- }()
	if !p.ok() {
		return k
	}
	switch b := p.peek(); {
	case b == '(':
		p.expect('(')
		k = and(p.program())
		p.expect(')')
	case b == '*' || b == '$' || isDigit(b):
		k = SearchKey{Op: SearchSeq, Set: p.seqSet()}
	default:
		k = p.named()
	}
	return k
}

func (p *searchParser) named() (k SearchKey) {
	at := p.pos
	name := p.atom()
	if equalUpper(name, "NEW") {
		return SearchKey{Op: SearchAnd, Keys: []SearchKey{
			{Op: SearchFlag, Flag: FlagRecent}, {Op: SearchUnflag, Flag: FlagSeen},
		}}
	}
	form, known := lookup(searchForms, name)
	if !known {
		p.failAt(at, "unknown search key")
		return k
	}
	k.Op, k.Flag = form.op, form.flag
	if form.arg != argNone {
		p.sp()
		p.argument(&k, form.arg)
	}
	return k
}

// argument takes what follows the name of a key.
func (p *searchParser) argument(k *SearchKey, arg searchArg) {
	switch arg {
	case argText:
		k.Text = p.astring()
	case argHeader:
		k.Field = p.astring()
		p.sp()
		k.Text = p.astring()
	case argKeyword:
		k.Text = string(p.atom())
	case argDate:
		k.Date = p.date()
	case argNumber64:
		k.Num = p.digits(math.MaxInt64)
	case argInterval:
		k.Num = uint64(p.nzNumber())
	case argUIDSet:
		k.Set = p.seqSet()
	case argModSeq:
		p.modSeqKey(k)
	case argObjectID:
		k.Text = p.objectID()
	case argFilter:
		k.Text = p.filterName()
	case argNot:
		k.Keys = []SearchKey{p.key()}
	case argOr:
		p.orKey(k)
	}
}

// "OR" SP search-key SP search-key. OR of ORs becomes one key with many
// alternatives; the usual chain OR a OR b OR c … costs no depth.
func (p *searchParser) orKey(k *SearchKey) {
	for {
		k.addAlternative(p.key())
		p.sp()
		if !p.takeWord("OR") {
			break
		}
		p.sp()
	}
	k.addAlternative(p.key())
}

func (k *SearchKey) addAlternative(a SearchKey) {
	if a.Op == SearchOr {
		k.Keys = append(k.Keys, a.Keys...)
	} else {
		k.Keys = append(k.Keys, a)
	}
}

// "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer
func (p *searchParser) modSeqKey(k *SearchKey) {
	if p.peek() == '"' {
		at := p.pos
		if k.Entry = p.str(); k.Entry == "" {
			p.failAt(at, "the name of an entry is empty")
		}
		p.sp()
		at = p.pos
		switch name := p.upperAtom(); name {
		case "PRIV":
			k.EntryType = "priv"
		case "SHARED":
			k.EntryType = "shared"
		case "ALL":
			k.EntryType = "all"
		default:
			p.failAt(at, "expected priv, shared or all")
		}
		p.sp()
	}
	k.Num = p.modSeq(0)
}

// objectid = 1*255(ALPHA / DIGIT / "_" / "-") (RFC 8474 §7)
func (c *cursor) objectID() string {
	at := c.pos
	id := c.atom()
	for _, b := range id {
		if !isDigit(b) && b|0x20 < 'a' || b|0x20 > 'z' && b != '_' || len(id) > 255 {
			if b != '-' {
				c.failAt(at, "not an object identifier")
				break
			}
		}
	}
	return string(id)
}
