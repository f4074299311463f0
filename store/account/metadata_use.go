package account

import (
	"maps"
	"strings"

	"citron/engine/kv"
	"citron/engine/record"
)

// What annotations there are is counted in memory, from the first time that any
// are set: each section of a mailbox has a number of entries, each user of the
// account, and those who share together, a number of octets. So whom the owner
// lets into a mailbox fills up nobody's room but his own.

// metadataUse counts entries by section. A txn works on a copy.
type metadataUse map[metadataSection]metadataCount

type metadataCount struct{ entries, octets int }

// add counts that an entry was replaced.
func (u metadataUse) add(s metadataSection, old, fresh *annotation) {
	c := u[s]
	c.octets += fresh.size() - old.size()
	c.entries += one(fresh.value != nil) - one(old.value != nil)
	if u[s] = c; c.entries == 0 {
		delete(u, s)
	}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// octets is the sum of a user's sections.
func (u metadataUse) octets(user string) (n int) {
	for s, c := range u {
		if s.user() == user {
			n += c.octets
		}
	}
	return n
}

// roomForMetadata refuses changes beyond the limits. One that makes less of
// what is there is never refused.
func (t *txn) roomForMetadata(use metadataUse, changes, old []annotation) error {
	entries, octets := map[metadataSection]int{}, map[string]int{}
	for i := range changes {
		s := changes[i].section
		entries[s] += one(changes[i].value != nil) - one(old[i].value != nil)
		octets[s.user()] += changes[i].size() - old[i].size()
	}
	for s, more := range entries {
		if more > 0 && use[s].entries+more > t.a.store.opt.MaxMetadataEntries {
			return refuse(Limit, "the mailbox has as many entries as it can have")
		}
	}
	for user, more := range octets {
		if more > 0 && use.octets(user)+more > t.a.store.opt.MaxMetadataBytes {
			return refuse(OverQuota, "the account has as much metadata as it can have")
		}
	}
	return nil
}

// editMetadataUse gives the counts for writing; they are read when nobody has
// needed them yet.
func (t *txn) editMetadataUse() (metadataUse, error) {
	switch {
	case t.metadataUse != nil:
	case t.a.metadataUse != nil:
		t.metadataUse = maps.Clone(t.a.metadataUse)
	default:
		use, err := t.countMetadata()
		if err != nil {
			return nil, err
		}
		t.metadataUse = use
	}
	return t.metadataUse, nil
}

// countPage is how many entries are counted in a round trip.
const countPage = 256

func (t *txn) countMetadata() (metadataUse, error) {
	use := metadataUse{}
	r := kv.Prefix([]byte{keyMetadata})
	r.Limit = countPage
	for {
		got, err := t.read(kv.Reads{Ranges: []kv.Range{r}})
		if err != nil {
			return nil, err
		}
		p := got.Ranges[0]
		for i := range p.Len() {
			n := annotation{}
			section, _ := splitMetadataKey(p.Key(i))
			if section == "" {
				return nil, damaged("metadata", record.ErrMalformed)
			}
			if n.name, n.value, err = decodeAnnotation(p.Value(i)); err != nil {
				return nil, damaged("metadata", err)
			}
			use.add(section, &annotation{}, &n)
		}
		if p.Len() < countPage {
			return use, nil
		}
		r.From = append(p.Key(p.Len()-1), 0)
	}
}

// splitMetadataKey takes an entry's key apart; the section is empty if it is
// none.
func splitMetadataKey(key []byte) (metadataSection, string) {
	n := 6
	if len(key) > n && key[5] == metadataUser {
		n += 8
	}
	if len(key) <= n || key[5] > metadataUser || key[n] != '/' {
		return "", ""
	}
	return metadataSection(key[:n]), string(key[n:])
}

// dropMetadata removes what is annotated to a mailbox that goes.
func (t *txn) dropMetadata(id MailboxID) {
	t.deleteRange(kv.Prefix(appendKey32(nil, keyMetadata, uint32(id))))
	if t.metadataUse == nil && t.a.metadataUse == nil {
		return // whoever counts will not find them
	}
	if use, err := t.editMetadataUse(); err == nil {
		of := string(appendKey32(nil, keyMetadata, uint32(id)))
		maps.DeleteFunc(use, func(s metadataSection, _ metadataCount) bool { return strings.HasPrefix(string(s), of) })
	}
}

// copyMetadata annotates a mailbox as another one is; the new one has none yet
// (RFC 5464 §4.1: a renamed INBOX keeps its annotations and hands them on). A
// section for which its user has no room is left behind.
func (t *txn) copyMetadata(from, to MailboxID) error {
	got, err := t.read(kv.Reads{Ranges: []kv.Range{kv.Prefix(appendKey32(nil, keyMetadata, uint32(from)))}})
	if err != nil || got.Ranges[0].Len() == 0 {
		return err
	}
	use, err := t.editMetadataUse()
	if err != nil {
		return err
	}
	p := got.Ranges[0]
	for i := 0; i < p.Len(); {
		var fresh []annotation
		section, _ := splitMetadataKey(p.Key(i))
		if section == "" {
			return damaged("metadata", record.ErrMalformed)
		}
		for ; i < p.Len() && strings.HasPrefix(string(p.Key(i)), string(section)); i++ {
			n := annotation{key: append(appendKey32(nil, keyMetadata, uint32(to)), p.Key(i)[5:]...)}
			n.section = metadataSection(n.key[:len(section)])
			if n.name, n.value, err = decodeAnnotation(p.Value(i)); err != nil {
				return damaged("metadata", err)
			}
			fresh = append(fresh, n)
		}
		t.putMetadata(use, fresh)
	}
	return nil
}

// putMetadata writes new entries of one section, if there is room for them.
func (t *txn) putMetadata(use metadataUse, fresh []annotation) {
	old := make([]annotation, len(fresh))
	if t.roomForMetadata(use, fresh, old) != nil {
		return
	}
	for i := range fresh {
		use.add(fresh[i].section, &old[i], &fresh[i])
		t.set(fresh[i].key, fresh[i].append(nil))
	}
}
