package pebblekv

import (
	"fmt"
	"sync/atomic"
	"time"

	"citron/engine/kv"
	"citron/engine/vfs"
)

// floorInterval is how long an answer about free space is good for.
const floorInterval = 50 * time.Millisecond

// floor refuses new work when the volume is nearly full, so that the log and
// the compactions of what was accepted always find room.
type floor struct {
	fs    vfs.FS
	bytes uint64 // to be kept free; 0: no floor

	checked atomic.Int64 // when, in nanoseconds of the monotonic clock
	low     atomic.Bool
}

// start is where the floor's clock begins.
var start = time.Now()

// check gives kv.ErrNoSpace if less than the floor was free a moment ago.
func (f *floor) check() error {
	if f.bytes == 0 {
		return nil
	}
	now := int64(time.Since(start)) + 1
	last := f.checked.Load()
	if stale := last == 0 || now-last >= int64(floorInterval); stale && f.checked.CompareAndSwap(last, now) {
		free, _, err := f.fs.Space()
		if err != nil {
			f.checked.Store(last)
			return fmt.Errorf("free space: %w", err)
		}
		f.low.Store(free < f.bytes)
	}
	if f.low.Load() {
		return kv.ErrNoSpace
	}
	return nil
}
