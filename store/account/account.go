package account

import (
	"container/list"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"citron/engine/kv"
	"citron/engine/kv/line"
	"citron/store/uidset"
)

// Account is one account in memory, shared by all its handles.
//
// What readers see is replaced only after the commit that made it is durable.
// Writers go one after the other (see update); only the one at work, the
// leader, replaces what is published.
type Account struct {
	store   *Store
	id      kv.Account
	handles int           // guarded by Store.mu
	place   *list.Element // in Store.idle; guarded by Store.mu
	loaded  chan struct{} // closed when load is over
	loadErr error

	line    *line.Line[operation]
	awaited atomic.Pointer[awaited]
	lately  lately        // only the leader touches it
	objects atomic.Uint64 // next object number not given out
	telling sync.Mutex    // held while other accounts are told of changes

	metadataUse metadataUse // nil until it is counted; only the leader touches it

	flights flights
	swept   atomic.Uint64 // objects deleted since the index looked

	mu        sync.RWMutex // guards what is published, below
	gone      bool
	head      head
	boxes     map[MailboxID]*box
	names     map[string]MailboxID
	sorted    []MailboxID // by name
	subs      map[string]bool
	shares    map[uint64]bool             // accounts that share with this one
	recent    map[MailboxID]UID           // first UID not shown as \Recent
	urlResets map[urlKeyID]uint64         // how often each was reset since the account was opened
	leaving   map[MailboxID]uidset.Ranges // messages on their way to other accounts
	intents   map[uint64]bool             // large copies at work here; others are left over
	watchers  []*watcher                  // replaced, never changed
	trail     []movement                  // of the feed: mailboxes by their last changes
	loggedAt  ModSeq                      // of the last record of the account's own log, or later
}

// ID is the account's number.
func (a *Account) ID() kv.Account { return a.id }

// load reads head, mailboxes, subscriptions and INBOX's chunks in one round
// trip; other mailboxes' chunks are read when they are first touched.
func (a *Account) load(ctx context.Context) error {
	want := kv.Reads{Gets: [][]byte{{keyHead}, {keyAwaited}, textHeadKey}, Ranges: []kv.Range{
		kv.Prefix([]byte{keyMailbox}), kv.Prefix([]byte{keySub}),
		kv.Prefix(appendKey32(nil, keyChunk, uint32(Inbox))), kv.Prefix([]byte{keyIntent}).NoValues(),
		kv.Prefix([]byte{keyACL}), kv.Prefix([]byte{keyAcross}).NoValues(),
	}}
	got, err := a.view(ctx, want)
	if err != nil {
		return err
	}
	if got.Values[0] == nil {
		return ErrNoAccount
	}
	if a.head, err = decodeHead(got.Values[0]); err != nil {
		return damaged("head", err)
	}
	if got.Values[1] != nil {
		filter, err := decodeAwaited(got.Values[1])
		if err != nil {
			return damaged("filter of awaited messages", err)
		}
		a.awaited.Store(filter)
	}
	a.loggedAt = a.head.modseq
	a.objects.Store(uint64(a.head.nextObject))
	a.recent, a.intents, a.urlResets = make(map[MailboxID]UID), make(map[uint64]bool), make(map[urlKeyID]uint64)
	a.loadSubs(got.Ranges[1])
	if err := a.loadBoxes(got.Ranges[0]); err != nil {
		return err
	}
	if err := a.loadACLs(got.Ranges[4]); err != nil {
		return err
	}
	if inbox := a.boxes[Inbox]; inbox != nil {
		if inbox.set, err = decodeSet(got.Ranges[2]); err != nil {
			return damaged("chunks of INBOX", err)
		}
	}
	if a.loadAcross(got.Ranges[5]) || got.Ranges[3].Len() > 0 {
		a.store.care.soon(a.id, a.store.opt.Now())
	}
	if textBehind(got.Values[2], a.head.nextObject) {
		a.indexSoon(a.store.opt.Now())
	}
	return nil
}

// loadACLs gives mailboxes that nobody has seen yet their lists.
func (a *Account) loadACLs(p kv.Pairs) (err error) {
	for i := range p.Len() {
		b := a.boxes[MailboxID(be32(p.Key(i)[1:]))]
		if b == nil {
			continue
		}
		if b.ACL, err = decodeACL(p.Value(i)); err != nil {
			return damaged("access control list of "+b.Name, err)
		}
	}
	return nil
}

// loadAcross reads who shares with the account, and says whether anything is
// left to be done in other accounts.
func (a *Account) loadAcross(p kv.Pairs) (left bool) {
	for i := range p.Len() {
		if p.Key(i)[1] != acrossShare {
			left = true
			continue
		}
		if a.shares == nil {
			a.shares = make(map[uint64]bool)
		}
		a.shares[be64(p.Key(i)[2:])] = true
	}
	return left
}

func (a *Account) loadSubs(p kv.Pairs) {
	a.subs = make(map[string]bool, p.Len())
	for i := range p.Len() {
		a.subs[string(p.Key(i)[1:])] = true
	}
}

func (a *Account) loadBoxes(p kv.Pairs) error {
	a.boxes = make(map[MailboxID]*box, p.Len())
	a.names = make(map[string]MailboxID, p.Len())
	for i := range p.Len() {
		id := MailboxID(be32(p.Key(i)[1:]))
		b, err := decodeBox(id, p.Value(i))
		if err != nil {
			return damaged("mailbox record", err)
		}
		b.Subscribed = a.subs[b.Name]
		a.boxes[id], a.names[b.Name] = b, id
		a.recent[id] = b.recentFrom
	}
	a.sort()
	return nil
}

