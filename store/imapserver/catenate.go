package imapserver

import (
	"errors"
	"io"
	"slices"

	"citron/mail/acl"
	"citron/mail/message"
	"citron/store/account"
	"citron/store/opened"
	"citron/store/uidset"
	"citron/wire/imap"
)

// CATENATE (RFC 4469): messages made of what is there already. What a URL points
// to is what FETCH BODY.PEEK would give of it, and streams into the new message
// a piece at a time; nothing marks it \Seen. The new message itself has no UID
// before it is whole, so that no URL can point to it.

// copies says whether octets have to be copied before the command can go on.
func copies(messages []imap.AppendMessage) bool {
	for i := range messages {
		for j := range messages[i].Catenate {
			if messages[i].Catenate[j].URL != "" {
				return true
			}
		}
	}
	return false
}

// catenator adds parts to the last message of an APPEND. It keeps the message
// that the last URL pointed to open, because the next mostly points there, too.
type catenator struct {
	s      *Session
	c      *command
	from   place
	uid    uint32
	source *opened.Message
	buf    []byte
}

func (k *catenator) close() {
	if k.source != nil {
		k.source.Close()
		k.source = nil
	}
}

// add adds what a URL points to. A URL that points to nothing, or to nothing
// that this user may read, is a BADURL (RFC 4469 §4.1).
func (k *catenator) add(url string) error {
	badURL := no(imap.CodeBadURL(url), "A URL does not point to a message here, or to a part of one")
	u, err := imap.ParseURL(url)
	// Without scheme and server, and of a message: the rest is not for
	// CATENATE (RFC 4469 §3).
	if err != nil || u.Absolute || u.Server.Host != "" || u.UID == 0 || u.Auth != nil {
		return badURL
	}
	found, err := k.find(u)
	switch {
	case err != nil:
		return cannotRead(err)
	case !found:
		return badURL
	}
	// As FETCH BODY shows it to this client (RFC 4469 §3).
	octets, err := k.source.Section(k.s.srv.ctx, message.WithoutNUL|k.s.utf8Form(), u.Section, u.Partial)
	switch {
	case err != nil:
		return cannotRead(err)
	case octets == nil:
		return badURL
	}
	if err := k.s.mayTake(octets.Size()); err != nil {
		return err
	}
	k.remember()
	return k.copy(octets)
}

// remember notes which message of the account the new one is made of, so that it
// is known when the new one is sent (docs/atomic-send.md).
func (k *catenator) remember() {
	p := k.s.appending
	item := &p.items[len(p.items)-1]
	source := account.Source{
		Mailbox: k.from.info.ID, UID: k.source.Entry.UID, Object: k.source.Entry.Object, Draft: k.source.Entry.Flags&account.Draft != 0,
	}
	if k.from.acct == p.to.acct && len(item.Sources) < account.MaxSources && !slices.Contains(item.Sources, source) {
		item.Sources = append(item.Sources, source)
	}
}

// find opens the message that a URL points to.
func (k *catenator) find(u *imap.URL) (bool, error) {
	at, err := k.s.locate(u.Mailbox, acl.Read)
	switch {
	case errors.Is(err, account.ErrNoMailbox), errors.Is(err, errNoRight):
		return false, nil
	case err != nil:
		return false, err
	}
	if u.UIDValidity != 0 && u.UIDValidity != at.info.UIDValidity {
		return false, nil
	}
	if k.source != nil && k.uid == u.UID && k.from.acct == at.acct && k.from.info.ID == at.info.ID {
		return true, nil
	}
	k.close()
	k.from, k.uid = at, u.UID
	k.source, err = opened.Find(k.s.srv.ctx, at.acct, at.info.ID, uidset.UID(u.UID))
	return k.source != nil, err
}

// copy streams octets into the message.
func (k *catenator) copy(octets *io.SectionReader) error {
	if k.buf == nil {
		k.buf = make([]byte, piece)
	}
	for at := int64(0); at < octets.Size(); {
		some := k.buf[:min(piece, octets.Size()-at)]
		if err := opened.ReadFull(octets, some, at); err != nil {
			return cannotRead(err)
		}
		if err := k.s.take(some); err != nil {
			return err
		}
		at += int64(len(some))
		if err := k.c.progress(0, 0); err != nil {
			return err
		}
	}
	return nil
}

// cannotRead says that octets which should be there cannot be read.
func cannotRead(err error) error {
	var octets *opened.UnreadableError
	if errors.As(err, &octets) || errors.Is(err, account.ErrDamaged) {
		return &refusal{kind: imap.NO, code: imap.CodeCorruption, text: "A message cannot be read", cause: err}
	}
	return err
}
