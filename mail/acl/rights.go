// Package acl is the meaning of access control lists (RFC 4314): rights, the
// identifiers that have them, and what a list gives to somebody. It knows
// accounts by their numbers only, so that a name given to somebody else never
// brings rights with it.
package acl

import (
	"fmt"
	"strings"
)

// Rights is a set of the standard rights (RFC 4314 §2.1).
type Rights uint16

// The rights, in the order in which they are written.
const (
	Lookup         Rights = 1 << iota // l: LIST, LSUB
	Read                              // r: SELECT, STATUS
	Seen                              // s: set and clear \Seen
	Write                             // w: set and clear other flags
	Insert                            // i: APPEND and COPY into it
	Post                              // p: send mail to it; not enforced by IMAP
	Create                            // k: mailboxes below it
	Delete                            // x: the mailbox itself
	DeleteMessages                    // t: set and clear \Deleted
	Expunge                           // e: EXPUNGE
	Admin                             // a: the list itself

	None Rights = 0
	All         = 1<<11 - 1
)

// Standing are the rights that the owner of a mailbox always has: he can find
// it, read it, and take back whatever his list says (RFC 4314 §2: a right may
// be forced to be granted to an identifier).
const Standing = Lookup | Read | Admin

// Any are the rights of which one is needed for MYRIGHTS (RFC 4314 §4).
const Any = Lookup | Read | Insert | Create | Delete | Admin

// The virtual rights of RFC 2086 (RFC 4314 §2.1.1): of the two readings that
// the RFC allows, "c" is create and delete mailboxes.
const (
	obsoleteCreate = Create | Delete
	obsoleteDelete = DeleteMessages | Expunge
)

// letters are indexed by bit number.
const letters = "lrswipkxtea"

// Has says whether all of want are in the set.
func (r Rights) Has(want Rights) bool { return r&want == want }

// String writes the rights with the virtual "c" and "d" where a member of
// theirs is there, as ACL and MYRIGHTS must (RFC 4314 §2.1.1).
func (r Rights) String() string {
	var b strings.Builder
	for i := range len(letters) - 1 {
		if r&(1<<i) != 0 {
			b.WriteByte(letters[i])
		}
	}
	if r&obsoleteCreate != 0 {
		b.WriteByte('c')
	}
	if r&obsoleteDelete != 0 {
		b.WriteByte('d')
	}
	if r&Admin != 0 {
		b.WriteByte('a')
	}
	return b.String()
}

// Optional lists the rights that may or may not be granted to somebody who
// always has those required, each by itself since none are tied, with the
// virtual ones at the end (RFC 4314 §3.7).
func Optional(required Rights) []string {
	var list []string
	for i := range len(letters) {
		if required&(1<<i) == 0 {
			list = append(list, letters[i:i+1])
		}
	}
	return append(list, "c", "d")
}

// Parse reads rights as a client writes them, "c" and "d" standing for their
// members. The error is fit for the user.
func Parse(s string) (r Rights, err error) {
	for i := range len(s) {
		switch c := s[i]; {
		case c == 'c':
			r |= obsoleteCreate
		case c == 'd':
			r |= obsoleteDelete
		case c >= 'A' && c <= 'Z':
			return None, fmt.Errorf("uppercase rights are not allowed")
		default:
			bit := strings.IndexByte(letters, c)
			if bit < 0 {
				return None, fmt.Errorf("the right %q is not supported", c)
			}
			r |= 1 << bit
		}
	}
	return r, nil
}

// Change is SETACL's third argument (RFC 4314 §3.1).
type Change struct {
	Op     Op
	Rights Rights
}

// Op says what a Change does with the rights it names.
type Op uint8

// What a Change does.
const (
	Replace Op = iota
	Add
	Remove
)

// ParseChange reads "+rights", "-rights" or "rights".
func ParseChange(s string) (c Change, err error) {
	switch {
	case strings.HasPrefix(s, "+"):
		c.Op, s = Add, s[1:]
	case strings.HasPrefix(s, "-"):
		c.Op, s = Remove, s[1:]
	}
	c.Rights, err = Parse(s)
	return c, err
}

// apply gives what rights become.
func (c Change) apply(r Rights) Rights {
	switch c.Op {
	case Add:
		return r | c.Rights
	case Remove:
		return r &^ c.Rights
	}
	return c.Rights
}
