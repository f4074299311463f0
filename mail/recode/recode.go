// Package recode turns a message into one that a next hop without BINARYMIME or
// 8BITMIME takes (RFC 3030 §3, RFC 6152 §3, RFC 4468 §4), by changing the
// content-transfer-encoding of its parts (RFC 2045 §6).
package recode

import (
	"errors"
	"io"
)

// Target is what the next hop takes.
type Target uint8

const (
	// SevenBit: octets 1 to 127 in lines of up to 998 octets.
	SevenBit Target = iota
	// EightBit: octets 1 to 255 in lines of up to 998 octets (8BITMIME).
	EightBit
)

// ErrImpossible: the message cannot be converted without harm; the text says
// why. It is to be returned with status 5.6.3 (RFC 3463 §3.7).
var ErrImpossible = errors.New("the message cannot be converted for the next hop")

// Message is a message in its converted form. It may be read any number of
// times, always with the same octets.
type Message struct {
	original io.ReaderAt
	size     int64
}

// New works out how the message of size octets is converted. The error is the
// original's, or wraps ErrImpossible.
func New(original io.ReaderAt, size int64, to Target) (*Message, error) {
	return nil, errors.ErrUnsupported
}

// Size is the converted message's length in octets.
func (m *Message) Size() int64 { return m.size }

// NewReader reads the converted message from its beginning; several may be read
// at a time.
func (m *Message) NewReader() io.Reader { return io.NewSectionReader(m.original, 0, m.size) }
