package crashfs

import (
	"io/fs"
	"iter"
	"strings"
	"time"
)

// node is a *dir or an *inode.
type node any

func isDir(n node) bool {
	_, ok := n.(*dir)
	return ok
}

// dir is a directory: what it names, and of the names that changed since the
// last SyncDir, what they named before.
type dir struct {
	entries  map[string]node
	unsynced map[string]*change[node]
}

func newDir() *dir {
	return &dir{entries: make(map[string]node), unsynced: make(map[string]*change[node])}
}

// change is the history of something since it was durable.
type change[T any] struct {
	// past is what it was, the durable state first. Of a long history the
	// middle is forgotten.
	past []T
	// lost says that a sync failed to make the present durable, and that no
	// later sync will: only a new change makes the present possible again.
	lost bool
}

// pastMax bounds a history.
const pastMax = 4

func (c *change[T]) add(state T) {
	if len(c.past) == pastMax {
		c.past = append(c.past[:1], c.past[2:]...)
	}
	c.past = append(c.past, state)
	c.lost = false
}

// set makes a name of a directory stand for a node; nil removes the name.
func (f *FS) set(d *dir, name string, to node) {
	was := d.entries[name]
	c := d.unsynced[name]
	if c == nil {
		c = new(change[node])
		d.unsynced[name] = c
	}
	c.add(was)
	if to == nil {
		delete(d.entries, name)
	} else {
		d.entries[name] = to
	}
	if file, ok := to.(*inode); ok {
		file.links++
	}
	if file, ok := was.(*inode); ok {
		file.links--
		f.reclaim(file)
	}
}

// sync makes the present names durable, but for those lost.
func (d *dir) sync() {
	for name, c := range d.unsynced {
		if !c.lost {
			delete(d.unsynced, name)
		}
	}
}

// lose is a failed sync.
func (d *dir) lose() {
	for _, c := range d.unsynced {
		c.lost = true
	}
}

// elements gives the parts of a valid path; none of the root's, ".".
func elements(name string) iter.Seq[string] {
	if name == "." {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(name, "/")
}

// info describes a file or directory.
type info struct {
	name string
	size int64
	dir  bool
}

func (i info) Name() string { return i.name }
func (i info) Size() int64  { return i.size }
func (i info) IsDir() bool  { return i.dir }
func (i info) Sys() any     { return nil }

// ModTime is always the same: time is not what is tested here.
func (i info) ModTime() time.Time { return time.Unix(0, 0) }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
