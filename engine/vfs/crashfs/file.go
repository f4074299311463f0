package crashfs

import (
	"io"
	"io/fs"
	"path"

	"citron/engine/vfs"
)

// file is an open file.
type file struct {
	fs       *FS
	name     string // as it was opened
	inode    *inode
	writable bool
	offset   int64 // guarded by FS.mu, like all that follows
	closed   bool
}

var _ vfs.File = (*file)(nil)

// handle opens an inode; FS.mu is held.
func (f *FS) handle(name string, n *inode, writable bool) *file {
	n.opens++
	return &file{fs: f, name: name, inode: n, writable: writable}
}

func (f *file) error(kind Kind, err error) error {
	return &fs.PathError{Op: kind.String(), Path: f.name, Err: err}
}

// begin is FS.begin for a call on the file.
func (f *file) begin(kind Kind, offset, length int64) error {
	if err := f.fs.begin(kind, f.name, offset, length); err != nil {
		return err
	}
	var err error
	switch {
	case f.closed:
		err = fs.ErrClosed
	case !f.writable && (kind == Write || kind == Truncate):
		err = fs.ErrPermission
	case offset < 0 || length < 0:
		err = fs.ErrInvalid
	default:
		return nil
	}
	f.fs.mu.Unlock()
	return f.error(kind, err)
}

func (f *file) Read(p []byte) (int, error) {
	if err := f.begin(Read, 0, int64(len(p))); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	n, err := f.readAt(p, f.offset)
	f.offset += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *file) ReadAt(p []byte, offset int64) (int, error) {
	if err := f.begin(Read, offset, int64(len(p))); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	return f.readAt(p, offset)
}

func (f *file) readAt(p []byte, offset int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if offset >= int64(len(f.inode.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.inode.data[offset:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) Write(p []byte) (int, error) {
	if err := f.begin(Write, 0, int64(len(p))); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	if err := f.writeAt(p, f.offset); err != nil {
		return 0, err
	}
	f.offset += int64(len(p))
	return len(p), nil
}

func (f *file) WriteAt(p []byte, offset int64) (int, error) {
	if err := f.begin(Write, offset, int64(len(p))); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	if err := f.writeAt(p, offset); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *file) writeAt(p []byte, offset int64) error {
	if len(p) == 0 {
		return nil
	}
	if err := f.reserve(Write, offset+int64(len(p))); err != nil {
		return err
	}
	f.inode.writeAt(p, offset)
	return nil
}

// reserve takes the room for the file to have a size.
func (f *file) reserve(kind Kind, size int64) error {
	grown := max(0, size-int64(len(f.inode.data)))
	if f.fs.capacity >= 0 && grown > 0 && f.fs.used+grown > f.fs.capacity {
		return f.error(kind, vfs.ErrNoSpace)
	}
	f.fs.used += grown
	return nil
}

func (f *file) Truncate(size int64) error {
	if err := f.begin(Truncate, size, 0); err != nil {
		return err
	}
	defer f.fs.mu.Unlock()
	if err := f.reserve(Truncate, size); err != nil {
		return err
	}
	f.fs.used -= max(0, int64(len(f.inode.data))-size)
	f.inode.truncate(size)
	return nil
}

// Sync implements vfs.File.
func (f *file) Sync() error {
	if err := f.begin(Sync, 0, 0); err != nil {
		f.fs.lose(f.inode.lose)
		return err
	}
	defer f.fs.mu.Unlock()
	f.inode.sync()
	return nil
}

// SyncData is Sync: there is nothing else to a file here.
func (f *file) SyncData() error { return f.Sync() }

// Preallocate does nothing, as the contract allows.
func (f *file) Preallocate(offset, length int64) error {
	if err := f.begin(Preallocate, offset, length); err != nil {
		return err
	}
	f.fs.mu.Unlock()
	return nil
}

func (f *file) Stat() (fs.FileInfo, error) {
	if err := f.begin(Stat, 0, 0); err != nil {
		return nil, err
	}
	defer f.fs.mu.Unlock()
	return info{name: path.Base(f.name), size: int64(len(f.inode.data))}, nil
}

func (f *file) Close() error {
	if err := f.begin(Close, 0, 0); err != nil {
		return err
	}
	defer f.fs.mu.Unlock()
	f.closed = true
	f.inode.opens--
	f.fs.reclaim(f.inode)
	return nil
}
