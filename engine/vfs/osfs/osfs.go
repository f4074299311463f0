// Package osfs is the vfs.FS of the operating system: a tree of real files
// under one directory.
//
// Names are checked with fs.ValidPath, so none leads out of the root by its
// spelling; a symbolic link that the operator put there is followed. Files
// and directories are made for their owner alone, because mail is private.
package osfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"citron/engine/vfs"
)

const (
	fileMode = 0o600
	dirMode  = 0o700
)

// FS is a directory of the operating system.
type FS struct {
	root string
}

var _ vfs.FS = (*FS)(nil)

// New gives the file system rooted at an existing directory.
func New(root string) (*FS, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: root, Err: errors.New("not a directory")}
	}
	return &FS{root: root}, nil
}

// Root is the absolute path of the directory.
func (f *FS) Root() string { return f.root }

// path gives the operating system's name for one of ours.
func (f *FS) path(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(f.root, filepath.FromSlash(name)), nil
}

func (f *FS) open(op, name string, flags int) (vfs.File, error) {
	path, err := f.path(op, name)
	if err != nil {
		return nil, err
	}
	opened, err := os.OpenFile(path, flags, fileMode)
	if err != nil {
		return nil, explain(err)
	}
	return newFile(opened), nil
}

// Create implements vfs.FS.
func (f *FS) Create(name string) (vfs.File, error) {
	return f.open("create", name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// Open implements vfs.FS.
func (f *FS) Open(name string) (vfs.File, error) {
	return f.open("open", name, os.O_RDONLY)
}

// OpenWrite implements vfs.FS.
func (f *FS) OpenWrite(name string) (vfs.File, error) {
	return f.open("open", name, os.O_RDWR)
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	path, err := f.path("remove", name)
	if err != nil {
		return err
	}
	return explain(os.Remove(path))
}

// Rename implements vfs.FS.
func (f *FS) Rename(oldName, newName string) error {
	oldPath, err := f.path("rename", oldName)
	if err != nil {
		return err
	}
	newPath, err := f.path("rename", newName)
	if err != nil {
		return err
	}
	return explain(os.Rename(oldPath, newPath))
}

// MkdirAll implements vfs.FS.
func (f *FS) MkdirAll(name string) error {
	path, err := f.path("mkdir", name)
	if err != nil {
		return err
	}
	return explain(os.MkdirAll(path, dirMode))
}

// List implements vfs.FS.
func (f *FS) List(dir string) ([]string, error) {
	path, err := f.path("list", dir)
	if err != nil {
		return nil, err
	}
	opened, err := os.Open(path)
	if err != nil {
		return nil, explain(err)
	}
	defer opened.Close()
	names, err := opened.Readdirnames(-1)
	if err != nil {
		return nil, explain(err)
	}
	slices.Sort(names)
	return names, nil
}

// Stat implements vfs.FS.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	path, err := f.path("stat", name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	return info, explain(err)
}

// SyncDir implements vfs.FS.
func (f *FS) SyncDir(dir string) error {
	path, err := f.path("sync", dir)
	if err != nil {
		return err
	}
	return explain(syncDir(path))
}

// Lock implements vfs.FS. The lock file is made if missing and stays.
func (f *FS) Lock(name string) (io.Closer, error) {
	path, err := f.path("lock", name)
	if err != nil {
		return nil, err
	}
	opened, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, explain(err)
	}
	if err := lock(opened); err != nil {
		opened.Close()
		return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
	}
	return opened, nil
}

// Space implements vfs.FS.
func (f *FS) Space() (free, total uint64, err error) {
	free, total, err = space(f.root)
	return free, total, explain(err)
}

// explain makes an operating system's error one of the contract's.
func explain(err error) error {
	if err != nil && isNoSpace(err) {
		return &noSpaceError{err}
	}
	return err
}

// noSpaceError is vfs.ErrNoSpace with the words of the operating system.
type noSpaceError struct{ cause error }

func (e *noSpaceError) Error() string   { return e.cause.Error() }
func (e *noSpaceError) Unwrap() []error { return []error{vfs.ErrNoSpace, e.cause} }
