package policies

import (
	"encoding/binary"
	"errors"
	"time"

	"citron/engine/record"
	"citron/submission/relay/route"
)

// recordVersion begins every value.
const recordVersion = 1

func appendPolicy(dst []byte, k *route.KeptPolicy) []byte {
	dst = append(dst, recordVersion, byte(k.Policy.Mode))
	dst = record.AppendString(dst, k.ID)
	dst = record.AppendTime(dst, k.Fetched)
	dst = binary.AppendUvarint(dst, uint64(k.Policy.MaxAge/time.Second))
	dst = binary.AppendUvarint(dst, uint64(len(k.Policy.Patterns)))
	for _, p := range k.Policy.Patterns {
		dst = record.AppendString(dst, p)
	}
	return dst
}

// maxAge keeps damaged seconds within a Duration; Check knows how many a policy
// may have.
const maxAge = 1 << 32

func decodePolicy(value []byte) (k route.KeptPolicy, err error) {
	d := record.Decode(value, recordVersion)
	k.Policy.Mode = route.Mode(d.ByteUpTo(byte(route.ModeEnforce)))
	k.ID, k.Fetched = d.String(), d.Time()
	k.Policy.MaxAge = time.Duration(d.UintUpTo(maxAge)) * time.Second
	for range d.Count(1) {
		k.Policy.Patterns = append(k.Policy.Patterns, d.String())
	}
	return k, d.End()
}

// read reads a record with its key.
func read(key, value []byte) (route.KeptPolicy, error) {
	if key[0] != keyPolicy {
		return route.KeptPolicy{}, errors.New("the key is of no known form")
	}
	k, err := decodePolicy(value)
	if err != nil {
		return route.KeptPolicy{}, err
	}
	k.Domain = string(key[1:])
	return k, k.Check()
}
