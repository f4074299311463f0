package admin

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"citron/admin/transfer"
	"citron/store/account"
)

// Ensured is what import.ensure gives.
type Ensured struct {
	KeepUIDs bool
	Refused  string // there can be no such mailbox: why
}

// ensureMailbox makes the mailbox where it is missing. Where no client could
// be misled it gets the source's UIDVALIDITY.
func (s *Service) ensureMailbox(ctx context.Context, r MailRequest) (out Ensured, err error) {
	a, actor, err := s.open(ctx, r.Account)
	if err != nil {
		return out, err
	}
	defer a.Close()
	info, ok := a.Lookup(r.Mailbox.Name)
	if ok {
		info, err = takeValidity(ctx, a, actor, info, r.Mailbox.UIDValidity)
	} else {
		info, err = createMailbox(ctx, a, actor, r.Mailbox)
	}
	if errors.Is(err, account.ErrCannot) || errors.Is(err, account.ErrLimit) {
		return Ensured{Refused: err.Error()}, nil
	}
	if err == nil && r.Mailbox.Subscribed && !info.Subscribed {
		err = a.Subscribe(ctx, actor, r.Mailbox.Name)
	}
	if err != nil {
		return out, err
	}
	out.KeepUIDs = r.Mailbox.UIDValidity != 0 && info.UIDValidity == r.Mailbox.UIDValidity
	if out.KeepUIDs && r.Mailbox.ModSeq > 0 {
		err = a.RaiseModSeq(ctx, actor, info.ID, account.ModSeq(r.Mailbox.ModSeq))
	}
	return out, err
}

// takeValidity gives a mailbox that never held a message the UIDVALIDITY,
// where that is possible.
func takeValidity(ctx context.Context, a *account.Account, actor account.Actor, info *account.MailboxInfo, validity uint32) (*account.MailboxInfo, error) {
	if validity == 0 || info.UIDNext != 1 || info.UIDValidity == validity {
		return info, nil
	}
	err := a.ChooseUIDValidity(ctx, actor, info.ID, validity)
	if err != nil && !errors.Is(err, account.ErrCannot) {
		return nil, err
	}
	if now, ok := a.Mailbox(info.ID); ok {
		return now, nil
	}
	return nil, account.ErrNoMailbox
}

// createMailbox makes it with the UIDVALIDITY or, where that could mislead a
// client, with one of its own.
func createMailbox(ctx context.Context, a *account.Account, actor account.Actor, box transfer.Mailbox) (*account.MailboxInfo, error) {
	uses, err := freeUses(ctx, a, actor, box.SpecialUse)
	if err != nil {
		return nil, err
	}
	o := account.CreateMailboxOptions{SpecialUse: uses, UIDValidity: box.UIDValidity}
	info, err := a.CreateMailbox(ctx, actor, box.Name, o)
	if errors.Is(err, account.ErrCannot) && o.UIDValidity != 0 {
		o.UIDValidity = 0
		info, err = a.CreateMailbox(ctx, actor, box.Name, o)
	}
	return info, err
}

// possibleUses are the special uses that a mailbox can be created with; \All,
// \Flagged and others are views elsewhere and plain mailboxes here.
var possibleUses = []string{`\Archive`, `\Drafts`, `\Junk`, `\Sent`, `\Trash`}

// freeUses gives those of a source's attributes that are special uses and that
// no other mailbox has. A mailbox that has one and never held a message, a
// standard folder of a new account, gives way: otherwise clients would see two
// of a kind, and the wrong one in use.
func freeUses(ctx context.Context, a *account.Account, actor account.Actor, attributes []string) (free []string, err error) {
	for _, use := range possibleUses {
		same := func(s string) bool { return strings.EqualFold(s, use) }
		if !slices.ContainsFunc(attributes, same) {
			continue
		}
		if has := mailboxFor(a, use); has == nil {
			free = append(free, use)
		} else if has.UIDNext == 1 && has.ID != account.Inbox {
			if err := a.DeleteMailbox(ctx, actor, has.Name); err != nil {
				return nil, err
			}
			if err := a.Unsubscribe(ctx, actor, has.Name); err != nil {
				return nil, err
			}
			free = append(free, use)
		}
	}
	return free, nil
}

