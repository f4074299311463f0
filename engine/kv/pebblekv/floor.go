package pebblekv

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"citron/engine/kv"
	"citron/engine/vfs"
)

// floorInterval is how long an answer about free space is good for, unless
// much is written meanwhile.
const floorInterval = 50 * time.Millisecond

// floor refuses new work when the volume is nearly full, so that the log and
// the compactions of what was accepted always find room. What makes room is
// taken down to a second, lower one.
type floor struct {
	fs    vfs.FS
	bytes uint64    // to be kept free; 0: no floor
	low   uint64    // to be kept free of what makes room, too
	start time.Time // of the clock

	checked atomic.Int64  // when, in nanoseconds since start
	written atomic.Uint64 // bytes of commits since then
	free    atomic.Uint64 // bytes at that time
}

// open makes the floor ready. Until the first answer is there, nothing is known
// to be missing.
func (f *floor) open(fs vfs.FS, o Options) {
	f.fs, f.bytes, f.low, f.start = fs, o.FreeFloor, o.LowFloor, time.Now()
	f.free.Store(math.MaxUint64)
}

// wrote tells of a commit.
func (f *floor) wrote(n int) { f.written.Add(uint64(n)) }

// check gives kv.ErrNoSpace if less than the floor was free a moment ago: the
// lower one for what makes room.
func (f *floor) check(makesRoom bool) error {
	if f.bytes == 0 {
		return nil
	}
	now := int64(time.Since(f.start)) + 1
	last := f.checked.Load()
	stale := last == 0 || now-last >= int64(floorInterval) || f.written.Load() > f.low/8
	if stale && f.checked.CompareAndSwap(last, now) {
		f.written.Store(0)
		free, _, err := f.fs.Space()
		if err != nil {
			return fmt.Errorf("free space: %w", err)
		}
		f.free.Store(free)
	}
	if free := f.free.Load(); free < f.low || free < f.bytes && !makesRoom {
		return kv.ErrNoSpace
	}
	return nil
}
