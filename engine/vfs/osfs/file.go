package osfs

import (
	"io/fs"
	"os"

	"citron/engine/vfs"
)

// file is an open file. Reads go straight to the operating system; what may
// fail for want of room has its error explained.
type file struct {
	os *os.File
	// writeBack says that the file system is known to honour WriteBack.
	writeBack bool
}

var (
	_ vfs.File   = (*file)(nil)
	_ vfs.Native = (*file)(nil)
)

func newFile(f *os.File) *file { return &file{os: f, writeBack: canWriteBack(f)} }

func (f *file) Read(p []byte) (int, error)                 { return f.os.Read(p) }
func (f *file) ReadAt(p []byte, offset int64) (int, error) { return f.os.ReadAt(p, offset) }
func (f *file) Close() error                               { return f.os.Close() }
func (f *file) Stat() (fs.FileInfo, error)                 { return f.os.Stat() }

func (f *file) Write(p []byte) (int, error) {
	n, err := f.os.Write(p)
	return n, explain(err)
}

func (f *file) WriteAt(p []byte, offset int64) (int, error) {
	n, err := f.os.WriteAt(p, offset)
	return n, explain(err)
}

func (f *file) Sync() error               { return explain(f.os.Sync()) }
func (f *file) SyncData() error           { return explain(syncData(f.os)) }
func (f *file) Truncate(size int64) error { return explain(f.os.Truncate(size)) }

func (f *file) Preallocate(offset, length int64) error {
	return explain(preallocate(f.os, offset, length))
}

// Fd implements vfs.Native.
func (f *file) Fd() uintptr { return f.os.Fd() }

// WriteBack implements vfs.Native.
func (f *file) WriteBack(length int64) error {
	if !f.writeBack {
		return nil
	}
	return explain(writeBack(f.os, length))
}

// WillNeed implements vfs.Native.
func (f *file) WillNeed(offset, length int64) error {
	return willNeed(f.os, offset, length)
}
