package imapserver

import (
	"bytes"
	"errors"
	"io"

	"citron/mail/message"
	"citron/store/opened"
	"citron/store/urlauth"
	"citron/wire/imap"
)

// BODYPARTSTRUCTURE in URLFETCH (RFC 5524 §3.2, RFC 5259 §8.2): the structure of
// what is sent, as it is sent.

// structureOf describes what a URL points to: the octets, or, with plain, what
// is left of them without transfer encoding.
func (f *urlFetcher) structureOf(content *urlauth.Content, octets *io.SectionReader, plain *decodedURL) (*imap.BodyStructure, error) {
	u := content.URL
	sec := u.Section
	if sec == nil {
		sec = &imap.Section{}
	}
	if sec.Text >= imap.SectionHeader && sec.Text != imap.SectionBody {
		return f.headerStructure(octets)
	}
	as := message.WithoutNUL | f.s.utf8Form()
	if plain != nil {
		as = f.s.utf8Form()
	}
	b, err := f.partStructure(content, as, sec)
	switch {
	case err != nil || b.Parts != nil:
		return b, err
	case plain != nil && (!plain.Plain() || u.Partial != nil):
		if !plain.Encoding.Identity() {
			b.Encoding = "BINARY"
		}
		r, err := plain.open()
		if err != nil {
			return nil, err
		}
		return b, f.measure(b, r)
	case u.Partial != nil:
		return b, f.measure(b, io.NewSectionReader(octets, 0, octets.Size()))
	}
	return b, nil
}

// partStructure gives the structure of a part of the message in a form.
func (f *urlFetcher) partStructure(content *urlauth.Content, as message.Shown, sec *imap.Section) (*imap.BodyStructure, error) {
	form, err := content.Message.As(f.s.srv.ctx, as)
	if err != nil {
		return nil, err
	}
	text := form.Index.AppendBodyStructure(nil, f.s.enabled.has(rev2))
	whole, err := imap.ParseBodyStructure(text, true)
	if err != nil {
		return nil, err
	}
	b := whole.Part(sec.Part)
	if b != nil && sec.Text == imap.SectionBody && len(sec.Part) > 0 && b.Message != nil {
		b = b.Message // its body, which is described as the message is
	}
	if b == nil {
		return nil, errors.New("the structure of a message lacks a part that its index has")
	}
	return b, nil
}

// headerStructure describes a header (RFC 6522 §4).
func (f *urlFetcher) headerStructure(octets *io.SectionReader) (*imap.BodyStructure, error) {
	b := &imap.BodyStructure{Type: "TEXT", Subtype: "RFC822-HEADERS", Encoding: "7BIT"}
	if f.s.w.UTF8 {
		b.Encoding = "8BIT"
	}
	return b, f.measure(b, io.NewSectionReader(octets, 0, octets.Size()))
}

// measure puts in how large what is sent is.
func (f *urlFetcher) measure(b *imap.BodyStructure, r io.Reader) error {
	b.Size, b.Lines = 0, 0
	buf := make([]byte, piece)
	for {
		n, err := r.Read(buf)
		b.Size += int64(n)
		if b.Type == "TEXT" || b.Message != nil {
			b.Lines += int64(bytes.Count(buf[:n], []byte{'\n'}))
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &opened.UnreadableError{Cause: err}
		}
		if err := f.c.breathe(); err != nil {
			return err
		}
	}
}
