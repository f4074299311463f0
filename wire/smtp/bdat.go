package smtp

import "bytes"

// Chunk is BDAT's argument (RFC 3030 §2).
type Chunk struct {
	Size int64
	Last bool
}

// ErrChunk is the reply to a BDAT that says nothing. What follows it cannot be
// told from commands: the connection should be closed.
var ErrChunk = Reply{501, Status{5, 5, 4}, "syntax: BDAT size [LAST]"}

// ParseChunk parses
//
//	bdat-cmd   ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF
//	chunk-size ::= 1*DIGIT
//	end-marker ::= "LAST"
//
// from the size on.
func ParseChunk(args []byte) (Chunk, error) {
	digits, marker, marked := bytes.Cut(args, []byte{' '})
	size, ok := parseSize(digits)
	if !ok || marked && !isLast(marker) {
		return Chunk{}, ErrChunk
	}
	return Chunk{Size: size, Last: marked}, nil
}

// Take takes what belongs to the chunk off the front of in.
func (c *Chunk) Take(in []byte) (piece []byte) {
	piece = in[:min(int64(len(in)), c.Size)]
	c.Size -= int64(len(piece))
	return piece
}

// parseSize parses up to 18 digits.
func parseSize(digits []byte) (int64, bool) {
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int64(d-'0')
	}
	return n, true
}
