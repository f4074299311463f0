package imap

import "time"

// SearchReturn is a bit set of the return options of SEARCH and its kin (RFC
// 9051 §6.4.4, RFC 4731).
type SearchReturn uint16

const (
	ReturnMin SearchReturn = 1 << iota
	ReturnMax
	ReturnAll
	ReturnCount
	ReturnSave      // RFC 5182
	ReturnRelevancy // RFC 6203 §4
	ReturnPartial   // RFC 9394 §3.1; never together with ReturnAll
	ReturnContext   // RFC 5267 §4.2
	ReturnUpdate    // RFC 5267 §4.3

	// ReturnItems are those that ask for a data item in the answer.
	ReturnItems = ReturnMin | ReturnMax | ReturnAll | ReturnCount | ReturnPartial | ReturnRelevancy
)

// ReturnOptions is what RETURN (…) says, in SEARCH and its kin (RFC 4466 §2.6).
// RETURN () is ReturnAll.
type ReturnOptions struct {
	Return SearchReturn
	Window PartialRange // with ReturnPartial
	// Update is what ReturnUpdate asks of messages that come to be among the
	// results (RFC 5465 §7); nil for nothing.
	Update []FetchItem
}

// Search is SEARCH and UID SEARCH (RFC 9051 §6.4.4).
type Search struct {
	UID bool
	// Extended is set when RETURN was given, even as (), which makes the
	// answer an ESEARCH.
	Extended bool
	ReturnOptions
	// Charset is that of the strings in Key, upper case; "" when not given.
	// Strings are as sent; see MapStrings.
	Charset string
	Key     SearchKey
}

func (*Search) Name() string { return "SEARCH" }

// SearchOp is the kind of a search key.
type SearchOp uint8

const (
	SearchAll        SearchOp = iota + 1 // every message
	SearchAnd                            // all of Keys
	SearchOr                             // any of Keys
	SearchNot                            // not Keys[0]
	SearchSeq                            // message numbers in Set
	SearchUID                            // UIDs in Set
	SearchFlag                           // system flag Flag set (NEW and OLD are spelled out)
	SearchUnflag                         // system flag Flag not set
	SearchKeyword                        // keyword Text set
	SearchUnkeyword                      // keyword Text not set
	SearchBcc                            // Text in the BCC field of the envelope
	SearchCc                             // … CC
	SearchFrom                           // … FROM
	SearchTo                             // … TO
	SearchSubject                        // … SUBJECT
	SearchHeader                         // Text in a header field named Field; Text "" asks for presence
	SearchBody                           // Text in the body
	SearchText                           // Text in header or body
	SearchBefore                         // internal date before Date (time and zone disregarded)
	SearchOn                             // … on Date
	SearchSince                          // … on or after Date
	SearchSentBefore                     // the same for the Date header field
	SearchSentOn
	SearchSentSince
	SearchSavedBefore       // the same for the save date (RFC 8514)
	SearchSavedOn           //
	SearchSavedSince        //
	SearchSaveDateSupported // RFC 8514 §4.3
	SearchLarger            // RFC822.SIZE above Num octets
	SearchSmaller           // … below Num octets
	SearchOlder             // internal date Num or more seconds ago (RFC 5032)
	SearchYounger           // … Num seconds ago or less
	SearchModSeq            // mod-sequence Num or above (RFC 7162 §3.1.5)
	SearchEmailID           // EMAILID is Text (RFC 8474 §5.3)
	SearchThreadID          // THREADID is Text
	SearchFuzzy             // Keys[0], more or less (RFC 6203 §3)
	SearchFilter            // what the filter named Text holds (RFC 5466 §3.1)
)

// SearchKey is a search key and those below it. Which fields are used depends
// on Op.
type SearchKey struct {
	Op    SearchOp
	Keys  []SearchKey // of SearchAnd and SearchOr at least two
	Set   SeqSet
	Flag  SystemFlags
	Field string
	Text  string
	Date  time.Time // midnight UTC of the date meant
	Num   uint64    // at most 2^63-1
	// Entry and EntryType are those of MODSEQ, EntryType "" when not given,
	// else like "/flags/\\seen"; EntryType is "priv", "shared" or "all".
	Entry, EntryType string
}

// MapStrings replaces every string that Charset applies to (not keywords,
// field names or identifiers) by what decode makes of it, and stops at the
// first error.
func (s *Search) MapStrings(decode func(string) (string, error)) error {
	return s.Key.mapStrings(decode)
}

func (k *SearchKey) mapStrings(decode func(string) (string, error)) error {
	if k.Op >= SearchBcc && k.Op <= SearchText {
		text, err := decode(k.Text)
		if err != nil {
			return err
		}
		k.Text = text
	}
	for i := range k.Keys {
		if err := k.Keys[i].mapStrings(decode); err != nil {
			return err
		}
	}
	return nil
}
