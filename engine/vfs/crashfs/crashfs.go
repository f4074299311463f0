// Package crashfs is an in-memory vfs.FS that forgets: Crash gives the file
// system as a power cut would leave it, where each block and each directory
// entry that was not synced is independently there or not.
//
// # What a crash does
//
// A file is followed in blocks of BlockSize bytes. A block written since the
// last Sync holds, after the crash, what was durable, or what was last
// written, or something it held between. The file is as long as it durably
// was, or as a truncation since made it, or as its last surviving block
// demands. An entry of a directory names, after the crash, what it durably
// named, or what it last named, or something between; so a renamed file may
// be found under both names, or under none. A directory whose own entry was
// not synced is lost with all it holds. Nothing orders these fates.
//
// A Sync that fails makes nothing durable, and worse, as on a real system: the
// blocks it should have written count as written, so that a second Sync
// succeeds without them.
//
// # Faults
//
// Every call is counted and may be watched (OnCall), failed (FailNth,
// FailWhen), held back (HoldSync) or refused for want of room (SetCapacity).
// The hook runs before the call does anything and without locks, so that it
// may Crash: the call, like all later ones, then gives ErrCrashed.
package crashfs

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"
	"sync/atomic"

	"citron/engine/vfs"
)

// BlockSize is the unit in bytes that a crash keeps or drops: the sector,
// smaller than any page, because a torn page is a thing that happens.
const BlockSize = 512

// ErrCrashed is the answer to every call after Crash.
var ErrCrashed = errors.New("the power is off")

// FS is a file system in memory. All its methods may be called concurrently.
type FS struct {
	calls atomic.Uint64
	hook  atomic.Pointer[func(Op) error]

	mu       sync.Mutex
	root     *dir
	locks    map[string]bool
	used     int64 // bytes in files that are linked or open
	capacity int64 // negative: no bound
	crashed  bool
	holds    []*Hold
}

var _ vfs.FS = (*FS)(nil)

// New makes an empty file system without bounds or faults.
func New() *FS {
	return &FS{root: newDir(), locks: make(map[string]bool), capacity: -1}
}

// begin counts the call, lets the hook have it, and on success returns with
// the lock held.
func (f *FS) begin(kind Kind, name string, offset, length int64) error {
	op := Op{N: f.calls.Add(1), Kind: kind, Name: name, Offset: offset, Length: length}
	if hook := f.hook.Load(); hook != nil {
		if err := (*hook)(op); err != nil {
			return &fs.PathError{Op: kind.String(), Path: name, Err: err}
		}
	}
	if kind == Sync || kind == SyncDir {
		f.wait(op)
	}
	f.mu.Lock()
	if f.crashed {
		f.mu.Unlock()
		return &fs.PathError{Op: kind.String(), Path: name, Err: ErrCrashed}
	}
	return nil
}

// find gives the directory that holds a name, and the name's last element.
func (f *FS) find(op Kind, name string) (*dir, string, error) {
	if !fs.ValidPath(name) {
		return nil, "", &fs.PathError{Op: op.String(), Path: name, Err: fs.ErrInvalid}
	}
	parent, err := f.findDir(op, path.Dir(name))
	return parent, path.Base(name), err
}

func (f *FS) findDir(op Kind, name string) (*dir, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op.String(), Path: name, Err: fs.ErrInvalid}
	}
	d := f.root
	for element := range elements(name) {
		child, ok := d.entries[element].(*dir)
		if !ok {
			return nil, &fs.PathError{Op: op.String(), Path: name, Err: fs.ErrNotExist}
		}
		d = child
	}
	return d, nil
}

