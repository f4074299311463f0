package imap

// FetchKind is the kind of a data item of FETCH.
type FetchKind uint8

const (
	FetchFlags FetchKind = iota + 1
	FetchUID
	FetchInternalDate
	FetchSize          // RFC822.SIZE
	FetchEnvelope      // ENVELOPE
	FetchBody          // BODY without a section: BODYSTRUCTURE without extension data
	FetchBodyStructure // BODYSTRUCTURE
	FetchSection       // BODY[…], BODY.PEEK[…]
	FetchRFC822        // RFC822, the same as BODY[] (RFC 3501 §6.4.5)
	FetchRFC822Header  // RFC822.HEADER, the same as BODY.PEEK[HEADER]
	FetchRFC822Text    // RFC822.TEXT, the same as BODY[TEXT]
	FetchBinary        // BINARY[…], BINARY.PEEK[…] (RFC 3516)
	FetchBinarySize    // BINARY.SIZE[…]
	FetchModSeq        // RFC 7162 §3.1.4.2
	FetchEmailID       // RFC 8474 §5.1
	FetchThreadID      // RFC 8474 §5.2
	FetchSaveDate      // RFC 8514 §4.2
	FetchPreview       // RFC 8970 §3.1
)

// fetchNames is indexed by FetchKind.
var fetchNames = [...]string{
	FetchFlags: "FLAGS", FetchUID: "UID", FetchInternalDate: "INTERNALDATE",
	FetchSize: "RFC822.SIZE", FetchEnvelope: "ENVELOPE", FetchBody: "BODY",
	FetchBodyStructure: "BODYSTRUCTURE", FetchSection: "BODY", FetchRFC822: "RFC822",
	FetchRFC822Header: "RFC822.HEADER", FetchRFC822Text: "RFC822.TEXT",
	FetchBinary: "BINARY", FetchBinarySize: "BINARY.SIZE", FetchModSeq: "MODSEQ",
	FetchEmailID: "EMAILID", FetchThreadID: "THREADID", FetchSaveDate: "SAVEDATE",
	FetchPreview: "PREVIEW",
}

// String is the name of the item, without section.
func (k FetchKind) String() string {
	if int(k) < len(fetchNames) {
		return fetchNames[k]
	}
	return ""
}

// SectionText says which text of a part is meant (RFC 9051 §6.4.5.1).
type SectionText uint8

const (
	SectionAll             SectionText = iota // the whole part, or message
	SectionHeader                             // HEADER
	SectionHeaderFields                       // HEADER.FIELDS
	SectionHeaderFieldsNot                    // HEADER.FIELDS.NOT
	SectionBody                               // TEXT
	SectionMIME                               // MIME
)

var sectionTextNames = [...]string{
	"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME",
}

// Section is what stands between the brackets of BODY[…] or BINARY[…].
type Section struct {
	Part   []uint32 // each at least 1; empty for the message itself
	Text   SectionText
	Fields []string // of HEADER.FIELDS and HEADER.FIELDS.NOT, as sent
}

// Partial is <Offset.Length>: Offset >= 0, Length >= 1, in octets, each below
// 2^63 (RFC 9051 §9, partial).
type Partial struct{ Offset, Length int64 }

// FetchItem is one data item asked for.
type FetchItem struct {
	Kind FetchKind
	// Section is set for FetchSection, the FetchRFC822 kinds, FetchBinary and
	// FetchBinarySize.
	Section Section
	Partial *Partial // nil for all
	// Peek: reading it does not set \Seen.
	Peek bool
	// Lazy allows the server to answer PREVIEW with NIL (RFC 8970 §4).
	Lazy bool
}

// HasBody says that the item yields octets of the message: BODY[…], BINARY[…],
// RFC822, RFC822.HEADER or RFC822.TEXT.
func (i *FetchItem) HasBody() bool {
	return i.Kind >= FetchSection && i.Kind <= FetchBinary
}

// Fetch is FETCH and UID FETCH (RFC 9051 §6.4.5).
type Fetch struct {
	UID   bool
	Set   SeqSet
	Items []FetchItem // macros ALL, FAST and FULL are spelled out
	// ChangedSince is 0 when not given (RFC 7162 §3.1.4.1).
	ChangedSince uint64
	Vanished     bool // RFC 7162 §3.2.6; only with UID and ChangedSince
	// Window, if not nil, is which of the messages of Set are meant (RFC 9394
	// §3.3); only with UID.
	Window *PartialRange
}

func (*Fetch) Name() string { return "FETCH" }

func (f *Fetch) appendArgs(e *encoder) {
	e.sp()
	e.dst = AppendSeqSet(e.dst, f.Set)
	e.raw(" (")
	for i := range f.Items {
		if i > 0 {
			e.sp()
		}
		e.dst = appendFetchItem(e.dst, &f.Items[i])
	}
	e.raw(")")
	f.appendModifiers(e)
}

func (f *Fetch) appendModifiers(e *encoder) {
	open := " ("
	if f.Window != nil {
		e.raw(open + "PARTIAL ")
		e.dst = appendPartialRange(e.dst, *f.Window)
		open = " "
	}
	if f.ChangedSince != 0 {
		e.raw(open + "CHANGEDSINCE ")
		e.uint(f.ChangedSince)
		open = " "
	}
	if f.Vanished {
		e.raw(open + "VANISHED")
		open = " "
	}
	if open == " " {
		e.raw(")")
	}
}
