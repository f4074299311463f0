package smtp

import "bytes"

// LineReader cuts command lines out of what arrives. The zero LineReader reads
// lines of up to MaxLine octets and holds no memory unless a line came in
// parts.
type LineReader struct {
	// Max bounds a line with its CRLF, in octets; 0 means MaxLine.
	Max int

	part []byte // of a line whose end has not come
	skip bool   // the line was too long: the rest of it is dropped
}

// Replies to lines that are none; the line has been taken.
var (
	ErrLineTooLong = Reply{500, Status{5, 5, 6}, "line too long"}
	ErrLineEnd     = Reply{500, Status{5, 5, 2}, "lines end with CRLF, and CR and LF stand nowhere else"}
	ErrNUL         = Reply{500, Status{5, 5, 2}, "NUL in a command"}
)

// Next takes a line, or a part of one, off the front of in and says of how many
// octets it was. The line comes without CRLF and is valid until the next call
// or until in changes; it is nil when its end has not come yet. An error is a
// Reply and concerns one line, which has been taken; reading goes on behind it.
func (r *LineReader) Next(in []byte) (line []byte, n int, err error) {
	max := r.Max
	if max == 0 {
		max = MaxLine
	}
	end := bytes.IndexByte(in, '\n')
	if end < 0 {
		r.keep(in, max)
		return nil, len(in), nil
	}
	n = end + 1
	line = in[:n]
	if len(r.part) > 0 {
		line = append(r.part, line...)
	}
	tooLong := r.skip || len(line) > max
	r.part, r.skip = nil, false
	if tooLong {
		return nil, n, ErrLineTooLong
	}
	line, err = checkLine(line)
	return line, n, err
}

// keep holds a part of a line, unless the line is too long already.
func (r *LineReader) keep(in []byte, max int) {
	switch {
	case r.skip:
	case len(r.part)+len(in) >= max:
		r.part, r.skip = nil, true
	default:
		r.part = append(r.part, in...)
	}
}

func checkLine(line []byte) ([]byte, error) {
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return nil, ErrLineEnd
	}
	line = line[:len(line)-2]
	switch {
	case bytes.IndexByte(line, '\r') >= 0:
		return nil, ErrLineEnd
	case bytes.IndexByte(line, 0) >= 0:
		return nil, ErrNUL
	}
	return line, nil
}

// Command is a command line taken apart.
type Command struct {
	verb [8]byte
	n    uint8
	// Args is what follows the verb and one or more spaces, without spaces
	// at the end. It is part of the line.
	Args []byte
}

// Verb gives the verb in capitals, as a key for a table of handlers; empty if
// the line begins with none or with one longer than any.
func (c *Command) Verb() []byte { return c.verb[:c.n] }

// ParseCommand takes a line apart. A verb is letters (RFC 5321 §4.1.1), at most
// eight of them in any extension registered so far.
func ParseCommand(line []byte) Command {
	var c Command
	i := 0
	for i < len(line) && isAlpha(line[i]) {
		i++
	}
	if i > len(c.verb) || i < len(line) && line[i] != ' ' {
		return c
	}
	c.n = uint8(i)
	for j, b := range line[:i] {
		c.verb[j] = b &^ 0x20
	}
	c.Args = bytes.Trim(line[i:], " ")
	return c
}

func isAlpha(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// ValidHello judges the argument of EHLO, HELO and LHLO. It is looser than RFC
// 5321 §4.1.1.1: phones have no name, and what they say is for the Received line
// only.
func ValidHello(args []byte) bool {
	return len(args) > 0 && len(args) <= 255 && !bytes.ContainsFunc(args, func(r rune) bool { return r <= ' ' || r == 0x7f })
}