// Create implements vfs.FS.
func (f *FS) Create(name string) (vfs.File, error) {
	if err := f.begin(Create, name, 0, 0); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	parent, base, err := f.find(Create, name)
	if err != nil {
		return nil, err
	}
	if parent.entries[base] != nil || base == "." {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if f.capacity >= 0 && f.used >= f.capacity {
		return nil, &fs.PathError{Op: "create", Path: name, Err: vfs.ErrNoSpace}
	}
	created := newInode()
	f.set(parent, base, created)
	return f.handle(name, created, true), nil
}

// Open implements vfs.FS.
func (f *FS) Open(name string) (vfs.File, error) { return f.open(name, false) }

// OpenWrite implements vfs.FS.
func (f *FS) OpenWrite(name string) (vfs.File, error) { return f.open(name, true) }

func (f *FS) open(name string, writable bool) (vfs.File, error) {
	if err := f.begin(Open, name, 0, 0); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	parent, base, err := f.find(Open, name)
	if err != nil {
		return nil, err
	}
	switch found := parent.entries[base].(type) {
	case *inode:
		return f.handle(name, found, writable), nil
	case *dir:
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("is a directory")}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	if err := f.begin(Remove, name, 0, 0); err != nil {
		return err
	}
	defer f.mu.Unlock()
	parent, base, err := f.find(Remove, name)
	if err != nil {
		return err
	}
	found := parent.entries[base]
	if found == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if d, ok := found.(*dir); ok && len(d.entries) > 0 {
		return &fs.PathError{Op: "remove", Path: name, Err: errNotEmpty}
	}
	f.set(parent, base, nil)
	return nil
}

var errNotEmpty = errors.New("directory not empty")

// Rename implements vfs.FS.
func (f *FS) Rename(oldName, newName string) error {
	if err := f.begin(Rename, oldName, 0, 0); err != nil {
		return err
	}
	defer f.mu.Unlock()
	from, oldBase, err := f.find(Rename, oldName)
	if err != nil {
		return err
	}
	to, newBase, err := f.find(Rename, newName)
	if err != nil {
		return err
	}
	moved := from.entries[oldBase]
	if moved == nil {
		return &fs.PathError{Op: "rename", Path: oldName, Err: fs.ErrNotExist}
	}
	switch replaced := to.entries[newBase]; {
	case replaced == moved:
		return nil
	case replaced != nil && isDir(replaced) != isDir(moved):
		return &fs.PathError{Op: "rename", Path: newName, Err: fs.ErrExist}
	case isDir(replaced) && len(replaced.(*dir).entries) > 0:
		return &fs.PathError{Op: "rename", Path: newName, Err: errNotEmpty}
	}
	f.set(to, newBase, moved)
	f.set(from, oldBase, nil)
	return nil
}

// MkdirAll implements vfs.FS.
func (f *FS) MkdirAll(name string) error {
	if err := f.begin(Mkdir, name, 0, 0); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrInvalid}
	}
	d := f.root
	for element := range elements(name) {
		switch child := d.entries[element].(type) {
		case *dir:
			d = child
		case *inode:
			return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
		default:
			made := newDir()
			f.set(d, element, made)
			d = made
		}
	}
	return nil
}

// List implements vfs.FS.
func (f *FS) List(name string) ([]string, error) {
	if err := f.begin(List, name, 0, 0); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	d, err := f.findDir(List, name)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(d.entries))
	for entry := range d.entries {
		names = append(names, entry)
	}
	slices.Sort(names)
	return names, nil
}

// Stat implements vfs.FS.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	if err := f.begin(Stat, name, 0, 0); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	if name == "." {
		return info{name: ".", dir: true}, nil
	}
	parent, base, err := f.find(Stat, name)
	if err != nil {
		return nil, err
	}
	switch found := parent.entries[base].(type) {
	case *inode:
		return info{name: base, size: int64(len(found.data))}, nil
	case *dir:
		return info{name: base, dir: true}, nil
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// SyncDir implements vfs.FS.
func (f *FS) SyncDir(name string) error {
	if err := f.begin(SyncDir, name, 0, 0); err != nil {
		f.lose(func() {
			if d, err := f.findDir(SyncDir, name); err == nil {
				d.lose()
			}
		})
		return err
	}
	defer f.mu.Unlock()
	d, err := f.findDir(SyncDir, name)
	if err != nil {
		return err
	}
	d.sync()
	return nil
}

// lose does what a failed sync does, under the lock.
func (f *FS) lose(failed func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.crashed {
		failed()
	}
}

// Lock implements vfs.FS.
func (f *FS) Lock(name string) (io.Closer, error) {
	if err := f.begin(Lock, name, 0, 0); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	parent, base, err := f.find(Lock, name)
	if err != nil {
		return nil, err
	}
	if f.locks[name] {
		return nil, &fs.PathError{Op: "lock", Path: name, Err: vfs.ErrLocked}
	}
	if parent.entries[base] == nil {
		f.set(parent, base, newInode())
	}
	f.locks[name] = true
	return &lock{fs: f, name: name}, nil
}

type lock struct {
	fs   *FS
	name string
	once sync.Once
}

func (l *lock) Close() error {
	l.once.Do(func() {
		l.fs.mu.Lock()
		delete(l.fs.locks, l.name)
		l.fs.mu.Unlock()
	})
	return nil
}

// boundless is the room of a file system without capacity.
const boundless = 1 << 50

// Space implements vfs.FS.
func (f *FS) Space() (free, total uint64, err error) {
	if err := f.begin(Space, ".", 0, 0); err != nil {
		return 0, 0, err
	}
	defer f.mu.Unlock()
	if f.capacity < 0 {
		return boundless, boundless, nil
	}
	return uint64(max(0, f.capacity-f.used)), uint64(f.capacity), nil
}
