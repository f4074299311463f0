package imapserver

import (
	"errors"

	"citron/mail/message"
	"citron/store/account"
	"citron/store/opened"
	"citron/wire/imap"
)

// One message's FETCH response.

// fetched is a message while it is answered for.
type fetched struct {
	opened.Message
	e      *account.Entry
	info   *account.MailboxInfo // names the entry's keywords
	marked bool                 // \Seen was set: tell the flags even if not asked for
}

// one answers for a message. A response that fails is taken back, as long as
// none of it can have been sent; after that all that is left is to end the
// connection, because the octets that were announced must come.
func (f *fetcher) one(m *fetched) error {
	switch {
	case m.Stored == nil:
	case m.Stored.Err != nil:
		return f.failed(m.Stored.Err)
	case !m.Stored.Found:
		return nil
	}
	at := len(f.s.w.Buf)
	f.torn = false
	err := f.write(m)
	m.Close()
	switch {
	case err == nil:
		f.found++
		return f.c.breathe()
	case errors.Is(err, errGone):
		return err
	case f.torn:
		f.s.srv.cfg.Logger.Error("message cannot be read", "account", f.s.accountName(), "error", err)
		f.s.end()
		return errGone
	}
	f.s.w.Buf = f.s.w.Buf[:at]
	return f.failed(err)
}

// write writes the response.
func (f *fetcher) write(m *fetched) error {
	w := &f.s.w
	at := len(w.Buf)
	f.s.startFetch(f.count.of(m.e.UID), m.e.UID)
	start := len(w.Buf)
	if f.showUID {
		w.FetchUID(uint32(m.e.UID))
	}
	if m.marked && !f.flags {
		f.s.fetchFlags(m.info, m.e)
	}
	if f.showMod {
		w.FetchModSeq(uint64(m.e.ModSeq))
	}
	for i := range f.items {
		if err := f.item(m, i); err != nil {
			return err
		}
	}
	if !f.torn && len(w.Buf) == start { // nothing could be given
		w.Buf = w.Buf[:at]
		return nil
	}
	w.FetchEnd()
	if f.flags && !m.marked {
		f.told.tell(f.s.selected, m.e)
	}
	return nil
}

// item writes data item i.
func (f *fetcher) item(m *fetched, i int) error {
	w := &f.s.w
	switch it := &f.items[i]; it.Kind {
	case imap.FetchFlags:
		f.s.fetchFlags(m.info, m.e)
	case imap.FetchUID:
		w.FetchUID(uint32(m.e.UID))
	case imap.FetchInternalDate:
		w.FetchInternalDate(m.e.InternalDate)
	case imap.FetchSize:
		return f.size(m)
	case imap.FetchModSeq:
		w.FetchModSeq(uint64(m.e.ModSeq))
	case imap.FetchSaveDate:
		w.FetchSaveDate(m.e.SaveDate)
	case imap.FetchEmailID:
		w.FetchEmailID(m.Stored.EmailID())
	case imap.FetchThreadID:
		w.FetchThreadID(m.Stored.ThreadID())
	case imap.FetchEnvelope, imap.FetchPreview:
		return f.described(m, it)
	case imap.FetchBody, imap.FetchBodyStructure:
		return f.structure(m, it)
	case imap.FetchBinary, imap.FetchBinarySize:
		return f.binary(m, it)
	default:
		return f.section(m, i)
	}
	return nil
}

// described writes what is ready in the message's index. A preview always is,
// LAZY or not (RFC 8970 §3.1).
func (f *fetcher) described(m *fetched, it *imap.FetchItem) error {
	w := &f.s.w
	if it.Kind == imap.FetchEnvelope {
		shown, err := m.As(f.s.srv.ctx, f.s.utf8Form())
		if err == nil {
			w.FetchRaw(it.Kind, shown.Index.Envelope())
		}
		return err
	}
	own, err := m.AsStored(f.s.srv.ctx)
	if err != nil {
		return err
	}
	w.FetchRaw(it.Kind, nil)
	w.Buf = imap.AppendString(w.Buf, own.Index.Preview(), w.UTF8)
	return nil
}

// size writes RFC822.SIZE, that of the form in which this client gets the
// message.
func (f *fetcher) size(m *fetched) error {
	if !m.e.Internationalized || f.s.w.UTF8 {
		f.s.w.FetchSize(m.e.Size)
		return nil
	}
	if m.Stored == nil {
		stored, err := m.From.Summaries(f.s.srv.ctx, []account.ObjectID{m.e.Object}, account.WantIndex|account.WantBody)
		if err != nil {
			return err
		}
		m.Stored = &stored[0]
	}
	shown, err := f.shown(m)
	if err == nil {
		f.s.w.FetchSize(shown.Index.Size())
	}
	return err
}

// shown gives the form of a message that everything but BINARY shows.
func (f *fetcher) shown(m *fetched) (*opened.Form, error) {
	return m.As(f.s.srv.ctx, message.WithoutNUL|f.s.utf8Form())
}

// utf8Form is the form for this client as far as UTF-8 in headers goes
// (RFC 6855 §7).
func (s *Session) utf8Form() message.Shown {
	if s.w.UTF8 {
		return 0
	}
	return message.Downgraded
}

// structure writes BODY or BODYSTRUCTURE.
func (f *fetcher) structure(m *fetched, it *imap.FetchItem) error {
	shown, err := f.shown(m)
	if err != nil {
		return err
	}
	w, rev2 := &f.s.w, f.s.enabled.has(rev2)
	w.FetchRaw(it.Kind, nil)
	if it.Kind == imap.FetchBody {
		w.Buf = shown.Index.AppendBody(w.Buf, rev2)
	} else {
		w.Buf = shown.Index.AppendBodyStructure(w.Buf, rev2)
	}
	return nil
}
