package transfer

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"

	"citron/wire/imap"
)

// window is for how many messages the server is asked at once what they are.
const window = 1000

// IMAPOptions say how to reach an IMAP server.
type IMAPOptions struct {
	Password string
	// Insecure accepts any certificate.
	Insecure bool
	// Plain does without TLS; refused unless the server is this machine.
	Plain bool
}

// IMAP is an account of another IMAP server. It is read only: mailboxes are
// opened by EXAMINE and messages read by BODY.PEEK[]. A message is known by its
// mailbox, UIDVALIDITY and UID.
type IMAP struct {
	client *imapClient
	at     IMAPAddress
	boxes  []remoteMailbox // still to be given

	box      string // of the messages being given; the mailbox that is open
	validity uint32
	given    bool // the mailbox at hand has been given
	rest     imap.NumSet
	items    []*Item // described and still to be given
}

var errPlain = errors.New("without TLS everybody on the way reads the password and the mail; --no-tls is for this machine only")

// OpenIMAP connects, logs in and lists the mailboxes. ctx ends all later calls,
// too.
func OpenIMAP(ctx context.Context, at IMAPAddress, o IMAPOptions) (*IMAP, error) {
	if o.Plain && !at.loopback() {
		return nil, errPlain
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", at.Host)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at.Host, err)
	}
	return openIMAPOver(ctx, conn, at, o)
}

// openIMAPOver is OpenIMAP on a connection, which it takes over.
func openIMAPOver(ctx context.Context, conn net.Conn, at IMAPAddress, o IMAPOptions) (*IMAP, error) {
	host, _, err := net.SplitHostPort(at.Host)
	if err != nil {
		conn.Close()
		return nil, err
	}
	config := &tls.Config{ServerName: host, InsecureSkipVerify: o.Insecure}
	s := &IMAP{at: at}
	if s.client, err = newIMAPClient(ctx, conn, at, o, config); err != nil {
		return nil, fmt.Errorf("%s: %w", at.Host, err)
	}
	if err = s.client.login(at.User, o.Password); err == nil {
		s.boxes, err = s.client.list()
	}
	if err != nil {
		s.client.close()
		return nil, fmt.Errorf("%s: %w", at.Host, err)
	}
	return s, nil
}

// Name is that of the account and the mailbox at hand.
func (s *IMAP) Name() string { return s.at.name() + "/" + s.box }

// Close logs out; what the server says to that is of no interest.
func (s *IMAP) Close() error {
	line, _ := imap.AppendCommand(nil, "bye", &imap.Logout{}, false)
	_ = s.client.write(line)
	s.client.close()
	return nil
}

// Next gives each mailbox, its messages in order of their UIDs, and End.
func (s *IMAP) Next(context.Context) (any, error) {
	for len(s.items) == 0 && len(s.rest) > 0 {
		if err := s.describe(); err != nil {
			return nil, err
		}
	}
	switch {
	case len(s.items) > 0:
		item := s.items[0]
		s.items = s.items[1:]
		return item, nil
	case s.given:
		s.given = false
		return End{}, nil
	case len(s.boxes) == 0:
		return nil, io.EOF
	}
	return s.examine()
}

// examine opens the next mailbox. One that the server refuses is left out.
func (s *IMAP) examine() (any, error) {
	remote := s.boxes[0]
	s.boxes = s.boxes[1:]
	box := &Mailbox{Name: remote.local, SpecialUse: remote.attributes, Subscribed: remote.subscribed}
	messages, sticky := uint32(0), true
	err := s.client.do(&imap.Select{Mailbox: remote.name, ReadOnly: true, CondStore: s.client.caps["CONDSTORE"]}, func(r imap.Response) error {
		switch r := r.(type) {
		case *imap.ExistsResponse:
			messages = r.Messages
		case *imap.StatusResponse:
			sticky = sticky && r.Code != imap.CodeUIDNotSticky
			noteCode(box, r.Code)
		}
		return nil
	})
	var no *refused
	if errors.As(err, &no) {
		return nil, &BadItem{remote.name, err}
	}
	if err == nil && messages > 0 {
		err = s.search()
	}
	if err != nil {
		return nil, err
	}
	s.box, s.validity, s.given = box.Name, box.UIDValidity, true
	if !sticky {
		box.UIDValidity = 0
	}
	return box, nil
}

// noteCode keeps what the codes of EXAMINE say.
func noteCode(box *Mailbox, code imap.Code) {
	switch code := code.(type) {
	case imap.CodeUIDValidity:
		box.UIDValidity = uint32(code)
	case imap.CodeUIDNext:
		box.UIDNext = uint32(code)
	case imap.CodeHighestModSeq:
		box.ModSeq = uint64(code)
	}
}

// search finds the UIDs of the mailbox.
func (s *IMAP) search() error {
	all := imap.SearchKey{Op: imap.SearchAll}
	return s.client.do(&imap.Search{UID: true, Key: all}, func(r imap.Response) error {
		if r, ok := r.(*imap.SearchResponse); ok {
			s.rest = r.All
		}
		return nil
	})
}

// describe asks what the messages of the next window are.
func (s *IMAP) describe() error {
	var asked imap.NumSet
	asked, s.rest = cut(s.rest, window)
	cmd := &imap.Fetch{UID: true, Set: imap.SeqSet{Nums: asked}, Items: []imap.FetchItem{
		{Kind: imap.FetchUID}, {Kind: imap.FetchFlags}, {Kind: imap.FetchInternalDate}}}
	found := map[uint32]*Item{}
	err := s.client.do(cmd, func(r imap.Response) error {
		if f, ok := r.(*imap.FetchResponse); ok && asked.Contains(f.UID) && f.Flags != nil {
			found[f.UID] = &Item{
				Mailbox: s.box, ID: fmt.Sprintf("%d.%d", s.validity, f.UID), UID: f.UID,
				InternalDate: f.InternalDate, Flags: flagNames(f.Flags),
			}
		}
		return nil
	})
	for uid := range asked.All() {
		if item := found[uid]; item != nil {
			s.items = append(s.items, item)
		}
	}
	return err
}

// flagNames spells flags out, all but \Recent.
func flagNames(list *imap.FlagList) Flags {
	system := imap.AppendSystemFlags(nil, list.System&^imap.FlagRecent)
	var flags Flags
	for _, name := range bytes.Fields(system) {
		flags = append(flags, string(name))
	}
	return append(flags, list.Keywords...)
}

// cut parts a set after n numbers.
func cut(set imap.NumSet, n uint64) (head, rest imap.NumSet) {
	for i, r := range set {
		if r.Len() > n {
			if n > 0 {
				head = append(head, imap.Range{From: r.From, To: r.From + uint32(n) - 1})
			}
			rest = append(rest, imap.Range{From: r.From + uint32(n), To: r.To})
			return head, append(rest, set[i+1:]...)
		}
		head, n = append(head, r), n-r.Len()
	}
	return head, nil
}
