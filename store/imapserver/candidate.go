package imapserver

import (
	"io"
	"strings"
	"time"

	"citron/mail/message"
	"citron/store/account"
	"citron/wire/imap"
)

// candidate shows a message to a search program.
type candidate struct {
	f *searcher
	e *account.Entry
	fetched
}

func (c *candidate) Seq() uint32 {
	seq, _ := c.f.s.selected.view.Set.Seq(c.e.UID)
	return seq
}

func (c *candidate) UID() uint32             { return uint32(c.e.UID) }
func (c *candidate) ModSeq() uint64          { return uint64(c.e.ModSeq) }
func (c *candidate) Size() int64             { return c.e.Size }
func (c *candidate) InternalDate() time.Time { return c.e.InternalDate }
func (c *candidate) SaveDate() time.Time     { return c.e.SaveDate }

func (c *candidate) Flags() imap.SystemFlags {
	flags := imap.SystemFlags(c.e.Flags)
	if c.f.s.selected.recent.Contains(c.e.UID) {
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

func (c *candidate) EmailID() (string, error)  { return c.stored.EmailID, nil }
func (c *candidate) ThreadID() (string, error) { return c.stored.ThreadID, nil }

// Index gives the index, made anew where it is of an older version.
func (c *candidate) Index() (message.Index, error) {
	err := c.f.s.openIndex(&c.fetched)
	return c.index, err
}

// Header is what was kept of the header when the message came.
func (c *candidate) Header() ([]byte, error) { return c.stored.Header, nil }

func (c *candidate) Body() (io.ReaderAt, error) { return c.f.s.openBody(&c.fetched) }
