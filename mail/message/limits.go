package message

// Limits bounds what a Parser keeps of a message. A zero field means its
// default. Whatever a message does, a Parser holds no more than about
// HeaderTotal + Header + 5 × Preview + Parts × 300 bytes, and AppendIndex
// works in about twice Index.
type Limits struct {
	// Header is the number of bytes kept of one entity's header; what
	// follows is measured but not read. Default 256 KiB.
	Header int
	// HeaderTotal bounds the headers kept of all entities together.
	// Default 512 KiB.
	HeaderTotal int
	// Parts is the number of entities, at least 1. When it is reached no
	// delimiter opens another: the last part goes on. Default 10,000.
	Parts int
	// Depth is the number of entities within each other, 1 to 200. A
	// multipart or message at this depth is a leaf of type
	// application/octet-stream. Default 100.
	Depth int
	// Addresses is the number of addresses read for all envelopes of the
	// message; further ones are dropped. Default 10,000.
	Addresses int
	// Preview is the number of encoded bytes kept of a text for the preview:
	// once for the first text/plain and, fourfold, for the first text/html.
	// Default 4 KiB.
	Preview int
	// Index is the size that AppendIndex does not exceed: beyond it the
	// message is described as one opaque part. Default 2 MiB, half of what
	// engine/kv takes as a value.
	Index int
}

// maxBoundary is the longest boundary parameter that is honoured, in bytes.
// RFC 2046 §5.1.1 allows 70.
const maxBoundary = 1000

// maxDepth bounds Limits.Depth, because clients recurse over BODYSTRUCTURE.
const maxDepth = 200

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Header, 256<<10)
	def(&l.HeaderTotal, 512<<10)
	def(&l.Parts, 10_000)
	def(&l.Depth, 100)
	def(&l.Addresses, 10_000)
	def(&l.Preview, 4<<10)
	def(&l.Index, 2<<20)
	l.Depth = min(l.Depth, maxDepth)
	return l
}
