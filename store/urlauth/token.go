package urlauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"time"

	"citron/store/account"
)

// A token of the mechanism INTERNAL is, in lower-case hexadecimal: the version
// of what follows, 1; when it was made, UTC seconds in 8 bytes; and the
// HMAC-SHA-256 of label, version, time and rump URL under the key. A server
// that knows a better way one day gives its tokens another version, and can go
// on to accept this one for a while (RFC 4467 §2.4.1).
const (
	version     = 1
	macAt       = 1 + 8
	tokenLength = macAt + sha256.Size
	label       = "citron urlauth"
)

// key is what a token is made with: that of the user's table, and that of the
// mailbox.
type key [2 * account.URLKeySize]byte

// plausible is a key that nobody has, for URLs of mailboxes that are not there:
// they are refused after the same work (RFC 4467 §6).
func plausible() (k key) {
	rand.Read(k[:])
	return k
}

// token makes the token of a rump URL.
func (k *key) token(rump string, made time.Time) string {
	t := make([]byte, macAt, tokenLength)
	t[0] = version
	binary.BigEndian.PutUint64(t[1:], uint64(made.Unix()))
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(label))
	mac.Write(t)
	mac.Write([]byte(rump))
	return hex.EncodeToString(mac.Sum(t))
}

// verify says whether a token is that of a rump URL, and when it was made. It
// takes the same time for every token of the same length.
func (k *key) verify(rump, token string) (made time.Time, ok bool) {
	var head [macAt]byte
	hex.Decode(head[:], []byte(token[:min(len(token), 2*macAt)])) // nonsense is another token
	made = time.Unix(int64(binary.BigEndian.Uint64(head[1:])), 0)
	return made, subtle.ConstantTimeCompare([]byte(k.token(rump, made)), []byte(token)) == 1
}
