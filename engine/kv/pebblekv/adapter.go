package pebblekv

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	pebblevfs "github.com/cockroachdb/pebble/v2/vfs"

	"citron/engine/vfs"
)

// walCategory is how Pebble marks the files of its write-ahead log.
const walCategory pebblevfs.DiskWriteCategory = "pebble-wal"

// noSpacePause slows down Pebble's retries of a flush on a full volume, which
// otherwise come at once, again and again.
const noSpacePause = 200 * time.Millisecond

// adapter is our file system as Pebble wants it. It hears of every failure of
// the log before Pebble does, and stops the engine.
type adapter struct {
	fs      vfs.FS
	stopper *stopper
}

var _ pebblevfs.FS = (*adapter)(nil)

// wrap makes a file of ours one of Pebble's; size is what it holds already.
func (a *adapter) wrap(f vfs.File, category pebblevfs.DiskWriteCategory, size int64) pebblevfs.File {
	native, _ := f.(vfs.Native)
	wrapped := adapterFile{File: f, native: native, stopper: a.stopper}
	if category == walCategory {
		return &logFile{adapterFile: wrapped, zeroed: size}
	}
	return &wrapped
}

// failed is what came of preparing a file that was to be written.
func (a *adapter) failed(category pebblevfs.DiskWriteCategory, err error) error {
	if category == walCategory {
		return a.stopper.logFailed(err)
	}
	return err
}

// Create replaces a file of that name, unlike ours.
//
// A marker is a file whose name says which manifest is in force. Pebble makes
// it right after the manifest and syncs the directory then, trusting that of
// two new entries the second does not survive a crash without the first. Our
// contract promises no such order, so the manifest's entry is synced before.
func (a *adapter) Create(name string, category pebblevfs.DiskWriteCategory) (pebblevfs.File, error) {
	a.stopper.freeze()
	if strings.HasPrefix(path.Base(name), "marker.") {
		if err := a.fs.SyncDir(path.Dir(name)); err != nil {
			return nil, a.stopper.logFailed(err)
		}
	}
	f, err := a.fs.Create(name)
	for errors.Is(err, fs.ErrExist) {
		if err := a.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, a.failed(category, err)
		}
		f, err = a.fs.Create(name)
	}
	if err != nil {
		return nil, a.failed(category, err)
	}
	return a.wrap(f, category, 0), nil
}

// Link is for checkpoints and ingestion, which Citron does not use.
func (a *adapter) Link(oldName, newName string) error {
	return &os.LinkError{Op: "link", Old: oldName, New: newName, Err: errors.ErrUnsupported}
}

func (a *adapter) Open(name string, opts ...pebblevfs.OpenOption) (pebblevfs.File, error) {
	f, err := a.fs.Open(name)
	if err != nil {
		return nil, a.stopper.readFailed(err)
	}
	wrapped := a.wrap(f, pebblevfs.WriteCategoryUnspecified, 0)
	for _, o := range opts {
		o.Apply(wrapped)
	}
	return wrapped, nil
}

func (a *adapter) OpenReadWrite(
	name string, _ pebblevfs.DiskWriteCategory, opts ...pebblevfs.OpenOption,
) (pebblevfs.File, error) {
	f, err := a.fs.OpenWrite(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = a.fs.Create(name)
	}
	if err != nil {
		return nil, err
	}
	wrapped := a.wrap(f, pebblevfs.WriteCategoryUnspecified, 0)
	for _, o := range opts {
		o.Apply(wrapped)
	}
	return wrapped, nil
}

// OpenDir gives a handle whose Sync is our SyncDir.
func (a *adapter) OpenDir(name string) (pebblevfs.File, error) {
	if _, err := a.fs.Stat(name); err != nil {
		return nil, err
	}
	return &adapterDir{adapter: a, name: name}, nil
}

func (a *adapter) Remove(name string) error {
	a.stopper.freeze()
	return a.fs.Remove(name)
}

// RemoveAll removes a directory that Pebble filled.
func (a *adapter) RemoveAll(name string) error {
	if names, err := a.fs.List(name); err == nil {
		for _, child := range names {
			if err := a.RemoveAll(path.Join(name, child)); err != nil {
				return err
			}
		}
	}
	if err := a.fs.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (a *adapter) Rename(oldName, newName string) error {
	a.stopper.freeze()
	return a.fs.Rename(oldName, newName)
}

// ReuseForWrite makes a new log of an old one, whose blocks are on the disk
// already: writing over them needs no change of the file's metadata.
func (a *adapter) ReuseForWrite(
	oldName, newName string, category pebblevfs.DiskWriteCategory,
) (pebblevfs.File, error) {
	a.stopper.freeze()
	if err := a.fs.Rename(oldName, newName); err != nil {
		return nil, a.failed(category, err)
	}
	f, err := a.fs.OpenWrite(newName)
	if err != nil {
		return nil, a.failed(category, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, a.failed(category, err)
	}
	return a.wrap(f, category, info.Size()), nil
}

func (a *adapter) MkdirAll(dir string, _ os.FileMode) error { return a.fs.MkdirAll(dir) }
func (a *adapter) Lock(name string) (io.Closer, error)      { return a.fs.Lock(name) }
func (a *adapter) List(dir string) ([]string, error)        { return a.fs.List(dir) }
func (a *adapter) PathBase(p string) string                 { return path.Base(p) }
func (a *adapter) PathJoin(elem ...string) string           { return path.Join(elem...) }
func (a *adapter) PathDir(p string) string                  { return path.Dir(p) }
func (a *adapter) Unwrap() pebblevfs.FS                     { return nil }

func (a *adapter) Stat(name string) (pebblevfs.FileInfo, error) { return describe(a.fs.Stat(name)) }

func (a *adapter) GetDiskUsage(string) (pebblevfs.DiskUsage, error) {
	free, total, err := a.fs.Space()
	return pebblevfs.DiskUsage{AvailBytes: free, TotalBytes: total, UsedBytes: total - free}, err
}

// fileInfo adds a device, of which there is one.
type fileInfo struct{ fs.FileInfo }

func (fileInfo) DeviceID() pebblevfs.DeviceID { return pebblevfs.DeviceID{} }

func describe(info fs.FileInfo, err error) (pebblevfs.FileInfo, error) {
	if err != nil {
		return nil, err
	}
	return fileInfo{info}, nil
}
