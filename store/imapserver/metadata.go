package imapserver

import (
	"errors"
	"slices"
	"strings"

	"citron/mail/acl"
	"citron/store/account"
	"citron/wire/imap"
)

// METADATA and METADATA-SERVER (RFC 5464). A mailbox's annotations are kept with
// it. Of those of the server, the private ones are kept in the user's account
// and the shared ones are the administrator's: they come from the configuration
// and cannot be set by clients (§3.3).
//
// Names that only hold others have no record here, and so no annotations, which
// §4.1 would have if it could be.

var metadataCommands = []spec{
	{"GETMETADATA", inAccount, slow, on((*Session).getMetadata)},
	{"SETMETADATA", inAccount, slow, on((*Session).setMetadata)},
}

// annotated is what has annotations: a mailbox, or the server as the user
// knows it.
type annotated struct {
	acct *account.Account
	id   account.MailboxID // account.OwnMetadata: the server
}

func (n annotated) server() bool { return n.id == account.OwnMetadata }

// annotated finds what a name means in GETMETADATA and SETMETADATA.
func (s *Session) annotated(name string) (annotated, error) {
	if name == "" {
		return annotated{s.user.account, account.OwnMetadata}, nil
	}
	at, err := s.locate(name, acl.Lookup)
	if err == nil && !mayRead(at) {
		err = errNoRight
	}
	if err != nil {
		return annotated{}, err
	}
	return annotated{at.acct, at.info.ID}, nil
}

// annotates are the rights of which one is needed, beside Lookup, to read and
// set annotations (§3.3).
const annotates = acl.Read | acl.Seen | acl.Write | acl.Insert | acl.Post

// metadataBatch is how many values are read, and told in one response, at a
// time.
const metadataBatch = 16

// metadataAnswer is a GETMETADATA under way.
type metadataAnswer struct {
	s       *Session
	c       *command
	of      annotated
	mailbox string
	maxSize int64 // of a value; -1: any
	longest int   // of the values that were too long
	seen    map[string]bool
	batch   []account.MetadataEntry
}

func (s *Session) getMetadata(c *command, a *imap.GetMetadata) error {
	of, err := s.annotated(a.Mailbox)
	if err != nil {
		return err
	}
	g := &metadataAnswer{s: s, c: c, of: of, mailbox: a.Mailbox, maxSize: a.MaxSize, seen: map[string]bool{}}
	if a.Depth == imap.DepthZero {
		err = g.exactly(a.Entries)
	} else {
		err = g.below(a.Entries, a.Depth == imap.DepthInfinity)
	}
	if err != nil {
		return err
	}
	g.flush()
	if g.longest > 0 { // §4.2.1
		c.code = imap.CodeMetadata{Kind: "LONGENTRIES", Size: uint32(g.longest)}
	}
	return nil
}

