package uidset

// chunk is 4,096 UIDs; immutable once in a Set.
type chunk struct {
	number        uint32
	n             uint16 // messages, 1 … 4096
	seenN         uint16
	deletedN      uint16
	owned         uint8 // which bitmaps the editor made itself; 0 in a Set
	size          uint64
	present       bitmap
	seen, deleted bitmap
}

// Bits of chunk.owned.
const (
	ownChunk uint8 = 1 << iota
	ownPresent
	ownSeen
	ownDeleted
)

func (c *chunk) first() UID { return UID(c.number) * ChunkSize }

// Kind chooses messages by what a Set knows of them.
type Kind uint8

// Kinds of messages.
const (
	All Kind = iota
	WithSeen
	WithoutSeen
	WithDeleted
	WithoutDeleted
)

// of gives the bits of a kind; scratch is used where they must be computed.
func (c *chunk) of(k Kind, scratch *[words]uint64) *[words]uint64 {
	switch k {
	case WithSeen:
		return bitsOf(c.seen)
	case WithDeleted:
		return bitsOf(c.deleted)
	case WithoutSeen:
		return except(c.present, c.seen, scratch)
	case WithoutDeleted:
		return except(c.present, c.deleted, scratch)
	default:
		return bitsOf(c.present)
	}
}

// except computes a without b into scratch; a itself if b is empty.
func except(a, b bitmap, scratch *[words]uint64) *[words]uint64 {
	if b == nil {
		return bitsOf(a)
	}
	for i, w := range bitsOf(a) {
		scratch[i] = w &^ b[i]
	}
	return scratch
}

func (c *chunk) flags(i uint) Flags {
	f := Flags(0)
	if has(c.seen, i) {
		f |= Seen
	}
	if has(c.deleted, i) {
		f |= Deleted
	}
	return f
}

// settle makes a chunk fit for a Set: empty bitmaps are nil, and those equal
// to present are present; all full ones are the same.
func (c *chunk) settle() {
	if c.n == ChunkSize {
		c.present = &full
	}
	c.seen = settled(c.seen, c.present, c.seenN, c.n)
	c.deleted = settled(c.deleted, c.present, c.deletedN, c.n)
	c.owned = 0
}

func settled(b, present bitmap, n, all uint16) bitmap {
	switch n {
	case 0:
		return nil
	case all:
		return present
	}
	return b
}
