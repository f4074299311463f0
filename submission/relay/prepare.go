package relay

import (
	"context"
	"errors"
	"fmt"
	"io"

	"citron/mail/recode"
	"citron/submission"
	"citron/wire/smtp"
)

// form is how a message goes to a host.
type form uint8

const (
	asItIs form = iota
	eightBit
	sevenBit
)

// formFor is the form that a host takes (RFC 3030 §3, RFC 6152 §3), and its BODY.
func formFor(c submission.Content, o smtp.Offer) (form, smtp.Body) {
	// RFC 6531 §3.6: a header in UTF-8 is 8-bit, too.
	eight := c.EightBit || c.UTF8Header
	switch {
	case c.Binary && o.Has(&smtp.BinaryMIME) && o.Has(&smtp.Chunking):
		return asItIs, smtp.BodyBinary
	case c.Binary && o.Has(&smtp.EightBitMIME):
		return eightBit, smtp.Body8Bit
	case !c.Binary && eight && o.Has(&smtp.EightBitMIME):
		return asItIs, smtp.Body8Bit
	case c.Binary || c.EightBit:
		return sevenBit, smtp.Body7Bit
	}
	return asItIs, smtp.Body7Bit
}

// prepared is a message in one form, signed.
type prepared struct {
	body io.ReaderAt
	size int64
}

// prepare converts the message, if it must be, and signs it then: a signature
// over what the host does not get is worth nothing.
func (a *attempt) prepare(ctx context.Context, f form) (*prepared, error) {
	if p := a.forms[f]; p != nil {
		return p, nil
	}
	if a.body == nil {
		body, err := a.job.Open(ctx)
		if err != nil {
			return nil, err
		}
		a.body = body
	}
	p := &prepared{a.body, a.body.Size()}
	if f != asItIs {
		target := recode.EightBit
		if f == sevenBit {
			target = recode.SevenBit
		}
		m, err := recode.New(a.body, a.body.Size(), target)
		if err != nil {
			return nil, err
		}
		p = &prepared{&replay{open: m.NewReader}, m.Size()}
	}
	if a.opt.Signer != nil {
		fields, err := a.opt.Signer.Sign(io.NewSectionReader(p.body, 0, p.size))
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		p = &prepared{&prefixed{fields, p.body}, int64(len(fields)) + p.size}
	}
	if a.forms == nil {
		a.forms = make(map[form]*prepared)
	}
	a.forms[f] = p
	return p, nil
}

// prefixed is a message with fields in front.
type prefixed struct {
	front []byte
	rest  io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (p *prefixed) ReadAt(b []byte, at int64) (n int, err error) {
	if at < int64(len(p.front)) {
		n = copy(b, p.front[at:])
		if n == len(b) {
			return n, nil
		}
		at = int64(len(p.front))
	}
	m, err := p.rest.ReadAt(b[n:], at-int64(len(p.front)))
	return n + m, err
}

// replay reads at an offset what can only be read from the beginning, any number
// of times: cheap where offsets grow. It is not safe for concurrent use.
type replay struct {
	open func() io.Reader
	r    io.Reader
	at   int64
}

// ReadAt implements io.ReaderAt.
func (r *replay) ReadAt(b []byte, at int64) (int, error) {
	if r.r == nil || at < r.at {
		r.r, r.at = r.open(), 0
	}
	if skip := at - r.at; skip > 0 {
		n, err := io.CopyN(io.Discard, r.r, skip)
		if r.at += n; err != nil {
			return 0, err
		}
	}
	n, err := io.ReadFull(r.r, b)
	r.at += int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
