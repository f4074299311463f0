package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"citron/wire/imap"
)

// Stream has the server send all the messages in one go; they pass through
// without being kept.
func (s *IMAP) Stream(ctx context.Context, items []*Item, each func(*Item, io.Reader) error) error {
	st := &stream{client: s.client, want: map[uint32]*Item{}, each: each}
	var set imap.NumSet
	for _, item := range items {
		st.want[item.UID] = item
		set = set.Add(item.UID)
	}
	s.client.r.OnLiteral, s.client.r.StreamAbove = st.literal, -1
	defer func() { s.client.r.OnLiteral = nil }()
	err := s.client.do(&imap.Fetch{UID: true, Set: imap.SeqSet{Nums: set}, Items: []imap.FetchItem{
		{Kind: imap.FetchUID}, {Kind: imap.FetchSection, Peek: true}}}, st.response)
	st.drop()
	var no *refused
	if st.failed != nil {
		return st.failed
	}
	if errors.As(err, &no) { // some servers say so when one of many is damaged
		return nil
	}
	return err
}

// stream is one FETCH of messages under way.
type stream struct {
	client *imapClient
	want   map[uint32]*Item // not yet come
	each   func(*Item, io.Reader) error
	failed error    // what each said: the import ends
	early  *os.File // a message that came before its UID
}

// literal is given each body as it comes.
func (st *stream) literal(lit imap.FetchLiteral, r io.Reader) error {
	if !whole(lit.Kind, &lit.Section, lit.Origin) {
		return nil
	}
	if lit.UID == 0 {
		return st.keep(r)
	}
	return st.bring(lit.UID, r)
}

// whole says that the octets are those of the message and no part of it.
func whole(kind imap.FetchKind, section *imap.Section, origin int64) bool {
	return kind == imap.FetchSection && section.Text == imap.SectionAll && len(section.Part) == 0 && origin < 0
}

func (st *stream) bring(uid uint32, r io.Reader) error {
	item := st.want[uid]
	if item == nil {
		return nil
	}
	delete(st.want, uid)
	st.failed = st.each(item, r)
	return st.failed
}

// keep writes the message to a file until its UID has come.
func (st *stream) keep(r io.Reader) (err error) {
	st.drop()
	if st.early, err = os.CreateTemp("", "citron-import-"); err == nil {
		os.Remove(st.early.Name())
		_, err = io.Copy(st.early, r)
	}
	if err == nil {
		_, err = st.early.Seek(0, io.SeekStart)
	}
	return err
}

func (st *stream) drop() {
	if st.early != nil {
		st.early.Close()
		st.early = nil
	}
}

// response sees each response when it is complete: the body may have come as a
// quoted string, or before its UID.
func (st *stream) response(r imap.Response) error {
	f, ok := r.(*imap.FetchResponse)
	if !ok {
		return nil
	}
	if st.early != nil {
		defer st.drop()
		return st.bring(f.UID, st.early)
	}
	for i := range f.Sections {
		d := &f.Sections[i]
		if whole(d.Kind, &d.Section, d.Origin) && d.Literal.Data != nil && !d.Null {
			return st.bring(f.UID, bytes.NewReader(d.Literal.Data))
		}
	}
	return nil
}
