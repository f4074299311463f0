package directory

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"citron/engine/record"
)

// argon2id is an imported hash in PHC form.
type argon2id struct {
	phc         string
	memory      uint32 // KiB
	time        uint32
	parallelism uint8
	salt, hash  []byte
}

var errPHC = errors.New("want $argon2id$v=19$m=…,t=…,p=…$salt$hash")

// parseArgon2id parses a PHC string and bounds its parameters: memory 8 KiB per
// lane to 4 GiB, time up to 100, salt 8 to 64 octets, hash 16 to 64.
func parseArgon2id(phc string) (*argon2id, error) {
	fields := strings.Split(phc, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != "v=19" {
		return nil, errPHC
	}
	v := &argon2id{phc: phc}
	var rest string
	n, _ := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d%s", &v.memory, &v.time, &v.parallelism, &rest)
	if n != 3 {
		return nil, errPHC
	}
	var err1, err2 error
	v.salt, err1 = base64.RawStdEncoding.DecodeString(fields[4])
	v.hash, err2 = base64.RawStdEncoding.DecodeString(fields[5])
	if err1 != nil || err2 != nil {
		return nil, errPHC
	}
	switch {
	case v.parallelism < 1 || v.memory < 8*uint32(v.parallelism) || v.memory > 4<<20:
		return nil, errors.New("argon2id memory or parallelism out of range")
	case v.time < 1 || v.time > 100:
		return nil, errors.New("argon2id time out of range (1 to 100)")
	case len(v.salt) < 8 || len(v.salt) > 64 || len(v.hash) < 16 || len(v.hash) > 64:
		return nil, errors.New("argon2id salt or hash of unusual length")
	}
	return v, nil
}

// cost is the memory it takes, in bytes.
func (v *argon2id) cost() int64 { return int64(v.memory) << 10 }

func (v *argon2id) verify(password string) (bool, error) {
	got := argon2.IDKey([]byte(password), v.salt, v.time, v.memory, v.parallelism, uint32(len(v.hash)))
	return subtle.ConstantTimeCompare(got, v.hash) == 1, nil
}

func (v *argon2id) encode(references uint64) []byte {
	b := binary.AppendUvarint([]byte{version}, references)
	b = append(b, verifierArgon2id)
	return record.AppendString(b, v.phc)
}
