package admin

import (
	"context"
	"errors"
	"fmt"
	"io"

	"citron/admin/transfer"
)

// Mail is an account's mail seen through a Caller: where an import goes, and,
// as a transfer.Source, where an export comes from.
type Mail struct {
	Caller
	Account string // name

	boxes []transfer.Mailbox // still to be given
	box   string
	page  []MessageInfo
	after uint32
	begun bool
	more  bool // the mailbox at hand may have another page
}

// Ensure implements transfer.Target.
func (m *Mail) Ensure(ctx context.Context, box transfer.Mailbox) (keepUIDs bool, err error) {
	var out Ensured
	err = m.Call(ctx, "import.ensure", MailRequest{Account: m.Account, Mailbox: box}, nil, &out)
	if err == nil && out.Refused != "" {
		return false, &transfer.BadItem{Where: box.Name, Cause: errors.New(out.Refused)}
	}
	return out.KeepUIDs, err
}

// Complete implements transfer.Target.
func (m *Mail) Complete(ctx context.Context, box transfer.Mailbox) error {
	return m.Call(ctx, "import.complete", MailRequest{Account: m.Account, Mailbox: box}, nil, nil)
}

// Known implements transfer.Target.
func (m *Mail) Known(ctx context.Context, source string, ids []string) (known []bool, err error) {
	err = m.Call(ctx, "import.known", MailRequest{Account: m.Account, Source: source, IDs: ids}, nil, &known)
	if err == nil && len(known) != len(ids) {
		err = errors.New("the server's answer does not fit the question")
	}
	return known, err
}

// Append implements transfer.Target.
func (m *Mail) Append(ctx context.Context, source string, item *transfer.Item, message io.Reader) (uid uint32, err error) {
	var out Appended
	err = m.Call(ctx, "import.append", MailRequest{Account: m.Account, Source: source, Item: *item}, message, &out)
	if err == nil && out.Refused != "" {
		err = &transfer.BadItem{Where: item.Mailbox + " " + item.ID, Cause: errors.New(out.Refused)}
	}
	return out.UID, err
}

// Name implements transfer.Source.
func (m *Mail) Name() string { return "citron" }

// Close implements transfer.Source; there is nothing to close.
func (m *Mail) Close() error { return nil }

// Next implements transfer.Source.
func (m *Mail) Next(ctx context.Context) (any, error) {
	if !m.begun {
		m.begun = true
		if err := m.Call(ctx, "export.mailboxes", MailRequest{Account: m.Account}, nil, &m.boxes); err != nil {
			return nil, err
		}
	}
	if len(m.page) == 0 && m.more {
		if err := m.turnPage(ctx); err != nil {
			return nil, err
		}
	}
	if len(m.page) == 0 {
		return m.nextMailbox()
	}
	info := m.page[0]
	m.page = m.page[1:]
	return &transfer.Item{
		Mailbox: m.box, ID: fmt.Sprint(info.UID), Flags: info.Flags, InternalDate: info.Date, UID: info.UID,
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			return m.Read(ctx, "export.message", MailRequest{Account: m.Account, Object: info.Object})
		},
	}, nil
}

func (m *Mail) nextMailbox() (any, error) {
	if len(m.boxes) == 0 {
		return nil, io.EOF
	}
	box := m.boxes[0]
	m.boxes = m.boxes[1:]
	m.box, m.after, m.more = box.Name, 0, true
	return &box, nil
}

func (m *Mail) turnPage(ctx context.Context) error {
	request := MailRequest{Account: m.Account, Mailbox: transfer.Mailbox{Name: m.box}, After: m.after}
	if err := m.Call(ctx, "export.messages", request, nil, &m.page); err != nil {
		return err
	}
	if m.more = len(m.page) > 0; m.more {
		m.after = m.page[len(m.page)-1].UID
	}
	return nil
}
