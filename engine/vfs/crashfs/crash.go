package crashfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Crash cuts the power: it gives the file system as found afterwards, where
// everything is durable and nothing is locked or limited, and makes every call
// on the old one, those held among them, return ErrCrashed. The same history
// and the same rng give the same result.
func (f *FS) Crash(rng *rand.Rand) *FS {
	f.mu.Lock()
	after := New()
	s := survivors{rng: rng, fs: after, files: make(map[*inode]*inode)}
	s.dir(f.root, after.root)
	f.crashed = true
	holds := f.holds
	f.holds = nil
	f.mu.Unlock()
	for _, h := range holds {
		h.Release()
	}
	return after
}

// survivors builds what a crash leaves.
type survivors struct {
	rng   *rand.Rand
	fs    *FS
	files map[*inode]*inode // a file may survive under two names
}

func (s *survivors) dir(old, into *dir) {
	names := make(map[string]bool)
	for name := range old.entries {
		names[name] = true
	}
	for name := range old.unsynced {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		found, _ := choose(s.rng, old.unsynced[name], old.entries[name])
		switch n := found.(type) {
		case *dir:
			child := newDir()
			into.entries[name] = child
			s.dir(n, child)
		case *inode:
			file := s.file(n)
			file.links++
			into.entries[name] = file
		}
	}
}

func (s *survivors) file(old *inode) *inode {
	if known := s.files[old]; known != nil {
		return known
	}
	file := newInode()
	file.data = s.contents(old)
	file.sizes[0] = int64(len(file.data))
	s.files[old] = file
	s.fs.used += int64(len(file.data))
	return file
}

// contents decides on each unsynced block, and on the size that goes with it.
func (s *survivors) contents(old *inode) []byte {
	size := old.sizes[s.rng.IntN(len(old.sizes))]
	present := int64(len(old.data))
	data := slices.Clone(old.data)
	if len(old.sizes) == 1 && len(old.blocks) == 0 {
		return data
	}
	for _, i := range slices.Sorted(maps.Keys(old.blocks)) {
		start := i * BlockSize
		end := start + BlockSize
		c := *old.blocks[i]
		c.lost = c.lost || start >= present // cut off: its present is no state of the block
		state, written := choose(s.rng, &c, old.block(i))
		if written {
			size = max(size, min(start+int64(len(state)), present))
		}
		if grown := end - int64(len(data)); grown > 0 {
			data = append(data, make([]byte, grown)...)
		}
		clear(data[start+int64(copy(data[start:end], state)) : end])
	}
	if grown := size - int64(len(data)); grown > 0 {
		data = append(data, make([]byte, grown)...)
	}
	return data[:size:size]
}

// choose decides what is found of something: a past state or the present one,
// and says whether that is anything but what was durable.
func choose[T any](rng *rand.Rand, c *change[T], present T) (state T, written bool) {
	if c == nil {
		return present, false
	}
	n := len(c.past)
	if !c.lost {
		n++
	}
	pick := rng.IntN(n)
	if pick == len(c.past) {
		return present, true
	}
	return c.past[pick], pick > 0
}
