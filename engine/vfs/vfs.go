// Package vfs is the file system that everything durable in Citron stands on:
// the key-value engine, the bodies and the queue. It is small on purpose: what
// is not here cannot be depended on, and so need not be simulated by crashfs,
// the in-memory file system that loses, at a random call, whatever was not yet
// synced.
//
// # Durability
//
// A file's bytes are durable after Sync (or SyncData) of that file returned
// nil. A directory entry (made by Create, Rename, Mkdir, or unmade by Remove)
// is durable after SyncDir of its directory returned nil. Nothing else is
// promised, and in no order: before that, a crash may keep or drop each block
// and each entry independently. After Sync returned an error nothing may be
// assumed of the unsynced bytes, and the caller must stop using the file.
package vfs

import (
	"io"
	"io/fs"
)

// FS is a tree of files. Names are slash-separated and relative to the FS's
// root; errors wrap io/fs's (fs.ErrNotExist, fs.ErrExist) or ErrNoSpace.
type FS interface {
	// Create makes a new file open for reading and writing; fs.ErrExist if
	// the name is taken.
	Create(name string) (File, error)
	// Open opens an existing file for reading.
	Open(name string) (File, error)
	// OpenWrite opens an existing file for reading and writing.
	OpenWrite(name string) (File, error)
	// Remove unlinks a file or an empty directory. Open files stay readable.
	Remove(name string) error
	// Rename replaces newName atomically.
	Rename(oldName, newName string) error
	// MkdirAll makes a directory and its missing parents.
	MkdirAll(name string) error
	// List gives the names in a directory, sorted.
	List(dir string) ([]string, error)
	// Stat describes a file or directory.
	Stat(name string) (fs.FileInfo, error)
	// SyncDir makes the entries of a directory durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock that ends with the process or with Close;
	// ErrLocked if another holds it.
	Lock(name string) (io.Closer, error)
	// Space gives the bytes free to this process and in all on the volume.
	Space() (free, total uint64, err error)
}

// File is an open file. ReadAt and WriteAt may be called concurrently.
type File interface {
	io.Reader
	io.Writer // appends at the file's own offset
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync makes contents and metadata durable (fsync).
	Sync() error
	// SyncData makes contents and the size durable (fdatasync).
	SyncData() error
	// Truncate cuts or extends the file.
	Truncate(size int64) error
	// Preallocate asks for room without changing the size; it may do nothing.
	Preallocate(offset, length int64) error
	Stat() (fs.FileInfo, error)
}

// Native is what a File of a real file system can do beyond the contract. It
// is about smoothness only: nothing durable may depend on it, and a File
// without it is as good.
type Native interface {
	// WriteBack starts writing the file's first length bytes to the disk, so
	// that a later Sync of a large file does not stall everybody.
	WriteBack(length int64) error
	// WillNeed starts reading a part of the file into memory.
	WillNeed(offset, length int64) error
	// Fd is the operating system's descriptor, valid until Close.
	Fd() uintptr
}
