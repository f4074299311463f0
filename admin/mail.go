package admin

import (
	"context"
	"errors"
	"io"
	"strings"
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

// ensureMailbox makes the mailbox where it is missing. Into an account without
// any message it takes over the source's UIDVALIDITY, and says so.
func (s *Service) ensureMailbox(ctx context.Context, r MailRequest) (keepUIDs bool, err error) {
	a, actor, err := s.open(ctx, r.Account)
	if err != nil {
		return false, err
	}
	defer a.Close()
	info, ok := a.Lookup(r.Mailbox.Name)
	if !ok {
		o := account.CreateMailboxOptions{SpecialUse: unusedUses(a, r.Mailbox.SpecialUse), UIDValidity: r.Mailbox.UIDValidity}
		info, err = a.CreateMailbox(ctx, actor, r.Mailbox.Name, o)
	} else if r.Mailbox.UIDValidity != 0 && info.UIDNext == 1 && info.UIDValidity != r.Mailbox.UIDValidity {
		err = a.ChooseUIDValidity(ctx, actor, info.ID, r.Mailbox.UIDValidity)
		info, _ = a.Mailbox(info.ID)
	}
	if err != nil {
		return false, err
	}
	if r.Mailbox.Subscribed {
		err = a.Subscribe(ctx, actor, r.Mailbox.Name)
	}
	return r.Mailbox.UIDValidity != 0 && info.UIDValidity == r.Mailbox.UIDValidity, err
}

// unusedUses leaves out special uses that another mailbox of the account has.
func unusedUses(a *account.Account, uses []string) (unused []string) {
	taken := map[string]bool{}
	for _, m := range a.Mailboxes() {
		for _, use := range m.SpecialUse {
			taken[use] = true
		}
	}
	for _, use := range uses {
		if !taken[use] {
			unused = append(unused, use)
		}
	}
	return unused
}

func (s *Service) known(ctx context.Context, r MailRequest) ([]bool, error) {
	a, _, err := s.open(ctx, r.Account)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Imported(ctx, r.Source, r.IDs)
}

func (s *Service) appendImported(ctx context.Context, r MailRequest, message io.Reader) (refused string, err error) {
	a, actor, err := s.open(ctx, r.Account)
	if err != nil {
		return "", err
	}
	defer a.Close()
	box, ok := a.Lookup(r.Item.Mailbox)
	if !ok {
		return "", account.ErrNoMailbox
	}
	in, err := a.NewMessage(ctx)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(in, message); err != nil {
		in.Abort()
		return refusal(err)
	}
	item := account.AppendItem{Incoming: in, InternalDate: r.Item.InternalDate, UID: account.UID(r.Item.UID),
		Import: account.ImportKey{Source: r.Source, ID: r.Item.ID}}
	item.Flags, item.Keywords = splitFlags(r.Item.Flags)
	_, err = a.Append(ctx, actor, box.ID, []account.AppendItem{item})
	return refusal(err)
}

// refusal tells a message that can never be taken in from a failure that ends
// the import.
func refusal(err error) (string, error) {
	if errors.Is(err, account.ErrTooLarge) || errors.Is(err, account.ErrLimit) {
		return err.Error(), nil
	}
	return "", err
}

// systemNames are the system flags by bit.
var systemNames = []struct {
	flag account.SystemFlag
	name string
}{
	{account.Seen, `\Seen`}, {account.Answered, `\Answered`}, {account.Flagged, `\Flagged`},
	{account.Deleted, `\Deleted`}, {account.Draft, `\Draft`},
}

// splitFlags leaves out system flags that nobody knows, \Recent among them.
func splitFlags(flags transfer.Flags) (system account.SystemFlag, keywords []string) {
	for _, flag := range flags {
		if !strings.HasPrefix(flag, `\`) {
			keywords = append(keywords, flag)
		}
		for _, s := range systemNames {
			if strings.EqualFold(flag, s.name) {
				system |= s.flag
			}
		}
	}
	return system, keywords
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
