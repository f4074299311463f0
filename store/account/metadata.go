package account

import (
	"bytes"
	"context"
	"encoding/binary"
	"strconv"
	"strings"

	"citron/engine/kv"
	"citron/engine/record"
)

// Annotations of mailboxes and of the account itself (RFC 5464).

// OwnMetadata stands for the account itself where a mailbox's annotations are
// meant. What RFC 5464 calls a user's private annotations of the server are
// kept there.
const OwnMetadata MailboxID = 0

// MetadataEntry is an annotation.
type MetadataEntry struct {
	// Name begins with /private/ or /shared/; ASCII, compared without regard to
	// case (RFC 5464 §3.2).
	Name  string
	Value []byte // any octets; nil: none. Not to be modified
}

// MaxMetadataValue is the longest value of an entry, in octets.
func (a *Account) MaxMetadataValue() int { return a.store.opt.MaxMetadataValue }

// SetMetadata sets entries of a mailbox, or of OwnMetadata, all or none, and
// removes those with a nil value. An entry that is there keeps the name under
// which it came; of one named twice the last value counts. It gives the modseq
// of the change, 0 if there was nothing to change. Kinds: NoMailbox, TooLarge
// (a value), Limit (too many entries), OverQuota (octets of all entries).
func (a *Account) SetMetadata(ctx context.Context, by Actor, id MailboxID, set []MetadataEntry) (at ModSeq, err error) {
	weight := 0
	for _, e := range set {
		if len(e.Value) > a.store.opt.MaxMetadataValue {
			return 0, refuse(TooLarge, "the value of an entry is too large")
		}
		weight += len(e.Value)
	}
	err = a.update(ctx, nil, weight, func(t *txn, _ [][]byte) error {
		at, err = t.setMetadata(by, id, set)
		return err
	})
	return at, err
}

// annotation is an entry as it is stored: the name without what the key says,
// as it was first spelled, and the value.
type annotation struct {
	key     []byte
	section metadataSection
	name    string
	value   []byte // nil: none
}

// size is what counts against the limit.
func (n *annotation) size() int {
	if n.value == nil {
		return 0
	}
	return len(n.name) + len(n.value)
}

func (n *annotation) append(dst []byte) []byte {
	return append(record.AppendString(append(dst, recordVersion), n.name), n.value...)
}

func decodeAnnotation(v []byte) (name string, value []byte, err error) {
	d := record.Decode(v, recordVersion)
	name, value = d.String(), d.Rest()
	return name, value, d.End()
}

func (t *txn) setMetadata(by Actor, id MailboxID, set []MetadataEntry) (ModSeq, error) {
	if id != OwnMetadata && t.find(id) == nil {
		return 0, ErrNoMailbox
	}
	changes, old, err := t.metadataChanges(by, id, set)
	if err != nil || len(changes) == 0 {
		return 0, err
	}
	use, err := t.editMetadataUse()
	if err != nil {
		return 0, err
	}
	if err := t.roomForMetadata(use, changes, old); err != nil {
		return 0, err
	}
	var log []NameChange
	for i, n := range changes {
		if use.add(n.section, &old[i], &n); n.value == nil {
			t.delete(n.key)
		} else {
			t.set(n.key, n.append(nil))
		}
		log = append(log, metadataChange(by, id, n.section, n.name))
	}
	t.logNames(MetadataChanged, log...)
	return t.op, nil
}

// metadataChange is what the account's log has of an entry: its whole name and,
// if it is private, the number of the user's account.
func metadataChange(by Actor, id MailboxID, s metadataSection, name string) NameChange {
	c := NameChange{Mailbox: id, To: s.root() + name}
	if s[5] != metadataShared {
		c.From = strconv.FormatUint(by.Account, 10)
	}
	return c
}

// metadataChanges are the entries that get another value, each once, with what
// they were before.
func (t *txn) metadataChanges(by Actor, id MailboxID, set []MetadataEntry) (changes, old []annotation, err error) {
	var all []annotation
	var want kv.Reads
	at := make(map[string]int, len(set))
	for _, e := range set {
		section, name := t.a.metadataSection(by, id, e.Name)
		key := section.key(name)
		if i, again := at[string(key)]; again {
			all[i].value = e.Value
			continue
		}
		at[string(key)] = len(all)
		all = append(all, annotation{key: key, section: section, name: name, value: e.Value})
		want.Gets = append(want.Gets, key)
	}
	got, err := t.read(want)
	if err != nil {
		return nil, nil, err
	}
	for i, n := range all {
		before := annotation{name: n.name}
		if v := got.Values[i]; v != nil {
			if before.name, before.value, err = decodeAnnotation(v); err != nil {
				return nil, nil, damaged("metadata", err)
			}
			n.name = before.name
		}
		if (n.value == nil) != (before.value == nil) || !bytes.Equal(n.value, before.value) {
			changes, old = append(changes, n), append(old, before)
		}
	}
	return changes, old, nil
}

