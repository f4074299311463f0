package imapserver

import (
	"errors"
	"slices"
	"sync"
	"time"

	"citron/store/account"
	"citron/store/order"
	"citron/store/uidset"
	"citron/wire/imap"
)

// Contexts (RFC 5267 §4): results of SEARCH and SORT that are kept up to date
// with UPDATE. A context lives with the selected mailbox. All it holds is what
// its client was told; what there is now is in liveresults.go, shared, and what
// to tell is computed from the two (contextnews.go). The hint CONTEXT needs
// nothing (§4.2).

var contextCommands = []spec{
	{"CANCELUPDATE", inSelected, 0, on((*Session).cancelUpdate)},
}

// liveContext is one command's results as its client knows them.
type liveContext struct {
	tag string
	uid bool // the client is told UIDs
	// named: the command was ESEARCH, whose responses name the mailbox.
	named bool
	live  *liveResults
	told  results
	// fresh: nothing was told since the command.
	fresh bool
	// fetch is asked of new messages that belong to the results (RFC 5465 §7).
	fetch []imap.FetchItem
}

// contexts are the live results of all sessions of the process.
type contexts struct {
	mu      sync.Mutex
	results map[resultsKey]*liveResults
	count   map[uint64]int // how many contexts each account's sessions have
}

// resultsKey is what contexts must have in common to share results.
type resultsKey struct {
	owner   uint64 // whose mailbox it is
	user    uint64 // who sees it, because flags may be a user's own
	mailbox account.MailboxID
	compare string // the comparator
	query   string // program and order
}

// maxContextTag bounds the tag of a command with UPDATE, in bytes: it is held,
// and must go into a quoted string.
const maxContextTag = 256

// checkUpdate refuses UPDATE with a tag that already stands for a context
// (RFC 5267 §4.3).
func (s *Session) checkUpdate(c *command, o *imap.ReturnOptions) error {
	switch {
	case o.Return&imap.ReturnUpdate == 0:
	case len(c.tag) > maxContextTag:
		return bad("The tag is too long to be told again and again")
	case s.selected.context(c.tag) != nil:
		return bad("The tag is already in use with UPDATE")
	}
	return nil
}

// context finds a context by its tag; nil if there is none.
func (m *selected) context(tag string) *liveContext {
	for _, x := range m.contexts {
		if x.tag == tag {
			return x
		}
	}
	return nil
}

// refuseUpdate says that the results of a command are not kept up to date
// (RFC 5267 §4.3.1).
func (s *Session) refuseUpdate(tag, why string) {
	s.w.Status("*", imap.NO, imap.CodeNoUpdate(tag), why)
}

// keepUp makes a context of what a command with UPDATE has found, or refuses
// to. program is its search key with numbers resolved, criteria those of SORT.
func (s *Session) keepUp(c *command, a *imap.Search, program imap.SearchKey, criteria []imap.SortCriterion, found uidset.Ranges) error {
	m := s.selected
	key := resultsKey{uint64(m.acct.ID()), s.user.Account, m.id(), s.activeComparator().String(), query(&program, criteria)}
	why := "Too much is asked of new messages"
	if fetchSize(a.Update) <= s.srv.cfg.MaxNotify {
		why = s.cannotKeep(&program, criteria, key.query)
	}
	if why != "" {
		s.refuseUpdate(c.tag, why)
		return nil
	}
	x := &liveContext{tag: c.tag, uid: a.UID, named: c.name == "ESEARCH", fresh: true, fetch: a.Update}
	x.live = s.srv.contexts.join(key, func() *liveResults {
		return newLiveResults(key, program, order.Order{Criteria: criteria, Comparator: s.activeComparator()})
	})
	m.contexts = append(m.contexts, x)
	var err error
	if x.told, err = x.live.begin(c, m, found); err == nil || errors.Is(err, errGone) {
		return err
	}
	s.dropContext(x) // the results are told already
	s.srv.cfg.Logger.Warn("results not kept up to date", "account", s.accountName(), "cause", err)
	s.refuseUpdate(c.tag, "Results cannot be kept up to date now")
	return nil
}

