package opened

import (
	"bytes"
	"context"
	"io"
	"math"

	"citron/mail/message"
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// Find gives the message with a UID in a mailbox as it is now, nil if there is
// none. What it gives is to be closed.
func Find(ctx context.Context, acct *account.Account, id account.MailboxID, uid uidset.UID) (*Message, error) {
	view, err := acct.Open(ctx, id)
	if err != nil || !view.Set.Contains(uid) {
		return nil, err
	}
	var found account.Entry
	err = acct.Entries(ctx, view, uidset.Ranges{{First: uid, Last: uid}}, func(entries []account.Entry) error {
		found = entries[0]
		return nil
	})
	if err != nil || found.Object == 0 {
		return nil, err
	}
	stored, err := acct.Summaries(ctx, []account.ObjectID{found.Object}, account.WantIndex|account.WantBody)
	switch {
	case err != nil:
		return nil, err
	case !stored[0].Found:
		return nil, stored[0].Err
	}
	return &Message{From: acct, Stored: &stored[0], Entry: found}, stored[0].Err
}

// MaxHeader is how much of a header is searched for fields; what is longer is
// no header that anybody wrote.
const MaxHeader = 4 << 20

// Section gives the octets of a section, nil for the whole message, or a part of
// them, of the message in a form; nil if there is no such section. They can be
// read until the message is closed or asked for in another form.
func (m *Message) Section(ctx context.Context, as message.Shown, sec *imap.Section, p *imap.Partial) (*io.SectionReader, error) {
	shown, err := m.As(ctx, as)
	if err != nil {
		return nil, err
	}
	if sec == nil {
		sec = &imap.Section{}
	}
	span, ok, err := shown.Section(sec)
	if err != nil || !ok {
		return nil, err
	}
	r, err := m.Octets(ctx, shown)
	if err != nil {
		return nil, err
	}
	if sec.Text == imap.SectionHeaderFields || sec.Text == imap.SectionHeaderFieldsNot {
		header := make([]byte, min(span.Len(), MaxHeader))
		if err := ReadFull(r, header, span.From); err != nil {
			return nil, err
		}
		filter := message.NewFieldFilter(sec.Fields, sec.Text == imap.SectionHeaderFieldsNot)
		fields := filter.Append(nil, header)
		r, span = bytes.NewReader(fields), message.Span{To: int64(len(fields))}
	}
	from, to := Cut(span, p)
	return io.NewSectionReader(r, from, to-from), nil
}

// Cut gives the part of a span that a partial fetch, or a URL with PARTIAL,
// asks for.
func Cut(span message.Span, p *imap.Partial) (from, to int64) {
	if p == nil {
		return span.From, span.To
	}
	length := p.Length
	if length == 0 { // of a URL: up to the end
		length = math.MaxInt64
	}
	from = span.From + min(p.Offset, span.Len())
	return from, from + min(length, span.To-from)
}
