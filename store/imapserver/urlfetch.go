package imapserver

import (
	"errors"
	"io"

	"citron/mail/message"
	"citron/store"
	"citron/store/account"
	"citron/store/opened"
	"citron/store/urlauth"
	"citron/wire/imap"
)

// URLFETCH (RFC 4467 §7, RFC 5524). Whatever is wrong with a URL, the answer is
// NIL and nothing else; a message it points to is not marked \Seen.

// urlFetcher is one URLFETCH under way.
type urlFetcher struct {
	fetcher
	by     urlauth.Caller
	failed error // why storage could not answer for some URL
}

func (s *Session) urlFetch(c *command, a *imap.URLFetch) error {
	f := urlFetcher{fetcher: fetcher{s: s, c: c}, by: urlauth.Caller{
		Account: s.user.Account, Application: s.user.Application, Name: s.user.Name,
	}}
	s.w.URLFetchStart()
	for i := range a.URLs {
		if err := f.one(&a.URLs[i]); err != nil {
			return err
		}
	}
	s.w.CRLF()
	if f.failed != nil {
		return &refusal{kind: imap.NO, code: imap.CodeUnavailable, text: "Some URLs cannot be fetched now", cause: f.failed}
	}
	return nil
}

// one answers for a URL. A value that fails is taken back, as long as none of it
// can have been sent; after that all that is left is to end the connection,
// because the octets that were announced must come.
func (f *urlFetcher) one(u *imap.URLToFetch) error {
	w := &f.s.w
	w.URLFetchURL(u.URL)
	at := len(w.Buf)
	f.torn = false
	err := f.value(u)
	switch {
	case err == nil:
		return f.c.breathe()
	case errors.Is(err, errGone):
		return err
	case f.torn:
		f.s.srv.cfg.Logger.Error("message cannot be read", "account", f.s.accountName(), "error", err)
		f.s.end()
		return errGone
	}
	w.Buf = w.Buf[:at]
	w.URLFetchNIL()
	if !errors.Is(err, store.ErrNoURL) && !errors.Is(err, account.ErrGone) {
		f.failed = err
	}
	return f.c.breathe()
}

// value writes what a URL points to.
func (f *urlFetcher) value(u *imap.URLToFetch) error {
	content, err := f.s.srv.urls.Fetch(f.s.srv.ctx, f.by, u.URL)
	if err != nil {
		return err
	}
	defer content.Close()
	f.still = content.Readable
	octets, err := content.Octets(f.s.srv.ctx, message.WithoutNUL|f.s.utf8Form())
	switch {
	case err != nil:
		return err
	case octets == nil:
		return store.ErrNoURL // no such part
	case u.Items == 0:
		f.s.w.URLFetchHead(octets.Size())
		return f.copy(octets, 0, octets.Size())
	}
	return f.items(u.Items, content, octets)
}

// items writes the items of RFC 5524 §3.2; the structure first, for who wants to
// know what comes.
func (f *urlFetcher) items(items imap.URLItems, content *urlauth.Content, octets *io.SectionReader) error {
	w := &f.s.w
	var plain *decodedURL
	if items&imap.URLBinary != 0 {
		var err error
		if plain, err = f.decode(content); err != nil {
			return err
		}
	}
	if items&imap.URLBodyPartStructure != 0 {
		structure, err := f.structureOf(content, octets, plain)
		if err != nil {
			return err
		}
		w.URLFetchItem(imap.URLBodyPartStructure)
		w.Buf = append(w.Buf, ' ')
		w.Buf = imap.AppendBodyStructure(w.Buf, structure, true, w.UTF8)
		w.URLFetchItemEnd()
	}
	switch {
	case items&imap.URLBinary != 0:
		w.URLFetchItem(imap.URLBinary)
		if err := f.binary(plain); err != nil {
			return err
		}
		w.URLFetchItemEnd()
	case items&imap.URLBody != 0:
		w.URLFetchItem(imap.URLBody)
		w.URLFetchHead(octets.Size())
		if err := f.copy(octets, 0, octets.Size()); err != nil {
			return err
		}
		w.URLFetchItemEnd()
	}
	return nil
}

// decodedURL is what a URL points to, without its transfer encoding.
type decodedURL struct {
	opened.Decoded
	form     *opened.Form
	nul      bool
	from, to int64 // the part of the decoded octets that is asked for
}

// decode finds out about what a URL points to; nil if its encoding is unknown.
func (f *urlFetcher) decode(content *urlauth.Content) (*decodedURL, error) {
	ctx, u := f.s.srv.ctx, content.URL
	own, err := content.Message.As(ctx, f.s.utf8Form())
	if err != nil {
		return nil, err
	}
	d := &decodedURL{form: own}
	if isEncoded(u.Section) {
		tree, err := own.Tree()
		if err != nil {
			return nil, err
		}
		i, ok := tree.Find(u.Section.Part)
		if !ok {
			return nil, store.ErrNoURL
		}
		r, err := content.Message.Octets(ctx, own)
		if err != nil {
			return nil, err
		}
		d.Decoded = own.Decode(r, i, false)
	} else { // headers, bodies of messages, whole messages
		octets, err := content.Message.Section(ctx, f.s.utf8Form(), u.Section, nil)
		if err != nil || octets == nil {
			return nil, err
		}
		d.R, d.Span.To = octets, octets.Size()
	}
	if d.Encoding == message.UnknownEncoding {
		return nil, nil
	}
	size, nul, err := d.Measure(f.c.breathe)
	d.nul = nul
	d.from, d.to = opened.Cut(message.Span{To: size}, u.Partial)
	return d, err
}

// isEncoded says that a section is the body of a part, which can have a transfer
// encoding.
func isEncoded(sec *imap.Section) bool {
	return sec != nil && sec.Text == imap.SectionAll && len(sec.Part) > 0
}

// open gives the decoded octets asked for.
func (d *decodedURL) open() (io.Reader, error) {
	r, err := d.Open()
	if err == nil {
		if _, err = io.CopyN(io.Discard, r, d.from); err != nil {
			err = &opened.UnreadableError{Cause: err}
		}
	}
	return io.LimitReader(r, d.to-d.from), err
}

// binary writes decoded octets; NIL where they cannot be (RFC 5524 §3.2).
func (f *urlFetcher) binary(d *decodedURL) error {
	if d == nil {
		f.s.w.URLFetchNIL()
		return nil
	}
	r, err := d.open()
	if err != nil {
		return err
	}
	if d.nul {
		f.s.w.URLFetchHead8(d.to - d.from)
	} else {
		f.s.w.URLFetchHead(d.to - d.from)
	}
	return f.stream(r, d.to-d.from)
}
