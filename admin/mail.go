package admin

import (
	"context"
	"errors"
	"io"
	"time"

	"citron/admin/transfer"
	"citron/engine/kv"
	"citron/store/account"
	"citron/store/uidset"
)

// Operations behind import and export.

// MailRequest names an account and something in it.
type MailRequest struct {
	Account string // name
	Mailbox transfer.Mailbox
	Source  string
	IDs     []string
	Item    transfer.Item
	After   uint32 // UID after which a page of messages begins
	Object  uint64
}

// MessageInfo is a message as an export sees it.
type MessageInfo struct {
	UID    uint32
	Object uint64
	Flags  transfer.Flags
	Date   time.Time
}

var mailOperations = []operation{
	on("import.ensure", (*Service).ensureMailbox),
	on("import.known", (*Service).known),
	taking("import.append", (*Service).appendImported),
	on("import.complete", (*Service).completeMailbox),
	on("export.mailboxes", (*Service).exportMailboxes),
	on("export.messages", (*Service).exportMessages),
	on("export.message", (*Service).exportMessage),
}

// exportPage is the number of messages export.messages gives at once.
const exportPage = 1000

// open finds an account by name. The caller closes it.
func (s *Service) open(ctx context.Context, name string) (*account.Account, account.Actor, error) {
	found, err := s.Directory.Lookup(ctx, name)
	if err != nil {
		return nil, account.Actor{}, err
	}
	a, err := s.Store.Account(ctx, kv.Account(found.Number))
	return a, account.Actor{Account: found.Number, Name: found.Name}, err
}

// systemNames are the system flags by bit.
var systemNames = []struct {
	flag account.SystemFlag
	name string
}{
	{account.Seen, `\Seen`}, {account.Answered, `\Answered`}, {account.Flagged, `\Flagged`},
	{account.Deleted, `\Deleted`}, {account.Draft, `\Draft`},
}

func joinFlags(e *account.Entry, table []string) (flags transfer.Flags) {
	for _, s := range systemNames {
		if e.Flags&s.flag != 0 {
			flags = append(flags, s.name)
		}
	}
	for i, keyword := range table {
		if e.Keywords.Has(i) {
			flags = append(flags, keyword)
		}
	}
	return flags
}

func (s *Service) exportMailboxes(ctx context.Context, r MailRequest) ([]transfer.Mailbox, error) {
	a, _, err := s.open(ctx, r.Account)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	list := []transfer.Mailbox{}
	for _, m := range a.Mailboxes() {
		list = append(list, transfer.Mailbox{Name: m.Name, UIDValidity: m.UIDValidity, SpecialUse: m.SpecialUse, Subscribed: m.Subscribed})
	}
	return list, nil
}

// errPage ends the walk through a mailbox after a page.
var errPage = errors.New("page is full")

func (s *Service) exportMessages(ctx context.Context, r MailRequest) ([]MessageInfo, error) {
	a, _, err := s.open(ctx, r.Account)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	box, ok := a.Lookup(r.Mailbox.Name)
	if !ok {
		return nil, account.ErrNoMailbox
	}
	view, err := a.Open(ctx, box.ID)
	if err != nil {
		return nil, err
	}
	page := []MessageInfo{}
	rest := uidset.Ranges{{First: account.UID(r.After) + 1, Last: uidset.MaxUID}}
	err = a.Entries(ctx, view, view.Set.Intersect(rest), func(batch []account.Entry) error {
		for i := range batch {
			if len(page) == exportPage {
				return errPage
			}
			e := &batch[i]
			page = append(page, MessageInfo{uint32(e.UID), uint64(e.Object), joinFlags(e, view.Info.Keywords), e.InternalDate})
		}
		return nil
	})
	if errors.Is(err, errPage) {
		err = nil
	}
	return page, err
}

func (s *Service) exportMessage(ctx context.Context, r MailRequest) (io.ReadCloser, error) {
	a, _, err := s.open(ctx, r.Account)
	if err != nil {
		return nil, err
	}
	m, err := a.OpenMessage(ctx, account.ObjectID(r.Object))
	if err != nil {
		a.Close()
		return nil, err
	}
	return &openMessage{io.NewSectionReader(m, 0, m.Size()), m, a}, nil
}

// openMessage closes the account with the message.
type openMessage struct {
	io.Reader
	message account.MessageReader
	account *account.Account
}

func (o *openMessage) Close() error {
	defer o.account.Close()
	return o.message.Close()
}
