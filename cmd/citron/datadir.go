package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"citron/engine/vfs"
	"citron/engine/vfs/osfs"
)

// formatVersion is that of the data directory as a whole: docs/key-layout.md
// and the segments of bodies. It grows when a program that knows only the
// older form must not touch the newer.
//
// Version 2 has access lists, metadata, URL keys and the search index beside
// what version 1 had; version 3 the queue, outboxes, and memories of what was
// filed once. What stands in a directory of an older version is read as it is.
const formatVersion = 3

// dataDir is an open data directory: nobody else has it.
type dataDir struct {
	path string
	fs   *osfs.FS
	lock io.Closer
}

// errInUse says that another process serves the directory.
var errInUse = errors.New("another citron process has it open")

// openDataDir makes the directory if it is not there, locks it and sees that
// this program can read it.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	fsys, err := osfs.New(path)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := fsys.Lock("LOCK")
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("data directory %s: %w", path, errInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	d := &dataDir{path: path, fs: fsys, lock: lock}
	if err := d.checkFormat(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("data directory %s: %w", path, err)
	}
	return d, nil
}

func (d *dataDir) Close() error { return d.lock.Close() }

// file is the path of something in the directory.
func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

// checkFormat reads the FORMAT file, or writes it into a directory that holds
// nothing yet, or nothing newer than this program writes.
func (d *dataDir) checkFormat() error {
	text, err := os.ReadFile(d.file("FORMAT"))
	if errors.Is(err, fs.ErrNotExist) {
		return d.writeFormat()
	}
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil:
		return fmt.Errorf("FORMAT does not hold a number but %q: this is not Citron's data", text)
	case version > formatVersion:
		return fmt.Errorf("its format is version %d and this program knows versions up to %d: use the newer program", version, formatVersion)
	case version < 1:
		return fmt.Errorf("FORMAT says version %d, which never was", version)
	case version < formatVersion:
		return d.replaceFormat()
	}
	return nil
}

func (d *dataDir) writeFormat() error {
	if _, err := os.Stat(d.file("kv")); err == nil {
		return errors.New("it holds data but no FORMAT file: this is not Citron's, or it is damaged")
	}
	return d.replaceFormat()
}

func (d *dataDir) replaceFormat() error {
	f, err := d.fs.Create("FORMAT.new")
	if errors.Is(err, fs.ErrExist) {
		f, err = d.fs.OpenWrite("FORMAT.new")
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, formatVersion)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := d.fs.Rename("FORMAT.new", "FORMAT"); err != nil {
		return err
	}
	return d.fs.SyncDir(".")
}
