package imapserver

import (
	"errors"
	"slices"
	"strings"

	"citron/mail/acl"
	"citron/store/account"
	"citron/wire/imap"
)

// MULTISEARCH (RFC 7377): ESEARCH searches mailboxes one after the other, each
// through a view of its own that is dropped when it is done; the selected one
// through what its client was told. What the user may not search, and what is
// not there, is passed over without a word (§2.2, §5).

var multisearchCommands = []spec{
	{"ESEARCH", inAccount, slow, filtering((*Session).multisearch)},
}

func (s *Session) multisearch(c *command, a *imap.MultiSearch) error {
	if err := s.checkSources(c, a); err != nil {
		return err
	}
	ask := a.Search
	ask.UID = true // whatever is searched (§2.1)
	if !ask.Extended {
		ask.Extended, ask.Return = true, imap.ReturnAll
	}
	if err := s.checkSearch(c, &ask); err != nil { // also where nothing is searched
		return err
	}
	if hasKey(&ask.Key, imap.SearchModSeq) {
		s.enableCondstore()
	}
	places, err := s.sources(c, a.In)
	if err != nil {
		return err
	}
	updated := false
	for _, at := range places {
		if !s.stillReads(at) {
			continue // like one that is not there
		}
		m, err := s.viewOf(at)
		if err == nil {
			err = s.searchOne(c, m, &ask)
		}
		if err != nil && !mailboxGone(err) {
			s.forgetSaved(&ask, err)
			return err
		}
		updated = updated || m == s.selected
		if err := c.breathe(); err != nil {
			return err
		}
	}
	if ask.Return&imap.ReturnUpdate != 0 && !updated { // §2.2: of the selected mailbox only
		s.refuseUpdate(c.tag, "The selected mailbox was not searched")
	}
	return nil
}

// checkSources refuses what is asked of a mailbox that is not selected (§2.2).
func (s *Session) checkSources(c *command, a *imap.MultiSearch) error {
	others := slices.ContainsFunc(a.In, func(f imap.MailboxFilter) bool { return f.Kind != imap.FilterSelected })
	selected := len(a.In) == 0 || slices.ContainsFunc(a.In, func(f imap.MailboxFilter) bool { return f.Kind == imap.FilterSelected })
	switch {
	case s.selected == nil && (selected || a.Return&imap.ReturnUpdate != 0):
		return bad("No mailbox is selected")
	case others && a.Return&imap.ReturnSave != 0:
		return bad("SAVE is for the selected mailbox alone")
	case a.Return&imap.ReturnUpdate != 0:
		return s.checkUpdate(c, &a.ReturnOptions)
	}
	return nil
}

// sources are the mailboxes to be searched, each once, in the order of their
// names. Those that the client names need no right but to read; of others the
// user must be allowed to know (§2.2).
func (s *Session) sources(c *command, in []imap.MailboxFilter) ([]place, error) {
	var found []place
	var groups []watchGroup
	if len(in) == 0 {
		in = []imap.MailboxFilter{{Kind: imap.FilterSelected}}
	}
	for i := range in {
		f := &in[i]
		if f.Kind == imap.FilterSelected {
			found = append(found, s.placeOf(s.selected.acct, s.selected.info(), s.selected.prefix))
			continue
		}
		if f.Kind != imap.FilterMailboxes {
			groups = append(groups, newWatchGroup(f, 0))
		}
		for _, name := range f.Names {
			switch at, err := s.lookUp(name); {
			case err == nil:
				found = append(found, at)
			case !errors.Is(err, account.ErrNoMailbox):
				return nil, err
			}
			if err := c.breathe(); err != nil {
				return nil, err
			}
		}
	}
	if len(groups) > 0 {
		var err error
		if found, err = s.matching(c, groups, found); err != nil {
			return nil, err
		}
	}
	found = slices.DeleteFunc(found, func(at place) bool { return !at.rights.Has(acl.Read) })
	slices.SortFunc(found, func(x, y place) int { return strings.Compare(x.name(), y.name()) })
	return slices.CompactFunc(found, func(x, y place) bool { return x.name() == y.name() }), nil
}

// matching adds the mailboxes that any group matches.
func (s *Session) matching(c *command, groups []watchGroup, found []place) ([]place, error) {
	all, err := s.listable(c)
	if err != nil {
		return nil, err
	}
	for _, at := range all {
		w := s.watched(&feed{acct: at.acct, prefix: at.prefix}, at.info.Name)
		if slices.ContainsFunc(groups, func(g watchGroup) bool { return g.matches(w) }) {
			found = append(found, at)
		}
		if err := c.breathe(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// viewOf gives the mailbox at a place as a search sees it.
func (s *Session) viewOf(at place) (*selected, error) {
	if m := s.selected; m != nil && m.is(at) {
		return m, nil
	}
	view, err := at.acct.Open(s.srv.ctx, at.info.ID)
	if err != nil {
		return nil, err
	}
	return &selected{acct: at.acct, prefix: at.prefix, rights: at.rights, view: view, readOnly: true}, nil
}

// stillReads says whether the user may read a mailbox now: the search of those
// before it may have taken long.
func (s *Session) stillReads(at place) bool {
	info, there := at.acct.Mailbox(at.info.ID)
	return there && at.acct.Rights(info, s.user.Account).Has(acl.Read)
}

// searchOne searches a mailbox, and writes ESEARCH if anything was found (§2.1)
// and the user may still know it.
func (s *Session) searchOne(c *command, m *selected, a *imap.Search) error {
	modSeq := hasKey(&a.Key, imap.SearchModSeq)
	found, err := s.find(c, m, a, modSeq)
	if err != nil || !m.stillMay(s.user, acl.Read) {
		return err
	}
	var program imap.SearchKey
	keep := a.Return&imap.ReturnUpdate != 0 && m == s.selected
	if keep { // before SAVE changes what "$" is
		if program, err = m.settleKey(a.Key); err != nil {
			return err
		}
	}
	if a.Return&imap.ReturnSave != 0 {
		m.saved = saved(&a.ReturnOptions, found.found)
	}
	if len(found.found) > 0 && a.Return != imap.ReturnSave {
		d, err := found.data(a, modSeq)
		if err != nil {
			return err
		}
		d.Mailbox, d.UIDValidity = m.prefix+m.info().Name, m.view.Info.UIDValidity
		s.w.ESearch(&d)
	}
	if !keep {
		return nil
	}
	return s.keepUp(c, a, program, nil, found.found)
}
