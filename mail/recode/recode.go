// Package recode turns a message into one that a next hop without BINARYMIME or
// 8BITMIME takes (RFC 3030 §3, RFC 6152 §3, RFC 4468 §4), by changing the
// content-transfer-encoding of its parts (RFC 2045 §6). What a part says when it
// is decoded stays octet for octet.
//
// What every part is made of is measured; what its header says of that is not
// believed. A leaf that the next hop does not take becomes quoted-printable if it
// is text, otherwise base64; nothing is encoded twice (RFC 3030 §3). Headers of
// parts around it are made to say what is true then. Preamble and epilogue of a
// multipart, which every reader ignores (RFC 2046 §5.1.1), are left out if they
// are in the way.
//
// Not converted are
//
//   - parts of a multipart/signed, whose signature would break (RFC 1847 §2.1);
//   - message/partial and other message types, which may not be encoded
//     (RFC 2046 §5.2);
//   - headers with 8 bits: they need a next hop with SMTPUTF8 (RFC 6531 §3.4).
package recode

import (
	"errors"
	"fmt"
	"io"

	"citron/mail/message"
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

func impossible(why string) error { return fmt.Errorf("%w: %s", ErrImpossible, why) }

// maxLiteral bounds the changed headers of a message, in octets.
const maxLiteral = 8 << 20

// Message is a message in its converted form. It may be read any number of
// times, always with the same octets, by several readers at a time. It holds the
// headers that are changed and no body.
type Message struct {
	original io.ReaderAt
	size     int64
	pieces   []piece
}

// New works out how the message of size octets is converted. It reads it twice,
// and a third time if there is something to convert. The error is the
// original's, or wraps ErrImpossible.
func New(original io.ReaderAt, size int64, to Target) (*Message, error) {
	parsed, err := message.Parse(&exact{io.NewSectionReader(original, 0, size), size})
	if err != nil {
		return nil, err
	}
	p := newPlan(parsed, original, to)
	if err := p.scan(&exact{io.NewSectionReader(original, 0, size), size}); err != nil {
		return nil, err
	}
	if err := p.decide(); err != nil {
		return nil, err
	}
	m := &Message{original: original, size: size}
	if m.pieces, err = p.pieces(); err != nil {
		return nil, err
	}
	if p.changes == 0 {
		return m, nil
	}
	return m, m.measure(to)
}

// measure finds the size, and proves that the outcome is what was asked for.
func (m *Message) measure(to Target) error {
	var f facts
	s := scanner{f: &f}
	n, err := io.Copy(&s, m.NewReader())
	if err != nil {
		return err
	}
	s.end()
	if m.size = n; f.refusedBy(to) {
		return impossible("its parts are too entangled")
	}
	return nil
}

// Size is the converted message's length in octets.
func (m *Message) Size() int64 { return m.size }

// NewReader reads the converted message from its beginning.
func (m *Message) NewReader() io.Reader { return &reader{m: m} }
