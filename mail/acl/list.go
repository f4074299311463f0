package acl

import (
	"cmp"
	"slices"
)

// Anyone is the identifier "anyone", everybody who is or is not logged in
// (RFC 4314 §2), as an account's number. No account has it.
const Anyone uint64 = 1 << 62

// Who is an identifier: an account, or anyone; Negative for "-name", whose
// rights are taken away.
type Who struct {
	Account  uint64
	Negative bool
}

// Entry is what one identifier has.
type Entry struct {
	Who
	Rights Rights
}

// List is the access control list of a mailbox, in the order of identifiers,
// each once. A List is never changed: With gives another.
//
// nil is the list that says nothing but that the owner has every right.
type List []Entry

// Whole is a List as it is written out, for an owner.
func (l List) Whole(owner uint64) List {
	if l == nil {
		return List{{Who{Account: owner}, All}}
	}
	return l
}

// Rights gives the rights of somebody: the union of what the entries for the
// account and for anyone grant, less what negative entries for either take
// away. The owner has at least Standing.
func (l List) Rights(owner, who uint64) Rights {
	var granted, taken Rights
	for _, e := range l.Whole(owner) {
		switch {
		case e.Account != who && e.Account != Anyone:
		case e.Negative:
			taken |= e.Rights
		default:
			granted |= e.Rights
		}
	}
	granted &^= taken
	if who == owner {
		granted |= Standing
	}
	return granted
}

// Required are the rights that an identifier has whatever the list says
// (LISTRIGHTS, RFC 4314 §3.7).
func Required(owner uint64, who Who) Rights {
	if who == (Who{Account: owner}) {
		return Standing
	}
	return None
}

// With gives the list after SETACL. An entry without rights stays none.
func (l List) With(owner uint64, who Who, c Change) List {
	whole := l.Whole(owner)
	at, there := slices.BinarySearchFunc(whole, who, order)
	rights := None
	if there {
		rights = whole[at].Rights
	}
	rights = c.apply(rights) | Required(owner, who)
	switch {
	case there && rights == whole[at].Rights, !there && rights == None:
		return l
	case rights == None:
		return l.Without(owner, who)
	}
	out := slices.Clone(whole)
	if there {
		out[at].Rights = rights
	} else {
		out = slices.Insert(out, at, Entry{who, rights})
	}
	return out.normal(owner)
}

// Without gives the list after DELETEACL.
func (l List) Without(owner uint64, who Who) List {
	whole := l.Whole(owner)
	at, there := slices.BinarySearchFunc(whole, who, order)
	if !there {
		return l
	}
	out := slices.Delete(slices.Clone(whole), at, at+1)
	return out.normal(owner)
}

// normal gives nil for what nil says.
func (l List) normal(owner uint64) List {
	if len(l) == 1 && l[0] == (Entry{Who{Account: owner}, All}) {
		return nil
	}
	if l == nil {
		return List{}
	}
	return l
}

// Shares lists the accounts, other than the owner, that the list grants
// anything.
func (l List) Shares(owner uint64) (accounts []uint64) {
	for _, e := range l {
		if !e.Negative && e.Account != owner {
			accounts = append(accounts, e.Account)
		}
	}
	return accounts
}

// Sorted says whether a list read from elsewhere is in order and has every
// identifier once, with rights that there are.
func (l List) Sorted() bool {
	for i, e := range l {
		if e.Account == 0 || e.Rights == None || e.Rights > All || i > 0 && order(l[i-1], e.Who) >= 0 {
			return false
		}
	}
	return true
}

func order(e Entry, w Who) int {
	if c := cmp.Compare(e.Account, w.Account); c != 0 || e.Negative == w.Negative {
		return c
	}
	if w.Negative {
		return -1
	}
	return 1
}
