package directory

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"citron/auth"
)

// cacheSize bounds each cache, in entries of a few hundred octets.
const cacheSize = 16384

// cache holds what was read, until anything is written. When it is full some
// entry makes room.
type cache[K comparable, V any] struct {
	mu    sync.RWMutex
	epoch uint64 // counts clear
	m     map[K]V
}

func newCache[K comparable, V any]() *cache[K, V] { return &cache[K, V]{m: map[K]V{}} }

// get looks up; the epoch is for put.
func (c *cache[K, V]) get(k K) (v V, ok bool, epoch uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok = c.m[k]
	return v, ok, c.epoch
}

// put keeps what was read after get gave the epoch, unless something has been
// written since: it may then be old.
func (c *cache[K, V]) put(k K, v V, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	makeRoom(c.m)
	c.m[k] = v
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	clear(c.m)
}

func makeRoom[K comparable, V any](m map[K]V) {
	if len(m) < cacheSize {
		return
	}
	for k := range m {
		delete(m, k)
		return
	}
}

// successes remembers which passwords were right, by a hash under a key that
// dies with the process.
type successes struct {
	key [32]byte
	ttl time.Duration
	mu  sync.Mutex
	m   map[[16]byte]success
}

type success struct {
	credential auth.CredentialID
	until      time.Time
}

func newSuccesses(ttl time.Duration) *successes {
	s := &successes{ttl: ttl, m: map[[16]byte]success{}}
	rand.Read(s.key[:])
	return s
}

func (s *successes) hash(name, password string) (sum [16]byte) {
	m := hmac.New(sha256.New, s.key[:])
	m.Write([]byte(name))
	m.Write([]byte{0})
	m.Write([]byte(password))
	copy(sum[:], m.Sum(nil))
	return sum
}

// known says whether this password was right for this very credential lately.
func (s *successes) known(name, password string, c auth.CredentialID) bool {
	sum := s.hash(name, password)
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.m[sum]
	if ok && (found.credential != c || !time.Now().Before(found.until)) {
		delete(s.m, sum)
		return false
	}
	return ok
}

func (s *successes) remember(name, password string, c auth.CredentialID) {
	sum := s.hash(name, password)
	s.mu.Lock()
	defer s.mu.Unlock()
	makeRoom(s.m)
	s.m[sum] = success{c, time.Now().Add(s.ttl)}
}