// exactly gives the entries named, with NIL for those that are not there.
func (g *metadataAnswer) exactly(names []string) error {
	for part := range slices.Chunk(names, metadataBatch) {
		read, err := g.of.acct.ReadMetadata(g.s.srv.ctx, g.s.user.actor(), []account.MailboxID{g.of.id}, part)
		if err != nil {
			return err
		}
		for _, e := range read[0] {
			if g.of.server() && sharedEntry(e.Name) {
				e.Value = g.s.srv.annotation(e.Name)
			}
			if err := g.give(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// below gives the entries named that are there, and those below them.
func (g *metadataAnswer) below(names []string, deep bool) error {
	for _, name := range names {
		var err error
		if g.of.server() && sharedEntry(name) {
			err = g.s.srv.annotationsBelow(name, deep, g.give)
		} else {
			err = g.of.acct.WalkMetadata(g.s.srv.ctx, g.s.user.actor(), g.of.id, name, deep, g.give)
		}
		if err == nil { // also where there was nothing to give
			err = g.c.breathe()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// give adds an entry to the answer, once and unless it is too long.
func (g *metadataAnswer) give(e account.MetadataEntry) error {
	key := strings.ToLower(e.Name)
	switch {
	case g.seen[key]:
		return nil
	case g.maxSize >= 0 && int64(len(e.Value)) > g.maxSize:
		g.longest = max(g.longest, len(e.Value))
	default:
		g.batch = append(g.batch, e)
	}
	g.seen[key] = true
	if len(g.batch) >= metadataBatch {
		g.flush()
	}
	return g.c.breathe()
}

// flush writes a response with what is in the batch.
func (g *metadataAnswer) flush() {
	if len(g.batch) > 0 {
		g.s.writeMetadata(g.mailbox, g.batch)
	}
	g.batch = g.batch[:0]
}

func (s *Session) writeMetadata(mailbox string, entries []account.MetadataEntry) {
	s.w.MetadataStart(mailbox)
	for _, e := range entries {
		s.w.MetadataEntry(e.Name, e.Value)
	}
	s.w.MetadataEnd()
}

func (s *Session) setMetadata(_ *command, a *imap.SetMetadata) error {
	of, err := s.annotated(a.Mailbox)
	if err != nil {
		return err
	}
	set := make([]account.MetadataEntry, len(a.Entries))
	for i, e := range a.Entries {
		if of.server() && sharedEntry(e.Name) {
			return no(imap.CodeNoPerm, "What all users of the server share is set by its administrator")
		}
		if len(e.Value) > of.acct.MaxMetadataValue() {
			return metadataTooLong(of.acct)
		}
		if of.server() {
			if err := checkFilter(e); err != nil {
				return err
			}
		}
		set[i] = account.MetadataEntry{Name: e.Name, Value: e.Value}
	}
	at, err := of.acct.SetMetadata(s.srv.ctx, s.user.actor(), of.id, set)
	if errors.Is(err, account.ErrLimit) {
		return no(imap.CodeMetadata{Kind: "TOOMANY"}, "There are as many entries as there can be")
	}
	s.changedMetadata(of.acct, at)
	s.did(of.acct, at)
	return err
}

// metadataTooLong is the answer to a value that is too long (§4.3).
func metadataTooLong(a *account.Account) *refusal {
	return no(imap.CodeMetadata{Kind: "MAXSIZE", Size: uint32(a.MaxMetadataValue())}, "The value is too long")
}

// refuseValue refuses a literal of SETMETADATA before it comes, if it is longer
// than a value can be.
func (s *Session) refuseValue() *refusal {
	if s.user == nil || s.isApplication() || s.scan.Frame().Verb() != "SETMETADATA" || s.scan.Literal().Size <= int64(s.user.account.MaxMetadataValue()) {
		return nil
	}
	return metadataTooLong(s.user.account)
}

// sharedEntry says whether an entry is shared, not private.
func sharedEntry(name string) bool {
	const root = "/shared"
	return len(name) >= len(root) && strings.EqualFold(name[:len(root)], root)
}

// annotation is the value of a shared entry of the server, nil for none.
func (srv *Server) annotation(name string) []byte {
	for _, e := range srv.annotations {
		if strings.EqualFold(e.Name, name) {
			return e.Value
		}
	}
	return nil
}

// annotationsBelow gives a shared entry of the server and those below it.
func (srv *Server) annotationsBelow(name string, deep bool, fn func(account.MetadataEntry) error) error {
	stem := strings.ToLower(name)
	for _, e := range srv.annotations {
		rest, ok := strings.CutPrefix(strings.ToLower(e.Name), stem)
		if !ok || rest != "" && (rest[0] != '/' || !deep && strings.Contains(rest[1:], "/")) {
			continue
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// annotations are the shared entries of the server (§3.2.1.1), those of filters
// included (RFC 5466 §3.2), in the order of their names.
func (c *Config) annotations() (list []account.MetadataEntry) {
	add := func(name, value string) {
		if value != "" {
			list = append(list, account.MetadataEntry{Name: "/shared/" + name, Value: []byte(value)})
		}
	}
	add("admin", c.Admin)
	add("comment", c.Comment)
	for name, criteria := range c.Filters {
		add("filters/values/"+name, criteria)
	}
	slices.SortFunc(list, func(a, b account.MetadataEntry) int { return strings.Compare(a.Name, b.Name) })
	return list
}
