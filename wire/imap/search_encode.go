package imap

import "strings"

func (s *Search) appendArgs(e *encoder) {
	s.appendOptions(e)
	if s.Charset != "" {
		e.raw(" CHARSET ")
		e.astring(s.Charset)
	}
	s.appendProgram(e)
}

func (s *Search) appendOptions(e *encoder) {
	if s.Extended {
		appendReturn(e, &s.ReturnOptions)
	}
}

func (s *Search) appendProgram(e *encoder) {
	e.sp()
	if s.Key.Op == SearchAnd {
		appendKeys(e, s.Key.Keys)
		return
	}
	appendKey(e, &s.Key)
}

// appendReturn appends RETURN with its options.
func appendReturn(e *encoder, o *ReturnOptions) {
	e.raw(" RETURN (")
	first := true
	for _, name := range [...]string{"MIN", "MAX", "ALL", "COUNT", "SAVE", "RELEVANCY", "PARTIAL", "CONTEXT", "UPDATE"} {
		if o.Return&searchReturns[name] == 0 {
			continue
		}
		if !first {
			e.sp()
		}
		first = false
		e.raw(name)
		if name == "PARTIAL" {
			e.sp()
			e.dst = appendPartialRange(e.dst, o.Window)
		}
		if name == "UPDATE" && o.Update != nil {
			appendFetchList(e, o.Update)
		}
	}
	e.raw(")")
}

func appendKeys(e *encoder, keys []SearchKey) {
	for i := range keys {
		if i > 0 {
			e.sp()
		}
		appendKey(e, &keys[i])
	}
}

// searchNames are the names of the keys that have one argument or none;
// SearchFlag and SearchUnflag are written by flagKeyName.
var searchNames = map[SearchOp]string{
	SearchAll: "ALL", SearchUID: "UID", SearchKeyword: "KEYWORD",
	SearchUnkeyword: "UNKEYWORD", SearchBcc: "BCC", SearchCc: "CC", SearchFrom: "FROM",
	SearchTo: "TO", SearchSubject: "SUBJECT", SearchHeader: "HEADER", SearchBody: "BODY",
	SearchText: "TEXT", SearchBefore: "BEFORE", SearchOn: "ON", SearchSince: "SINCE",
	SearchSentBefore: "SENTBEFORE", SearchSentOn: "SENTON", SearchSentSince: "SENTSINCE",
	SearchSavedBefore: "SAVEDBEFORE", SearchSavedOn: "SAVEDON", SearchSavedSince: "SAVEDSINCE",
	SearchSaveDateSupported: "SAVEDATESUPPORTED", SearchLarger: "LARGER",
	SearchSmaller: "SMALLER", SearchOlder: "OLDER", SearchYounger: "YOUNGER",
	SearchModSeq: "MODSEQ", SearchEmailID: "EMAILID", SearchThreadID: "THREADID",
	SearchNot: "NOT", SearchFuzzy: "FUZZY", SearchFilter: "FILTER",
}

func appendKey(e *encoder, k *SearchKey) {
	e.raw(searchNames[k.Op])
	switch k.Op {
	case SearchAnd:
		e.raw("(")
		appendKeys(e, k.Keys)
		e.raw(")")
	case SearchOr:
		appendOr(e, k.Keys)
	case SearchNot, SearchFuzzy:
		e.sp()
		appendKey(e, &k.Keys[0])
	case SearchSeq:
		e.dst = AppendSeqSet(e.dst, k.Set)
	case SearchUID:
		e.sp()
		e.dst = AppendSeqSet(e.dst, k.Set)
	case SearchFlag, SearchUnflag:
		e.raw(flagKeyName(k))
	case SearchKeyword, SearchUnkeyword, SearchEmailID, SearchThreadID, SearchFilter:
		e.sp()
		e.raw(k.Text)
	case SearchHeader:
		e.sp()
		e.astring(k.Field)
		e.sp()
		e.astring(k.Text)
	case SearchBcc, SearchCc, SearchFrom, SearchTo, SearchSubject, SearchBody, SearchText:
		e.sp()
		e.astring(k.Text)
	case SearchLarger, SearchSmaller, SearchOlder, SearchYounger:
		e.sp()
		e.uint(k.Num)
	case SearchModSeq:
		e.sp()
		if k.EntryType != "" {
			e.dst = AppendString(e.dst, k.Entry, true)
			e.raw(" " + k.EntryType + " ")
		}
		e.uint(k.Num)
	case SearchBefore, SearchOn, SearchSince, SearchSentBefore, SearchSentOn, SearchSentSince,
		SearchSavedBefore, SearchSavedOn, SearchSavedSince:
		e.sp()
		e.dst = AppendDate(e.dst, k.Date)
	}
}

// appendOr writes alternatives as OR a OR b c.
func appendOr(e *encoder, keys []SearchKey) {
	for i := range keys {
		if i < len(keys)-1 {
			e.raw("OR ")
		}
		appendKey(e, &keys[i])
		if i < len(keys)-1 {
			e.sp()
		}
	}
}

// flagKeyName is "SEEN", "UNSEEN" and so on. The opposite of RECENT is OLD.
func flagKeyName(k *SearchKey) string {
	for i, name := range systemFlagNames {
		if k.Flag != 1<<i {
			continue
		}
		if k.Op == SearchUnflag {
			if k.Flag == FlagRecent {
				return "OLD"
			}
			return "UN" + strings.ToUpper(name[1:])
		}
		return strings.ToUpper(name[1:])
	}
	return ""
}
