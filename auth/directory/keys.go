package directory

import (
	"encoding/binary"
	"strings"
)

// The first octet of each key; docs/key-layout.md, section Directory.
const (
	keyAccount  = 'a' // account:u64
	keyDomain   = 'd' // domain
	keyHead     = 'f'
	keySecret   = 'k'
	keyName     = 'n' // domain 0x00 local
	keyPending  = 'p' // account:u64
	keyTarget   = 't' // account:u64 domain 0x00 local
	keyVerifier = 'v' // verifier:u64
)

func numberKey(kind byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, n)
}

func domainKey(domain string) []byte { return append([]byte{keyDomain}, domain...) }

// nameKey: neither half can contain a NUL, so the order is by domain first.
func nameKey(a address) []byte { return appendAddress([]byte{keyName}, a) }

func targetKey(account uint64, a address) []byte {
	return appendAddress(numberKey(keyTarget, account), a)
}

func appendAddress(key []byte, a address) []byte {
	key = append(key, a.domain...)
	key = append(key, 0)
	return append(key, a.local...)
}

// parseAddress is the inverse of appendAddress.
func parseAddress(key []byte) address {
	domain, local, _ := strings.Cut(string(key), "\x00")
	return address{local, domain}
}
