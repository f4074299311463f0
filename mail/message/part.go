package message

// Kind says what a part contains.
type Kind uint8

const (
	// Leaf has a body of its own.
	Leaf Kind = iota
	// Multipart has one or more children, numbered from 1.
	Multipart
	// Embedded is message/rfc822 or message/global: one child, the root
	// entity of the message within, whose header starts where the body does.
	Embedded
)

// Encoding is a Content-Transfer-Encoding (RFC 2045 §6.1).
type Encoding uint8

const (
	SevenBit Encoding = iota
	EightBit
	Binary
	Base64
	QuotedPrintable
	// UnknownEncoding is any other; its body cannot be decoded (RFC 3516
	// §4.3, UNKNOWN-CTE).
	UnknownEncoding
)

// Identity says that encoded and decoded bytes are the same.
func (e Encoding) Identity() bool { return e <= Binary }

// PartFlags are facts about one part.
type PartFlags uint8

const (
	// IsText: the media type is text/*.
	IsText PartFlags = 1 << iota
	// BodyNUL: the part's own body holds a NUL. For a multipart that is its
	// preamble or epilogue.
	BodyNUL
	// HeaderNUL: the part's header holds a NUL.
	HeaderNUL
	// Truncated: the header was longer than Limits.Header; fields beyond it
	// were not seen.
	Truncated
	// Header8Bit: the header holds a byte above 127.
	Header8Bit
)

// Part is one entity of a message: the message itself, a part of a multipart,
// or the message within a message/rfc822 part. Offsets are in bytes from the
// start of the message: the header, with the blank line that ends it, is
// [Header, Body), the body [Body, End). The line end before a delimiter belongs
// to the delimiter (RFC 2046 §5.1.1).
type Part struct {
	Header, Body, End int64
	// Lines is the number of line feeds in the body.
	Lines int64
	// Parent, Next (sibling) and Child (the first) are indexes in the Tree;
	// -1: none.
	Parent, Next, Child int32
	Kind                Kind
	Encoding            Encoding
	Flags               PartFlags
}

// Size is the length of the body in bytes, as encoded.
func (p *Part) Size() int64 { return p.End - p.Body }

// Tree holds the parts of a message in the order in which they begin; the
// message itself is the first.
type Tree []Part

// child gives the n-th child (from 1) of part i, or -1.
func (t Tree) child(i int32, n uint32) int32 {
	if n == 0 {
		return -1
	}
	c := t[i].Child
	for ; c >= 0 && n > 1; n-- {
		c = t[c].Next
	}
	return c
}
