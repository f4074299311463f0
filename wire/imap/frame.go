package imap

// Frame is one whole command: its text without the final CRLF, literals
// included as they came, except that the octets of those the session took
// itself (Scanner.Sink) are left out. It is valid until the next call of the
// Scanner, or until the bytes given to Feed are reused.
type Frame struct {
	Bytes []byte
	// sinks are the offsets in Bytes at which octets are left out.
	sinks []int
	// pending: Bytes ends in a literal announced but not decided upon.
	pending bool
}

// FrameOf makes a frame of a whole command without its CRLF, for tests and
// tools. Literals must be in it.
func FrameOf(text []byte) Frame { return Frame{Bytes: text} }

// Sinks is the count of literals that the session took itself.
func (f Frame) Sinks() int { return len(f.sinks) }
