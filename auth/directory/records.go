package directory

import (
	"encoding/binary"
	"time"

	"citron/auth"
	"citron/engine/record"
)

// version begins every value.
const version = 1

const secretLen = 32

// head is the record under keyHead: what is given out next.
type head struct {
	nextAccount, nextVerifier uint64
}

func (h head) encode() []byte {
	b := binary.AppendUvarint([]byte{version}, h.nextAccount)
	return binary.AppendUvarint(b, h.nextVerifier)
}

func decodeHead(v []byte) (head, error) {
	if v == nil {
		return head{1, 1}, nil
	}
	d := record.Decode(v, version)
	h := head{d.Uint(), d.Uint()}
	return h, d.End()
}

// accountRecord is the record under keyAccount.
type accountRecord struct {
	disabled   bool
	shared     bool   // nobody's own
	quota      uint64 // octets; 0: no limit
	verifier   uint64 // 0: none, nobody can log in
	credential auth.CredentialID
	created    time.Time // whole seconds
	name       address
}

const (
	flagDisabled = 1 << iota
	flagShared
)

func (a accountRecord) encode() []byte {
	flags := byte(0)
	if a.disabled {
		flags |= flagDisabled
	}
	if a.shared {
		flags |= flagShared
	}
	b := []byte{version, flags}
	b = binary.AppendUvarint(b, a.quota)
	b = binary.AppendUvarint(b, a.verifier)
	b = append(b, a.credential[:]...)
	b = binary.AppendUvarint(b, uint64(a.created.Unix()))
	b = record.AppendString(b, a.name.domain)
	return record.AppendString(b, a.name.local)
}

func decodeAccount(v []byte) (accountRecord, error) {
	d := record.Decode(v, version)
	flags := d.Byte()
	a := accountRecord{disabled: flags&flagDisabled != 0, shared: flags&flagShared != 0}
	a.quota = d.Uint()
	a.verifier = d.Uint()
	copy(a.credential[:], d.Take(uint64(len(a.credential))))
	a.created = time.Unix(int64(d.Uint()), 0).UTC()
	a.name.domain = d.String()
	a.name.local = d.String()
	return a, d.End()
}

// nameRecord is the record under keyName: an account or an alias.
type nameRecord struct {
	alias    bool
	accounts []uint64 // one unless alias; never empty
}

const (
	nameAccount = 1
	nameAlias   = 2
)

func (n nameRecord) encode() []byte {
	kind := byte(nameAccount)
	if n.alias {
		kind = nameAlias
	}
	b := binary.AppendUvarint([]byte{version, kind}, uint64(len(n.accounts)))
	for _, a := range n.accounts {
		b = binary.AppendUvarint(b, a)
	}
	return b
}

func decodeName(v []byte) (nameRecord, error) {
	d := record.Decode(v, version)
	n := nameRecord{alias: d.Byte() == nameAlias}
	n.accounts = make([]uint64, d.Count(1))
	for i := range n.accounts {
		n.accounts[i] = d.Uint()
	}
	if len(n.accounts) == 0 {
		d.Fail(record.ErrMalformed)
	}
	return n, d.End()
}

// domainRecord is the record under keyDomain.
type domainRecord struct {
	catchAll uint64 // account; 0: none
}

func (r domainRecord) encode() []byte { return binary.AppendUvarint([]byte{version}, r.catchAll) }

func decodeDomain(v []byte) (domainRecord, error) {
	d := record.Decode(v, version)
	r := domainRecord{d.Uint()}
	return r, d.End()
}
