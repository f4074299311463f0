package pebblekv

import (
	"errors"
	"io/fs"
	"time"

	pebblevfs "github.com/cockroachdb/pebble/v2/vfs"

	"citron/engine/vfs"
)

// adapterFile is one of our files as Pebble wants it: a table, a manifest, a
// marker. The log's files are logFiles.
type adapterFile struct {
	vfs.File
	native  vfs.Native // nil: an ordinary file
	stopper *stopper
}

var _ pebblevfs.File = (*adapterFile)(nil)

// check is where every write and sync comes through with its result.
func (f *adapterFile) check(err error) error {
	if errors.Is(err, vfs.ErrNoSpace) {
		time.Sleep(noSpacePause)
	}
	return err
}

func (f *adapterFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	return n, f.stopper.readFailed(err)
}

func (f *adapterFile) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.File.ReadAt(p, offset)
	return n, f.stopper.readFailed(err)
}

func (f *adapterFile) Write(p []byte) (int, error) {
	f.stopper.freeze()
	n, err := f.File.Write(p)
	return n, f.check(err)
}

func (f *adapterFile) WriteAt(p []byte, offset int64) (int, error) {
	f.stopper.freeze()
	n, err := f.File.WriteAt(p, offset)
	return n, f.check(err)
}

func (f *adapterFile) Sync() error     { return f.sync(f.File.Sync) }
func (f *adapterFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *adapterFile) sync(how func() error) error {
	f.stopper.freeze()
	return f.check(how())
}

// SyncTo is Pebble's way to keep few dirty pages; it promises nothing.
func (f *adapterFile) SyncTo(length int64) (fullSync bool, err error) {
	if f.native == nil {
		return false, nil
	}
	return false, f.check(f.native.WriteBack(length))
}

func (f *adapterFile) Prefetch(offset, length int64) error {
	if f.native == nil {
		return nil
	}
	return f.native.WillNeed(offset, length)
}

func (f *adapterFile) Fd() uintptr {
	if f.native == nil {
		return pebblevfs.InvalidFd
	}
	return f.native.Fd()
}

func (f *adapterFile) Stat() (pebblevfs.FileInfo, error) { return describe(f.File.Stat()) }

// adapterDir is a directory opened for its Sync. Pebble syncs it when it made
// a log or a table, so that a failure counts as the log's.
type adapterDir struct {
	adapter *adapter
	name    string
}

var _ pebblevfs.File = (*adapterDir)(nil)

func (d *adapterDir) Sync() error {
	d.adapter.stopper.freeze()
	return d.adapter.stopper.logFailed(d.adapter.fs.SyncDir(d.name))
}

func (d *adapterDir) SyncData() error                { return d.Sync() }
func (d *adapterDir) SyncTo(int64) (bool, error)     { return false, nil }
func (d *adapterDir) Close() error                   { return nil }
func (d *adapterDir) Preallocate(int64, int64) error { return nil }
func (d *adapterDir) Prefetch(int64, int64) error    { return nil }
func (d *adapterDir) Fd() uintptr                    { return pebblevfs.InvalidFd }
func (d *adapterDir) Stat() (pebblevfs.FileInfo, error) {
	return d.adapter.Stat(d.name)
}

func (d *adapterDir) refuse(op string) (int, error) {
	return 0, &fs.PathError{Op: op, Path: d.name, Err: errors.New("is a directory")}
}

func (d *adapterDir) Read([]byte) (int, error)           { return d.refuse("read") }
func (d *adapterDir) ReadAt([]byte, int64) (int, error)  { return d.refuse("read") }
func (d *adapterDir) Write([]byte) (int, error)          { return d.refuse("write") }
func (d *adapterDir) WriteAt([]byte, int64) (int, error) { return d.refuse("write") }
