package crashfs

// inode is a file's contents, and of the blocks that were written since the
// last Sync, what they held before.
type inode struct {
	data   []byte
	blocks map[int64]*change[[]byte] // by block number; a nil state is zeros
	// sizes are those the file may turn out to have: the durable one first,
	// then those to which it was truncated since. Blocks that survive make it
	// longer.
	sizes []int64
	links int // names
	opens int // handles
}

func newInode() *inode {
	return &inode{blocks: make(map[int64]*change[[]byte]), sizes: []int64{0}}
}

// block gives a copy of a block's present bytes; nil if it has none.
func (n *inode) block(i int64) []byte {
	start := i * BlockSize
	if start >= int64(len(n.data)) {
		return nil
	}
	return append([]byte(nil), n.data[start:min(start+BlockSize, int64(len(n.data)))]...)
}

// touch remembers what the blocks of a range hold before it changes.
func (n *inode) touch(from, to int64) {
	for i := from / BlockSize; i*BlockSize < to; i++ {
		c := n.blocks[i]
		if c == nil {
			c = new(change[[]byte])
			n.blocks[i] = c
		}
		c.add(n.block(i))
	}
}

// writeAt writes beyond the end too, leaving zeros between.
func (n *inode) writeAt(p []byte, offset int64) {
	end := offset + int64(len(p))
	n.touch(offset, end)
	n.grow(end)
	copy(n.data[offset:], p)
}

func (n *inode) grow(size int64) {
	if grown := size - int64(len(n.data)); grown > 0 {
		n.data = append(n.data, make([]byte, grown)...)
	}
}

// truncate cuts or extends.
func (n *inode) truncate(size int64) {
	if old := int64(len(n.data)); size < old {
		n.touch(size, old)
		n.data = n.data[:size:size]
	}
	n.grow(size)
	if len(n.sizes) == pastMax {
		n.sizes = append(n.sizes[:1], n.sizes[2:]...)
	}
	n.sizes = append(n.sizes, size)
}

// sync makes the present contents durable, but for the blocks lost.
func (n *inode) sync() {
	for i, c := range n.blocks {
		if !c.lost {
			delete(n.blocks, i)
		}
	}
	n.sizes = append(n.sizes[:0], int64(len(n.data)))
}

// lose is a failed sync.
func (n *inode) lose() {
	for _, c := range n.blocks {
		c.lost = true
	}
}

// reclaim gives back the room of a file that nothing refers to any more.
func (f *FS) reclaim(n *inode) {
	if n.links == 0 && n.opens == 0 {
		f.used -= int64(len(n.data))
	}
}