// sort puts the mailboxes in the order of their names.
func (a *Account) sort() {
	a.sorted = make([]MailboxID, 0, len(a.boxes))
	for id := range a.boxes {
		a.sorted = append(a.sorted, id)
	}
	slices.SortFunc(a.sorted, func(x, y MailboxID) int { return strings.Compare(a.boxes[x].Name, a.boxes[y].Name) })
}

func decodeSet(p kv.Pairs) (*uidset.Set, error) {
	var l uidset.Loader
	for i := range p.Len() {
		if err := l.Add(be32(p.Key(i)[5:]), p.Value(i)); err != nil {
			return nil, err
		}
	}
	return l.Set(), nil
}

// view reads one snapshot in one round trip.
func (a *Account) view(ctx context.Context, want kv.Reads) (got kv.Results, err error) {
	err = a.store.engine.View(ctx, a.id, func(r kv.Reader) error {
		got, err = r.Read(ctx, want)
		return err
	})
	return got, storageError(err)
}

// Mailboxes gives all mailboxes in the order of their names. The names above
// them that no mailbox has are not among them.
func (a *Account) Mailboxes() []*MailboxInfo {
	a.mu.RLock()
	defer a.mu.RUnlock()
	all := make([]*MailboxInfo, len(a.sorted))
	for i, id := range a.sorted {
		all[i] = &a.boxes[id].MailboxInfo
	}
	return all
}

// Mailbox gives a mailbox by its number.
func (a *Account) Mailbox(id MailboxID) (*MailboxInfo, bool) {
	b := a.published(id)
	if b == nil {
		return nil, false
	}
	return &b.MailboxInfo, true
}

// published gives a mailbox as readers see it; nil if there is none.
func (a *Account) published(id MailboxID) *box {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.boxes[id]
}

// Lookup gives a mailbox by its name; INBOX in any case.
func (a *Account) Lookup(name string) (*MailboxInfo, bool) {
	name = canonical(name)
	a.mu.RLock()
	defer a.mu.RUnlock()
	b := a.boxes[a.names[name]]
	if b == nil {
		return nil, false
	}
	return &b.MailboxInfo, true
}

// HasChildren says whether there are mailboxes below the name.
func (a *Account) HasChildren(name string) bool {
	below := canonical(name) + separator
	a.mu.RLock()
	defer a.mu.RUnlock()
	i, _ := slices.BinarySearchFunc(a.sorted, below, func(id MailboxID, n string) int {
		return strings.Compare(a.boxes[id].Name, n)
	})
	return i < len(a.sorted) && strings.HasPrefix(a.boxes[a.sorted[i]].Name, below)
}

// Subscriptions gives the subscribed names in order.
func (a *Account) Subscriptions() []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	all := make([]string, 0, len(a.subs))
	for name := range a.subs {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Subscribed says whether a name, in its canonical form, is subscribed.
func (a *Account) Subscribed(name string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.subs[name]
}

// ModSeq is the account's: unchanged means that nothing at all changed.
func (a *Account) ModSeq() ModSeq {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.head.modseq
}

// Quota gives use and limit.
func (a *Account) Quota() Quota {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return Quota{Used: a.head.used, Limit: a.head.quota}
}

// Open gives a mailbox as it is now. ErrNoMailbox if it is not there.
func (a *Account) Open(ctx context.Context, id MailboxID) (View, error) {
	for {
		b := a.published(id)
		if b == nil {
			return View{}, ErrNoMailbox
		}
		if b.set != nil {
			return b.view(), nil
		}
		if err := a.loadSet(ctx, b); err != nil {
			return View{}, err
		}
	}
}

func (b *box) view() View { return View{Info: &b.MailboxInfo, Set: b.set, extents: b.extents} }

// loadSet reads a mailbox's chunks and publishes them, unless the mailbox
// changed meanwhile: then somebody else has read or will read them.
func (a *Account) loadSet(ctx context.Context, b *box) error {
	got, err := a.view(ctx, kv.Reads{Gets: [][]byte{mailboxKey(b.ID)}, Ranges: []kv.Range{chunkRange(b.ID)}})
	if err != nil {
		return err
	}
	set, err := decodeSet(got.Ranges[0])
	if err != nil {
		return damaged("chunks of "+b.Name, err)
	}
	if got.Values[0] == nil {
		return nil // deleted; the caller looks again
	}
	read, err := decodeBox(b.ID, got.Values[0])
	if err != nil {
		return damaged("mailbox record", err)
	}
	if read.ModSeq == b.ModSeq {
		a.publishSet(b, set)
	}
	return nil
}

// publishSet gives a mailbox its set, unless somebody else did.
func (a *Account) publishSet(b *box, set *uidset.Set) {
	with := *b
	with.set = set
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.boxes[b.ID] == b {
		a.boxes[b.ID] = &with
	}
}

// ClaimRecent says which messages up to upTo no session was told to be
// \Recent, and marks them as told: those from the UID given up to upTo.
func (a *Account) ClaimRecent(id MailboxID, upTo UID) (from UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from = max(a.recent[id], 1)
	if upTo >= from {
		a.recent[id] = upTo + 1
	}
	return from
}

// Recent is ClaimRecent without the claim (EXAMINE, STATUS).
func (a *Account) Recent(id MailboxID) (from UID) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return max(a.recent[id], 1)
}
