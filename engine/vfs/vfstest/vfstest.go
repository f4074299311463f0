// Package vfstest is what every vfs.FS must pass, short of losing power.
package vfstest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"testing"

	"citron/engine/vfs"
)

// Run tests a file system. Each test asks fresh for an empty one.
func Run(t *testing.T, fresh func(t *testing.T) vfs.FS) {
	tests := []struct {
		name string
		run  func(*testing.T, vfs.FS)
	}{
		{"Create", testCreate},
		{"ReadWrite", testReadWrite},
		{"Offsets", testOffsets},
		{"Truncate", testTruncate},
		{"ReadOnly", testReadOnly},
		{"Missing", testMissing},
		{"InvalidNames", testInvalidNames},
		{"Directories", testDirectories},
		{"Rename", testRename},
		{"RemoveOpen", testRemoveOpen},
		{"Lock", testLock},
		{"Sync", testSync},
		{"Space", testSpace},
		{"Concurrent", testConcurrent},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t)) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func write(t *testing.T, f vfs.FS, name, contents string) {
	t.Helper()
	opened, err := f.Create(name)
	must(t, err)
	_, err = opened.Write([]byte(contents))
	must(t, err)
	must(t, opened.Close())
}

func wantFile(t *testing.T, f vfs.FS, name, want string) {
	t.Helper()
	opened, err := f.Open(name)
	must(t, err)
	got, err := io.ReadAll(opened)
	must(t, err)
	must(t, opened.Close())
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", name, got, want)
	}
	info, err := f.Stat(name)
	must(t, err)
	if info.Size() != int64(len(want)) || info.IsDir() || info.Name() != base(name) {
		t.Errorf("%s is described as %s, %d bytes", name, info.Name(), info.Size())
	}
}

func base(name string) string {
	return name[bytes.LastIndexByte([]byte(name), '/')+1:]
}

func wantList(t *testing.T, f vfs.FS, dir string, want ...string) {
	t.Helper()
	got, err := f.List(dir)
	must(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("%s lists %q, want %q", dir, got, want)
	}
}

func testCreate(t *testing.T, f vfs.FS) {
	write(t, f, "a", "one")
	_, err := f.Create("a")
	wantError(t, "Create of what exists", err, fs.ErrExist)
	wantFile(t, f, "a", "one")
	write(t, f, "empty", "")
	wantFile(t, f, "empty", "")
	wantList(t, f, ".", "a", "empty")
}

func testReadWrite(t *testing.T, f vfs.FS) {
	opened, err := f.Create("a")
	must(t, err)
	_, err = opened.WriteAt([]byte("world"), 6)
	must(t, err)
	_, err = opened.Write([]byte("hel"))
	must(t, err)
	_, err = opened.Write([]byte("lo"))
	must(t, err)
	p := make([]byte, 8)
	n, err := opened.ReadAt(p, 3)
	if n != 8 || err != nil || string(p) != "lo\x00world" {
		t.Errorf("ReadAt: %d, %v, %q", n, err, p)
	}
	n, err = opened.ReadAt(p, 8)
	if n != 3 || err != io.EOF || string(p[:n]) != "rld" {
		t.Errorf("ReadAt over the end: %d, %v, %q", n, err, p[:n])
	}
	n, err = opened.ReadAt(p, 100)
	if n != 0 || err != io.EOF {
		t.Errorf("ReadAt beyond the end: %d, %v", n, err)
	}
	info, err := opened.Stat()
	must(t, err)
	if info.Size() != 11 {
		t.Errorf("size %d, want 11", info.Size())
	}
	must(t, opened.Close())
	_, err = opened.Write([]byte("x"))
	wantError(t, "Write after Close", err, fs.ErrClosed)
	wantFile(t, f, "a", "hello\x00world")
}