// cannotKeep says why results cannot be kept up to date; else it counts one
// context more.
func (s *Session) cannotKeep(program *imap.SearchKey, criteria []imap.SortCriterion, query string) string {
	byRelevancy := slices.ContainsFunc(criteria, func(k imap.SortCriterion) bool { return k.Key == imap.SortRelevancy })
	switch {
	case isOwn(program):
		return "What is recent is not kept up to date"
	case byRelevancy: // the scores of all change with each message
		return "Relevancy is not kept up to date"
	case len(query) > maxQuery:
		return "The program is too large"
	case !s.admitContext():
		return "Too many contexts"
	}
	return ""
}

// admitContext counts one context more for the user, if the limits allow.
func (s *Session) admitContext() bool {
	n, cfg := len(s.selected.contexts), &s.srv.cfg
	return n < cfg.MaxContexts && s.srv.contexts.admit(s.user.Account, n > 0, cfg.MaxAccountContexts)
}

// admit counts one context more; a limited one only below most.
func (x *contexts) admit(user uint64, limited bool, most int) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if limited && x.count[user] >= most {
		return false
	}
	if x.count == nil {
		x.count, x.results = map[uint64]int{}, map[resultsKey]*liveResults{}
	}
	x.count[user]++
	return true
}

// join gives the results of a key, made if nobody has them.
func (x *contexts) join(key resultsKey, fresh func() *liveResults) *liveResults {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.results[key]
	if l == nil {
		l = fresh()
		x.results[key] = l
	}
	l.sharers++
	return l
}

// leave ends a context that was admitted; results that nobody has any more are
// forgotten.
func (x *contexts) leave(user uint64, l *liveResults) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.count[user]--; x.count[user] == 0 {
		delete(x.count, user)
	}
	if l.sharers--; l.sharers == 0 {
		delete(x.results, l.key)
	}
}

// dropContext ends one context.
func (s *Session) dropContext(x *liveContext) {
	m := s.selected
	m.contexts = slices.DeleteFunc(m.contexts, func(o *liveContext) bool { return o == x })
	s.srv.contexts.leave(s.user.Account, x.live)
}

// dropContexts ends all of them, because the mailbox is left.
func (s *Session) dropContexts() {
	for s.selected != nil && len(s.selected.contexts) > 0 {
		s.dropContext(s.selected.contexts[0])
	}
}

// dropNumbered ends the contexts that tell message numbers, once UIDONLY is
// enabled (RFC 9586 §3).
func (s *Session) dropNumbered() {
	for _, x := range slices.Clone(s.selected.contexts) {
		if !x.uid {
			s.dropContext(x)
			s.refuseUpdate(x.tag, "Message numbers are not told any more")
		}
	}
}

// cancelUpdate is CANCELUPDATE (RFC 5267 §4.3.5). A tag that stands for nothing
// is an error, which the RFC leaves open, but not for the others.
func (s *Session) cancelUpdate(_ *command, a *imap.CancelUpdate) error {
	unknown := false
	for _, tag := range a.Tags {
		if x := s.selected.context(tag); x != nil {
			s.dropContext(x)
		} else {
			unknown = true
		}
	}
	if unknown {
		return no(imap.CodeNonExistent, "Not every tag stands for results kept up to date")
	}
	return nil
}

// contextsWeight is what one change costs all contexts, about: those that look
// into texts count for many.
func (m *selected) contextsWeight() (weight uint64) {
	for _, x := range m.contexts {
		weight += x.live.weight
	}
	return weight
}

// contextsDue says whether contexts may have something to tell although nothing
// changed in the mailbox: they are new, time has changed them, or another session
// has found out more than this one's client was told.
func (m *selected) contextsDue(now time.Time) bool {
	return slices.ContainsFunc(m.contexts, func(x *liveContext) bool {
		known, due := x.live.state()
		return x.fresh || known.set != x.told.set || !due.IsZero() && !due.After(now)
	})
}

// contextsDueAt is when contexts will have something to tell without any change
// of the mailbox; the zero time for never.
func (s *Session) contextsDueAt() (first time.Time) {
	if messages, _ := s.wants(); s.selected == nil || !messages {
		return first
	}
	for _, x := range s.selected.contexts {
		if _, at := x.live.state(); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
