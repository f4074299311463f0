package imap

import "time"

// Response is one response of a server: one of the types of this file.
type Response interface{ response() }

// StatusResponse is OK, NO, BAD, BYE or PREAUTH.
type StatusResponse struct {
	Tag  string // "*" when untagged
	Kind StatusKind
	Code Code // nil when there is none
	Text string
}

// ContinueResponse is a continuation request; Text is what follows "+ ".
type ContinueResponse struct{ Text string }

// Responses that say one thing.
type (
	CapabilityResponse struct{ Names []string }
	EnabledResponse    struct{ Names []string }
	FlagsResponse      struct{ Flags FlagList }
	ExistsResponse     struct{ Messages uint32 }
	RecentResponse     struct{ Messages uint32 } // RFC 3501
	ExpungeResponse    struct{ Seq uint32 }
	// VanishedResponse is VANISHED (RFC 7162 §3.2.10).
	VanishedResponse struct {
		Earlier bool
		UIDs    NumSet
	}
	IDResponse   struct{ Params []IDParam }
	ListResponse struct {
		ListData
		Lsub bool // LSUB rather than LIST
	}
	// SearchResponse is ESEARCH, or SEARCH, which has All and ModSeq only.
	SearchResponse struct {
		SearchData
		Extended bool // ESEARCH
	}
	// NamespaceResponse is NAMESPACE; nil for NIL.
	NamespaceResponse struct{ Personal, Others, Shared []NamespaceDescr }
	// OtherResponse is untagged data without a type here.
	OtherResponse struct {
		Number uint32 // before the name, 0 if there is none
		Name   string // upper case
		Rest   string // as sent
	}
)

// StatusDataResponse is STATUS. Items says which fields were sent.
type StatusDataResponse struct {
	Mailbox              string
	Items                StatusItems
	Messages, Recent     uint32
	UIDNext, UIDValidity uint32
	Unseen, Deleted      uint32
	Size                 int64 // octets
	HighestModSeq        uint64
	MailboxID            string
	AppendLimit          int64 // octets; -1 for NIL, no limit
	DeletedStorage       int64 // octets
}

// FetchResponse is FETCH, or UIDFETCH (RFC 9586 §3.3). What was not sent is
// zero or nil.
type FetchResponse struct {
	Seq          uint32 // 0: UIDFETCH
	UID          uint32
	Flags        *FlagList
	InternalDate time.Time
	Size         NNumber // RFC822.SIZE
	ModSeq       uint64
	EmailID      string
	ThreadID     NString    // not Valid when NIL, too
	SaveDate     *time.Time // zero time for NIL
	Preview      *NString
	Envelope     *Envelope
	// Body and BodyStructure are the items of these names.
	Body, BodyStructure *BodyStructure
	Sections            []FetchSectionData
}

// FetchSectionData is BODY[…], BINARY[…], BINARY.SIZE[…] or an RFC822 form.
type FetchSectionData struct {
	Kind    FetchKind
	Section Section
	// Origin is the offset of a partial answer, -1 if it is not partial.
	Origin int64
	Null   bool
	// Literal has the octets, or its Sink tells the number of the literal
	// that went to ResponseReader.OnLiteral; for BINARY.SIZE only Size.
	Literal Literal
}

// NString is a string or NIL.
type NString struct {
	Value string
	Valid bool // not NIL
}

// NNumber is a number or nothing.
type NNumber struct {
	Value int64
	Valid bool
}

func (*StatusResponse) response()     {}
func (*ContinueResponse) response()   {}
func (*CapabilityResponse) response() {}
func (*EnabledResponse) response()    {}
func (*FlagsResponse) response()      {}
func (*ExistsResponse) response()     {}
func (*RecentResponse) response()     {}
func (*ExpungeResponse) response()    {}
func (*VanishedResponse) response()   {}
func (*IDResponse) response()         {}
func (*ListResponse) response()       {}
func (*SearchResponse) response()     {}
func (*NamespaceResponse) response()  {}
func (*OtherResponse) response()      {}
func (*StatusDataResponse) response() {}
func (*FetchResponse) response()      {}
