package directory

import (
	"encoding/binary"
	"errors"
	"time"

	"citron/auth"
)

// version begins every value.
const version = 1

const secretLen = 32

var errRecord = errors.New("a record of the directory is damaged or of a newer version")

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
	d := decode(v)
	h := head{d.uint(), d.uint()}
	return h, d.err
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
	b = appendString(b, a.name.domain)
	return appendString(b, a.name.local)
}

func decodeAccount(v []byte) (accountRecord, error) {
	d := decode(v)
	var a accountRecord
	if flags := d.bytes(1); d.err == nil {
		a.disabled = flags[0]&flagDisabled != 0
		a.shared = flags[0]&flagShared != 0
	}
	a.quota = d.uint()
	a.verifier = d.uint()
	copy(a.credential[:], d.bytes(len(a.credential)))
	a.created = time.Unix(int64(d.uint()), 0).UTC()
	a.name.domain = string(d.string())
	a.name.local = string(d.string())
	return a, d.err
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
	d := decode(v)
	var n nameRecord
	if kind := d.bytes(1); d.err == nil {
		n.alias = kind[0] == nameAlias
	}
	count := d.uint()
	if count > uint64(len(d.rest)) {
		return n, errRecord
	}
	n.accounts = make([]uint64, count)
	for i := range n.accounts {
		n.accounts[i] = d.uint()
	}
	if d.err == nil && count == 0 {
		return n, errRecord
	}
	return n, d.err
}

// domainRecord is the record under keyDomain.
type domainRecord struct {
	catchAll uint64 // account; 0: none
}

func (r domainRecord) encode() []byte { return binary.AppendUvarint([]byte{version}, r.catchAll) }

func decodeDomain(v []byte) (domainRecord, error) {
	d := decode(v)
	r := domainRecord{d.uint()}
	return r, d.err
}

func appendString[S string | []byte](b []byte, s S) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decoder reads a value from its front; after the first error everything is
// zero.
type decoder struct {
	rest []byte
	err  error
}

func decode(v []byte) *decoder {
	if len(v) == 0 || v[0] != version {
		return &decoder{err: errRecord}
	}
	return &decoder{rest: v[1:]}
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.err, d.rest = errRecord, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.err, d.rest = errRecord, nil
		return nil
	}
	p := d.rest[:n:n]
	d.rest = d.rest[n:]
	return p
}

func (d *decoder) string() []byte {
	n := d.uint()
	if n > uint64(len(d.rest)) {
		d.err, d.rest = errRecord, nil
		return nil
	}
	return d.bytes(int(n))
}