// ReadMetadata gives the values of entries of several mailboxes in one round
// trip: for each mailbox, each name as it was asked for, with a nil value if
// there is no such entry.
func (a *Account) ReadMetadata(ctx context.Context, by Actor, ids []MailboxID, names []string) ([][]MetadataEntry, error) {
	var want kv.Reads
	for _, id := range ids {
		for _, name := range names {
			section, rest := a.metadataSection(by, id, name)
			want.Gets = append(want.Gets, section.key(rest))
		}
	}
	got, err := a.view(ctx, want)
	if err != nil {
		return nil, err
	}
	all := make([][]MetadataEntry, len(ids))
	for i := range got.Values {
		e := MetadataEntry{Name: names[i%len(names)]}
		if v := got.Values[i]; v != nil {
			if _, e.Value, err = decodeAnnotation(v); err != nil {
				return nil, damaged("metadata", err)
			}
		}
		all[i/len(names)] = append(all[i/len(names)], e)
	}
	return all, nil
}

// metadataPage is how many entries WalkMetadata reads at a time.
const metadataPage = 16

// WalkMetadata gives the entry of a name, if there is one, and those below it,
// or if not deep those directly below it, in the order of their names, each
// named as it was when it came.
func (a *Account) WalkMetadata(ctx context.Context, by Actor, id MailboxID, name string, deep bool, fn func(MetadataEntry) error) error {
	section, rest := a.metadataSection(by, id, name)
	stem := section.key(rest)
	below := kv.Prefix(append(bytes.Clone(stem), '/'))
	below.Limit = metadataPage
	want := kv.Reads{Gets: [][]byte{stem}, Ranges: []kv.Range{below}}
	for {
		got, err := a.view(ctx, want)
		if err != nil {
			return err
		}
		for _, v := range got.Values {
			if err := giveMetadata(section, v, fn); err != nil {
				return err
			}
		}
		p := got.Ranges[0]
		for i := range p.Len() {
			if !deep && bytes.IndexByte(p.Key(i)[len(stem)+1:], '/') >= 0 {
				continue
			}
			if err := giveMetadata(section, p.Value(i), fn); err != nil {
				return err
			}
		}
		if p.Len() < metadataPage {
			return nil
		}
		want.Gets, want.Ranges[0].From = nil, append(bytes.Clone(p.Key(p.Len()-1)), 0)
	}
}

func giveMetadata(section metadataSection, record []byte, fn func(MetadataEntry) error) error {
	if record == nil {
		return nil
	}
	name, value, err := decodeAnnotation(record)
	if err != nil {
		return damaged("metadata", err)
	}
	return fn(MetadataEntry{Name: section.root() + name, Value: value})
}

// metadataSection is the entries of one mailbox that are shared, or private to
// one user: the key without the name.
type metadataSection string

// Kinds of sections. The account's own user has a kind of his own, so that his
// entries stay his when the account moves and takes another number.
const (
	metadataShared = 0
	metadataOwn    = 1
	metadataUser   = 2 // and the number of the user's account
)

// metadataSection finds the section that an entry's name means to an actor, and
// what is left of the name.
func (a *Account) metadataSection(by Actor, id MailboxID, name string) (metadataSection, string) {
	key := appendKey32(nil, keyMetadata, uint32(id))
	root, rest := name, ""
	if i := strings.IndexByte(name[1:], '/'); i >= 0 {
		root, rest = name[:i+1], name[i+1:]
	}
	switch {
	case !strings.EqualFold(root, "/private"):
		key = append(key, metadataShared)
	case by.Account == uint64(a.id):
		key = append(key, metadataOwn)
	default:
		key = binary.BigEndian.AppendUint64(append(key, metadataUser), by.Account)
	}
	return metadataSection(key), rest
}

// key is that of an entry, whose name is without regard to case.
func (s metadataSection) key(name string) []byte {
	return append([]byte(s), strings.ToLower(name)...)
}

// root is what the names of the section's entries begin with.
func (s metadataSection) root() string {
	if s[5] == metadataShared {
		return "/shared"
	}
	return "/private"
}

func (s metadataSection) mailbox() MailboxID { return MailboxID(be32([]byte(s[1:5]))) }

// user says whose the section is: sections of the same user share a limit.
func (s metadataSection) user() string { return string(s[5:]) }
