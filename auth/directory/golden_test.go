package directory

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"citron/auth"
	"citron/wire/sasl"
)

// TestRecordsOnDisk: values of each kind are written and read as they stand on
// disk of servers that are out there (docs/key-layout.md).
func TestRecordsOnDisk(t *testing.T) {
	account := accountRecord{disabled: true, shared: true, quota: 1 << 33, verifier: 300, credential: auth.CredentialID{1, 2},
		created: time.Unix(1e9, 0).UTC(), name: address{"example.org", "büro"}}
	scram := scramVerifier{sasl.Keys{Iterations: 10_000, Salt: []byte("salt"), StoredKey: []byte("stored"), ServerKey: []byte("server")}}
	argon, err := parseArgon2id("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil {
		t.Fatal(err)
	}
	reencode := func(v []byte) ([]byte, error) {
		k, references, err := decodeVerifier(v)
		if err != nil {
			return nil, err
		}
		return k.encode(references), nil
	}
	for _, r := range []struct {
		kind  string
		value []byte
		again func([]byte) ([]byte, error)
		hex   string
	}{
		{"head", head{300, 7}.encode(), func(v []byte) ([]byte, error) { h, err := decodeHead(v); return h.encode(), err }, "01ac0207"},
		{"account", account.encode(), func(v []byte) ([]byte, error) { a, err := decodeAccount(v); return a.encode(), err }, "01038080808020ac02010200000000000000000000000000008094ebdc030562c3bc726f0b6578616d706c652e6f7267"},
		{"name", nameRecord{accounts: []uint64{300}}.encode(), func(v []byte) ([]byte, error) { n, err := decodeName(v); return n.encode(), err }, "010101ac02"},
		{"alias", nameRecord{alias: true, accounts: []uint64{1, 300}}.encode(), func(v []byte) ([]byte, error) { n, err := decodeName(v); return n.encode(), err }, "01020201ac02"},
		{"domain", domainRecord{300}.encode(), func(v []byte) ([]byte, error) { d, err := decodeDomain(v); return d.encode(), err }, "01ac02"},
		{"SCRAM keys", scram.encode(300), reencode, "01ac0201904e0473616c740673746f72656406736572766572"},
		{"argon2id hash", argon.encode(2), reencode, "01020256246172676f6e32696424763d3139246d3d36353533362c743d322c703d3124633239745a584e686248512443544668466458504a4f316146614d614f364d6d3563387937634a484170683841725a5762324752505063"},
	} {
		if got := hex.EncodeToString(r.value); got != r.hex {
			t.Errorf("%s is written as\n%s, not\n%s", r.kind, got, r.hex)
		}
		if again, err := r.again(r.value); err != nil || !bytes.Equal(again, r.value) {
			t.Errorf("%s comes back as %x: %v", r.kind, again, err)
		}
		for n := range r.value {
			if _, err := r.again(r.value[:n:n]); err == nil {
				t.Errorf("%s cut to %d bytes is read", r.kind, n)
			}
		}
	}
}