// testOffsets: each handle has its own offset, from the start, and the calls
// with an offset leave it alone.
func testOffsets(t *testing.T, f vfs.FS) {
	write(t, f, "a", "0123456789")
	one, err := f.OpenWrite("a")
	must(t, err)
	defer one.Close()
	two, err := f.Open("a")
	must(t, err)
	defer two.Close()
	_, err = one.Write([]byte("ab"))
	must(t, err)
	_, err = one.WriteAt([]byte("z"), 9)
	must(t, err)
	p := make([]byte, 3)
	_, err = io.ReadFull(one, p)
	must(t, err)
	_, err = two.ReadAt(make([]byte, 2), 5)
	must(t, err)
	q := make([]byte, 3)
	_, err = io.ReadFull(two, q)
	must(t, err)
	if string(p) != "234" || string(q) != "ab2" {
		t.Errorf("read %q and %q, want 234 and ab2", p, q)
	}
	wantFile(t, f, "a", "ab2345678z")
}

func testTruncate(t *testing.T, f vfs.FS) {
	write(t, f, "a", "0123456789")
	opened, err := f.OpenWrite("a")
	must(t, err)
	defer opened.Close()
	must(t, opened.Truncate(4))
	wantFile(t, f, "a", "0123")
	must(t, opened.Truncate(6))
	wantFile(t, f, "a", "0123\x00\x00")
	_, err = opened.WriteAt([]byte("x"), 7)
	must(t, err)
	wantFile(t, f, "a", "0123\x00\x00\x00x")
	must(t, opened.Preallocate(0, 1<<16))
	wantFile(t, f, "a", "0123\x00\x00\x00x")
	must(t, opened.Truncate(0))
	wantFile(t, f, "a", "")
}

func testReadOnly(t *testing.T, f vfs.FS) {
	write(t, f, "a", "one")
	opened, err := f.Open("a")
	must(t, err)
	defer opened.Close()
	if _, err := opened.Write([]byte("x")); err == nil {
		t.Error("a file opened for reading took a Write")
	}
	if err := opened.Truncate(0); err == nil {
		t.Error("a file opened for reading was truncated")
	}
	wantFile(t, f, "a", "one")
}

func testMissing(t *testing.T, f vfs.FS) {
	must(t, f.MkdirAll("d"))
	calls := map[string]func(string) error{
		"Open":      func(name string) error { _, err := f.Open(name); return err },
		"OpenWrite": func(name string) error { _, err := f.OpenWrite(name); return err },
		"Stat":      func(name string) error { _, err := f.Stat(name); return err },
		"List":      func(name string) error { _, err := f.List(name); return err },
		"Remove":    f.Remove,
		"SyncDir":   f.SyncDir,
		"Rename":    func(name string) error { return f.Rename(name, "new") },
	}
	for what, call := range calls {
		for _, name := range []string{"a", "d/a", "e/a"} {
			wantError(t, what+" "+name, call(name), fs.ErrNotExist)
		}
	}
	_, err := f.Create("e/a")
	wantError(t, "Create in a missing directory", err, fs.ErrNotExist)
}

func testInvalidNames(t *testing.T, f vfs.FS) {
	for _, name := range []string{"", "/", "/a", "../a", "a/../../b", "a//b", "a/", "./a"} {
		_, err := f.Create(name)
		wantError(t, fmt.Sprintf("Create %q", name), err, fs.ErrInvalid)
		_, err = f.Open(name)
		wantError(t, fmt.Sprintf("Open %q", name), err, fs.ErrInvalid)
		wantError(t, fmt.Sprintf("MkdirAll %q", name), f.MkdirAll(name), fs.ErrInvalid)
		wantError(t, fmt.Sprintf("Rename to %q", name), f.Rename("x", name), fs.ErrInvalid)
	}
}