// mailboxFor gives the mailbox of a special use, nil if there is none.
func mailboxFor(a *account.Account, use string) *account.MailboxInfo {
	for _, m := range a.Mailboxes() {
		if slices.Contains(m.SpecialUse, use) {
			return m
		}
	}
	return nil
}

// completeMailbox keeps what the source gave out as UIDs from being given out
// again.
func (s *Service) completeMailbox(ctx context.Context, r MailRequest) (nothing, error) {
	a, actor, err := s.open(ctx, r.Account)
	if err != nil {
		return nothing{}, err
	}
	defer a.Close()
	box, ok := a.Lookup(r.Mailbox.Name)
	if !ok || box.UIDValidity != r.Mailbox.UIDValidity {
		return nothing{}, nil // deleted or replaced meanwhile
	}
	return nothing{}, a.RaiseUIDNext(ctx, actor, box.ID, uint64(r.Mailbox.UIDNext))
}

func (s *Service) known(ctx context.Context, r MailRequest) ([]bool, error) {
	a, _, err := s.open(ctx, r.Account)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Imported(ctx, r.Source, r.IDs)
}

// Appended is what import.append gives.
type Appended struct {
	UID     uint32
	Refused string // the message can never be taken in: why
}

// appendImported files one message. A UID that has been given out meanwhile it
// cannot have.
func (s *Service) appendImported(ctx context.Context, r MailRequest, message io.Reader) (out Appended, err error) {
	a, actor, err := s.open(ctx, r.Account)
	if err != nil {
		return out, err
	}
	defer a.Close()
	in, err := a.NewMessage(ctx)
	if err != nil {
		return out, err
	}
	if _, err := io.Copy(in, message); err != nil {
		in.Abort()
		io.Copy(io.Discard, message) // so that the client reads the answer
		return refusal(err)
	}
	box, ok := a.Lookup(r.Item.Mailbox)
	if !ok {
		in.Abort()
		return out, account.ErrNoMailbox
	}
	item := account.AppendItem{Incoming: in, InternalDate: r.Item.InternalDate,
		Import: account.ImportKey{Source: r.Source, ID: r.Item.ID}}
	if uint64(r.Item.UID) >= box.UIDNext {
		item.UID = account.UID(r.Item.UID)
	}
	item.Flags, item.Keywords = splitFlags(r.Item.Flags)
	item.Keywords = fitKeywords(box.Keywords, item.Keywords)
	res, err := a.Append(ctx, actor, box.ID, []account.AppendItem{item})
	if err != nil {
		return refusal(err)
	}
	return Appended{UID: uint32(res.UIDs[0].First)}, nil
}

// refusal tells a message that can never be taken in from a failure that ends
// the import.
func refusal(err error) (Appended, error) {
	if errors.Is(err, account.ErrTooLarge) || errors.Is(err, account.ErrLimit) {
		return Appended{Refused: err.Error()}, nil
	}
	return Appended{}, err
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

// maxKeyword is the longest keyword brought, in bytes.
const maxKeyword = 100

// fitKeywords gives keywords as IMAP can show them (RFC 9051 §9, flag-keyword):
// files hold labels of any characters. Where the mailbox has no room for
// another keyword, the message comes without.
func fitKeywords(table, keywords []string) (fit []string) {
	room, reserved := account.FreeKeywords(table), account.Missing(table)
	for _, keyword := range keywords {
		keyword = strings.Map(keywordCharacter, keyword)
		same := func(s string) bool { return strings.EqualFold(s, keyword) }
		switch {
		case keyword == "" || len(keyword) > maxKeyword || slices.ContainsFunc(fit, same):
		case slices.ContainsFunc(table, same), slices.ContainsFunc(reserved, same):
			fit = append(fit, keyword)
		case room > 0:
			room--
			fit = append(fit, keyword)
		}
	}
	return fit
}

// keywordCharacter puts "_" for what no atom can have.
func keywordCharacter(r rune) rune {
	if r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r) {
		return '_'
	}
	return r
}
