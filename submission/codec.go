package submission

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"citron/engine/record"
	"citron/wire/smtp"
)

// MaxEnvelope is the longest encoded envelope in octets. A session refuses
// recipients beyond it (EnvelopeSize, RcptSize).
const MaxEnvelope = 1 << 20

const envelopeVersion = 1

// Bits of the flags of an encoded envelope.
const (
	envelopeUTF8 = 1 << iota
	envelopeAuthSaid
	envelopeRequireTLS
	envelopeByTrace
	envelopePrioritySaid
	envelopeFlags // the first that has no meaning
)

// Bits of the flags of encoded Content.
const (
	contentEightBit = 1 << iota
	contentBinary
	contentUTF8Header
	contentTLSOptional
	contentFlags
)

// minRcpt is the length of the shortest encoded recipient.
const minRcpt = 5

// AppendEnvelope encodes an envelope as the queue and the outbox keep it; see
// docs/key-layout.md.
func AppendEnvelope(dst []byte, e *Envelope) []byte {
	m, c := &e.Mail, &e.Content
	dst = append(dst, envelopeVersion)
	dst = binary.AppendUvarint(dst, e.Account)
	dst = record.AppendString(dst, e.Sender)
	dst = appendPath(dst, m.From)
	dst = binary.AppendUvarint(dst, uint64(m.Size))
	dst = append(dst, byte(m.Body), bits(m.UTF8, m.Auth.Said, m.RequireTLS, m.By.Trace, m.Priority.Said))
	dst = record.AppendString(dst, m.Auth.Mailbox)
	dst = append(dst, byte(m.Return))
	dst = record.AppendString(dst, m.EnvelopeID)
	dst = binary.AppendVarint(dst, int64(m.Hold.For))
	dst = record.AppendTime(dst, m.Hold.Until)
	dst = append(dst, byte(m.By.Mode))
	dst = binary.AppendVarint(dst, int64(m.By.Within))
	dst = binary.AppendVarint(dst, int64(m.Priority.Level))
	dst = record.AppendTime(dst, e.Received)
	dst = record.AppendTime(dst, e.HoldUntil)
	dst = append(dst, bits(c.EightBit, c.Binary, c.UTF8Header, c.TLSOptional))
	dst = binary.AppendUvarint(dst, uint64(c.Hops))
	dst = record.AppendString(dst, c.MessageID)
	dst = record.AppendString(dst, e.Origin)
	dst = binary.AppendUvarint(dst, uint64(len(e.Rcpts)))
	for i := range e.Rcpts {
		dst = appendRcpt(dst, &e.Rcpts[i])
	}
	return dst
}

func appendRcpt(dst []byte, r *smtp.Rcpt) []byte {
	dst = appendPath(dst, r.To)
	dst = append(dst, byte(r.Notify))
	dst = record.AppendString(dst, r.Original.Type)
	return record.AppendString(dst, r.Original.Address)
}

func appendPath(dst []byte, p smtp.Path) []byte {
	return record.AppendString(record.AppendString(dst, p.Local), p.Domain)
}

// RcptSize is an upper bound of what a recipient adds to an encoded envelope.
func RcptSize(r *smtp.Rcpt) int {
	return len(r.To.Local) + len(r.To.Domain) + len(r.Original.Type) + len(r.Original.Address) + 4*binary.MaxVarintLen32 + 1
}

// EnvelopeSize is an upper bound of an encoded envelope's length.
func EnvelopeSize(e *Envelope) int {
	const fixed = 256
	n := fixed + len(e.Sender) + len(e.Mail.From.Local) + len(e.Mail.From.Domain) + len(e.Mail.Auth.Mailbox) +
		len(e.Mail.EnvelopeID) + len(e.Content.MessageID) + len(e.Origin)
	for i := range e.Rcpts {
		n += RcptSize(&e.Rcpts[i])
	}
	return n
}

// DecodeEnvelope decodes what AppendEnvelope wrote. Times come back in UTC. The
// memory it takes is bounded by MaxEnvelope.
func DecodeEnvelope(b []byte) (*Envelope, error) {
	if len(b) > MaxEnvelope {
		return nil, fmt.Errorf("%w: an envelope of %d octets", record.ErrMalformed, len(b))
	}
	d := record.Decode(b, envelopeVersion)
	e := &Envelope{Account: d.Uint(), Sender: d.String()}
	m, c := &e.Mail, &e.Content
	m.From = decodePath(&d)
	m.Size = int64(d.UintUpTo(math.MaxInt64))
	m.Body = smtp.Body(d.ByteUpTo(byte(smtp.BodyBinary)))
	flags := d.ByteUpTo(envelopeFlags - 1)
	m.UTF8, m.RequireTLS = flags&envelopeUTF8 != 0, flags&envelopeRequireTLS != 0
	m.Auth = smtp.Auth{Said: flags&envelopeAuthSaid != 0, Mailbox: d.String()}
	m.Return = smtp.Return(d.ByteUpTo(byte(smtp.ReturnHeaders)))
	m.EnvelopeID = d.String()
	m.Hold = smtp.Hold{For: time.Duration(d.Int()), Until: d.Time()}
	m.By.Mode, m.By.Trace = smtp.ByMode(d.ByteUpTo(byte(smtp.ByReturn))), flags&envelopeByTrace != 0
	m.By.Within = time.Duration(d.Int())
	m.Priority = smtp.Priority{Said: flags&envelopePrioritySaid != 0, Level: decodeLevel(&d)}
	e.Received, e.HoldUntil = d.Time(), d.Time()
	flags = d.ByteUpTo(contentFlags - 1)
	c.EightBit, c.Binary = flags&contentEightBit != 0, flags&contentBinary != 0
	c.UTF8Header, c.TLSOptional = flags&contentUTF8Header != 0, flags&contentTLSOptional != 0
	c.Hops = int(d.UintUpTo(math.MaxInt32))
	c.MessageID = d.String()
	e.Origin = d.String()
	e.Rcpts = decodeRcpts(&d)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return e, nil
}

func decodeRcpts(d *record.Decoder) []smtp.Rcpt {
	list := make([]smtp.Rcpt, d.Count(minRcpt))
	for i := range list {
		list[i] = smtp.Rcpt{
			To:     decodePath(d),
			Notify: smtp.Notify(d.ByteUpTo(byte(smtp.NotifyNever | smtp.NotifySuccess | smtp.NotifyFailure | smtp.NotifyDelay))),
		}
		list[i].Original = smtp.OriginalRecipient{Type: d.String(), Address: d.String()}
	}
	if len(list) == 0 {
		d.Fail(fmt.Errorf("%w: no recipients", record.ErrMalformed))
	}
	return list
}

func decodePath(d *record.Decoder) smtp.Path {
	local := d.String()
	return smtp.Path{Local: local, Domain: d.String()}
}

// decodeLevel reads a priority (RFC 6710 §2).
func decodeLevel(d *record.Decoder) int8 {
	level := d.Int()
	if level < -9 || level > 9 {
		d.Fail(fmt.Errorf("%w: priority %d", record.ErrMalformed, level))
		return 0
	}
	return int8(level)
}

// bits makes a byte of flags, the first the lowest.
func bits(flags ...bool) (b byte) {
	for i, set := range flags {
		if set {
			b |= 1 << i
		}
	}
	return b
}