func testDirectories(t *testing.T, f vfs.FS) {
	must(t, f.MkdirAll("a/b/c"))
	must(t, f.MkdirAll("a/b"))
	must(t, f.MkdirAll("."))
	write(t, f, "a/b/file", "x")
	write(t, f, "a/b/afile", "y")
	wantList(t, f, ".", "a")
	wantList(t, f, "a/b", "afile", "c", "file")
	wantList(t, f, "a/b/c")
	wantFile(t, f, "a/b/file", "x")
	info, err := f.Stat("a/b")
	must(t, err)
	if !info.IsDir() || info.Name() != "b" {
		t.Errorf("a/b is described as %v", info)
	}
	if err := f.MkdirAll("a/b/file/d"); err == nil {
		t.Error("a directory was made within a file")
	}
	if err := f.Remove("a/b"); err == nil {
		t.Error("a full directory was removed")
	}
	must(t, f.Remove("a/b/c"))
	must(t, f.Remove("a/b/file"))
	wantList(t, f, "a/b", "afile")
}

func testRename(t *testing.T, f vfs.FS) {
	must(t, f.MkdirAll("d"))
	write(t, f, "a", "one")
	write(t, f, "b", "two")
	must(t, f.Rename("a", "b"))
	wantFile(t, f, "b", "one")
	must(t, f.Rename("b", "d/c"))
	wantList(t, f, ".", "d")
	wantFile(t, f, "d/c", "one")
	must(t, f.Rename("d/c", "d/c"))
	wantFile(t, f, "d/c", "one")
	write(t, f, "e", "three")
	if err := f.Rename("e", "d"); err == nil {
		t.Error("a file replaced a directory")
	}
}

func testRemoveOpen(t *testing.T, f vfs.FS) {
	write(t, f, "a", "one")
	opened, err := f.OpenWrite("a")
	must(t, err)
	must(t, f.Remove("a"))
	wantList(t, f, ".")
	write(t, f, "a", "two")
	p := make([]byte, 3)
	_, err = opened.ReadAt(p, 0)
	must(t, err)
	if string(p) != "one" {
		t.Errorf("the removed file reads %q", p)
	}
	_, err = opened.WriteAt([]byte("x"), 0)
	must(t, err)
	must(t, opened.Close())
	wantFile(t, f, "a", "two")
}

func testLock(t *testing.T, f vfs.FS) {
	held, err := f.Lock("LOCK")
	must(t, err)
	_, err = f.Lock("LOCK")
	wantError(t, "second Lock", err, vfs.ErrLocked)
	other, err := f.Lock("OTHER")
	must(t, err)
	must(t, other.Close())
	must(t, held.Close())
	again, err := f.Lock("LOCK")
	must(t, err)
	must(t, again.Close())
}

func testSync(t *testing.T, f vfs.FS) {
	must(t, f.MkdirAll("d"))
	opened, err := f.Create("d/a")
	must(t, err)
	_, err = opened.Write([]byte("one"))
	must(t, err)
	must(t, opened.Sync())
	_, err = opened.Write([]byte("two"))
	must(t, err)
	must(t, opened.SyncData())
	must(t, opened.Close())
	must(t, f.SyncDir("d"))
	must(t, f.SyncDir("."))
	wantFile(t, f, "d/a", "onetwo")
}

func testSpace(t *testing.T, f vfs.FS) {
	free, total, err := f.Space()
	must(t, err)
	if free == 0 || free > total {
		t.Errorf("%d bytes free of %d", free, total)
	}
}

// testConcurrent writes and reads parts of one file at once; for -race.
func testConcurrent(t *testing.T, f vfs.FS) {
	opened, err := f.Create("a")
	must(t, err)
	defer opened.Close()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := bytes.Repeat([]byte{byte(i + 1)}, 3000)
			for range 5 {
				_, err1 := opened.WriteAt(p, int64(i*3000))
				err2 := opened.SyncData()
				q := make([]byte, 3000)
				_, err3 := opened.ReadAt(q, int64(i*3000))
				if err := errors.Join(err1, err2, err3); err != nil || !bytes.Equal(p, q) {
					t.Errorf("part %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
}
