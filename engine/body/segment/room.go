package segment

import (
	"fmt"
	"sync"
	"time"

	"citron/engine/vfs"
)

// room keeps a floor of free bytes on the volume. It asks the file system
// rarely: after so many bytes, or after so long, as others write there too.
type room struct {
	space func() (free, total uint64, err error)
	floor uint64
	low   uint64 // floor of what makes room

	mu     sync.Mutex
	budget uint64 // bytes that may be taken before asking again
	asked  time.Time
}

const (
	roomAtOnce = 64 << 20
	roomFor    = time.Second
)

// take says whether n bytes may be written: nil, or vfs.ErrNoSpace.
func (r *room) take(n int64) error {
	if r.floor == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	need := uint64(n)
	if now := time.Now(); r.budget < need || now.Sub(r.asked) >= roomFor {
		free, _, err := r.space()
		if err != nil {
			return fmt.Errorf("asking for free space: %w", err)
		}
		r.budget, r.asked = 0, now
		if free < r.floor || free-r.floor < need {
			return fmt.Errorf("%w: %d bytes free, and %d are kept free", vfs.ErrNoSpace, free, r.floor)
		}
		r.budget = max(need, min(roomAtOnce, (free-r.floor)/4))
	}
	r.budget -= need
	return nil
}

// takeLow is take for what makes room: it asks each time.
func (r *room) takeLow(n int64) error {
	if r.low == 0 {
		return nil
	}
	free, _, err := r.space()
	if err != nil {
		return fmt.Errorf("asking for free space: %w", err)
	}
	if free < r.low || free-r.low < uint64(n) {
		return fmt.Errorf("%w: %d bytes free, and %d are kept free of sweeps, too", vfs.ErrNoSpace, free, r.low)
	}
	return nil
}
