package imapserver

import (
	"io"
	"strings"
	"time"

	"citron/mail/message"
	"citron/store/account"
	"citron/store/opened"
	"citron/wire/imap"
)

// candidate shows a message to a search program.
type candidate struct {
	opened.Message
	e *account.Entry
	f *searcher
}

func (c *candidate) Seq() uint32 {
	seq, _ := c.f.m.view.Set.Seq(c.e.UID)
	return seq
}

func (c *candidate) UID() uint32             { return uint32(c.e.UID) }
func (c *candidate) ModSeq() uint64          { return uint64(c.e.ModSeq) }
func (c *candidate) Size() int64             { return c.e.Size }
func (c *candidate) InternalDate() time.Time { return c.e.InternalDate }
func (c *candidate) SaveDate() time.Time     { return c.e.SaveDate }

func (c *candidate) Flags() imap.SystemFlags {
	flags := imap.SystemFlags(c.e.Flags)
	if c.f.m.recent.Contains(c.e.UID) {
		flags |= imap.FlagRecent
	}
	return flags
}

func (c *candidate) HasKeyword(keyword string) bool {
	if c.e.Keywords.Empty() {
		return false
	}
	for i, name := range c.f.info.Keywords {
		if c.e.Keywords.Has(i) && strings.EqualFold(name, keyword) {
			return true
		}
	}
	return false
}

func (c *candidate) EmailID() (string, error)  { return c.Stored.EmailID(), nil }
func (c *candidate) ThreadID() (string, error) { return c.Stored.ThreadID(), nil }

// Index gives the index, made anew where it is of an older version.
func (c *candidate) Index() (message.Index, error) {
	own, err := c.AsStored(c.f.s.srv.ctx)
	if err != nil {
		return message.Index{}, err
	}
	return own.Index, nil
}

// Header is the whole header up to opened.MaxHeader; mostly what was kept of it when
// the message came.
func (c *candidate) Header() ([]byte, error) {
	if c.Stored.HeaderWhole {
		return c.Stored.Header, nil
	}
	own, err := c.AsStored(c.f.s.srv.ctx)
	if err != nil {
		return nil, err
	}
	tree, err := own.Tree()
	if err != nil {
		return nil, err
	}
	r, err := c.Body()
	if err != nil {
		return nil, err
	}
	header := make([]byte, min(tree[0].Body-tree[0].Header, opened.MaxHeader))
	return header, opened.ReadFull(r, header, tree[0].Header)
}

// Body reads the message as stored. A search through much text lets others
// have their turn.
func (c *candidate) Body() (io.ReaderAt, error) {
	r, err := c.Message.Body(c.f.s.srv.ctx)
	if err != nil {
		return nil, err
	}
	return breathingReader{r, c.f}, nil
}

// breathingReader breathes before each read.
type breathingReader struct {
	r io.ReaderAt
	f *searcher
}

func (b breathingReader) ReadAt(p []byte, off int64) (int, error) {
	if err := b.f.c.progress(b.f.at, b.f.goal); err != nil {
		return 0, err
	}
	n, err := b.r.ReadAt(p, off)
	if err != nil && err != io.EOF {
		err = &opened.UnreadableError{Cause: err}
	}
	return n, err
}
