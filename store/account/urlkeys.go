package account

import (
	"context"
	"crypto/rand"
	"fmt"

	"citron/engine/kv"
	"citron/engine/record"
)

// Keys of authorized URLs (RFC 4467 §2.2). Each user has one for each mailbox, in
// the account of the mailbox's owner, under the mailbox's number: it goes with
// the mailbox and stays when that gets another name. Beside them stands, in the
// user's own account, the key of the user's whole table, without which none of
// them is worth anything: so that all can be revoked at once, wherever they are.

// URLKeySize is the length of a key in bytes.
const URLKeySize = 32

// URLTable stands for a mailbox where the key is that of the user's table.
const URLTable MailboxID = 0

func urlKey(id MailboxID, user uint64) []byte { return appendKey3264(nil, keyURL, uint32(id), user) }

// urlKeyID names a key of this account.
type urlKeyID struct {
	mailbox MailboxID
	user    uint64
}

// URLKey gives a user's key for a mailbox of this account, nil if there is none.
// It is what is durable now, never what was read before.
func (a *Account) URLKey(ctx context.Context, id MailboxID, user uint64) ([]byte, error) {
	got, err := a.view(ctx, kv.Reads{Gets: [][]byte{urlKey(id, user)}})
	if err != nil || got.Values[0] == nil {
		return nil, err
	}
	return decodeURLKey(id, user, got.Values[0])
}

func decodeURLKey(id MailboxID, user uint64, value []byte) ([]byte, error) {
	if len(value) != 1+URLKeySize || value[0] != recordVersion {
		return nil, damaged(fmt.Sprintf("URL key of account %d for mailbox %d", user, id), record.ErrMalformed)
	}
	return append([]byte(nil), value[1:]...), nil
}

// MakeURLKey gives a user's key for a mailbox, a new one if there is none. Kind:
// NoMailbox.
func (a *Account) MakeURLKey(ctx context.Context, by Actor, id MailboxID, user uint64) (key []byte, err error) {
	if key, err = a.URLKey(ctx, id, user); key != nil || err != nil {
		return key, err
	}
	err = a.write(ctx, func(t *txn) error {
		value, err := t.get(urlKey(id, user))
		switch {
		case err != nil:
			return err
		case value == nil:
			key, err = t.newURLKey(id, user)
		default:
			key, err = decodeURLKey(id, user, value)
		}
		return err
	})
	return key, err
}

// ResetURLKey puts a new key in place of a user's for a mailbox, or where there
// was none; sessions of the user with the mailbox selected are to be told
// (URLResets). Kind: NoMailbox.
func (a *Account) ResetURLKey(ctx context.Context, by Actor, id MailboxID, user uint64) error {
	return a.write(ctx, func(t *txn) error {
		_, err := t.newURLKey(id, user)
		if err == nil {
			t.urlResets = append(t.urlResets, urlKeyID{id, user})
		}
		return err
	})
}

// DropURLTable takes the key of the owner's table away, and with it the worth of
// all URLs authorized so far.
func (a *Account) DropURLTable(ctx context.Context, by Actor) error {
	return a.write(ctx, func(t *txn) error {
		t.delete(urlKey(URLTable, uint64(a.id)))
		return nil
	})
}

func (t *txn) newURLKey(id MailboxID, user uint64) ([]byte, error) {
	if id != URLTable && t.find(id) == nil {
		return nil, ErrNoMailbox
	}
	value := make([]byte, 1+URLKeySize)
	value[0] = recordVersion
	rand.Read(value[1:]) // never fails: it ends the process instead
	t.set(urlKey(id, user), value)
	return append([]byte(nil), value[1:]...), nil
}

// URLResets counts how often the user's key for a mailbox was reset since the
// account was opened.
func (a *Account) URLResets(id MailboxID, user uint64) uint64 {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.urlResets[urlKeyID{id, user}]
}

// readURLKey is Verify's.
func (in *inspection) readURLKey(key, value []byte) {
	if len(key) != 13 {
		in.bad = append(in.bad, key)
		in.say("The URL key %x is of no known form.", key)
		return
	}
	id, user := MailboxID(be32(key[1:])), be64(key[5:])
	_, err := decodeURLKey(id, user, value)
	switch {
	case err != nil:
		in.bad = append(in.bad, key)
		in.say("The URL key of account %d for mailbox %d cannot be read.", user, id)
	case id == URLTable && user != uint64(in.id):
		in.bad = append(in.bad, key)
		in.say("The key of the table of account %d is not in that account.", user)
	case id != URLTable && in.boxes[id] == nil && !in.homeless[id]:
		in.bad = append(in.bad, key)
		in.say("A URL key belongs to mailbox %d, which there is not.", id)
	}
}
