package osfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"citron/engine/vfs"
	"citron/engine/vfs/osfs"
	"citron/engine/vfs/vfstest"
)

func TestConformance(t *testing.T) {
	vfstest.Run(t, func(t *testing.T) vfs.FS {
		f, err := osfs.New(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return f
	})
}

func TestRootMustBeADirectory(t *testing.T) {
	dir := t.TempDir()
	if _, err := osfs.New(filepath.Join(dir, "missing")); !os.IsNotExist(err) {
		t.Errorf("missing root: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := osfs.New(file); err == nil {
		t.Error("a file was taken for a root")
	}
}

// TestPrivate: what is made is for its owner alone.
func TestPrivate(t *testing.T) {
	root := t.TempDir()
	f, err := osfs.New(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.MkdirAll("d/e"); err != nil {
		t.Fatal(err)
	}
	made, err := f.Create("d/e/file")
	if err != nil {
		t.Fatal(err)
	}
	made.Close()
	for _, name := range []string{"d", "d/e", "d/e/file"} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if open := info.Mode().Perm() & 0o077; open != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

// TestNative: what Pebble asks of a real file works, or does nothing.
func TestNative(t *testing.T) {
	f, err := osfs.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	made, err := f.Create("file")
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	native := made.(vfs.Native)
	if _, err := made.Write(make([]byte, 8192)); err != nil {
		t.Fatal(err)
	}
	if err := native.WriteBack(4096); err != nil {
		t.Errorf("WriteBack: %v", err)
	}
	if err := native.WillNeed(0, 4096); err != nil {
		t.Errorf("WillNeed: %v", err)
	}
}
