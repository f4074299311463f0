package main

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
)

// TestBURLAddsNoCopy: a message of 2 MB that BURL brings from the store takes the
// room of one copy on the disk, the queue's own, and no more but keys.
func TestBURLAddsNoCopy(t *testing.T) {
	p := startDemo(t, t.TempDir())
	m := newMailbook().write("BURL")
	m.rcpts = []string{"carol@example.net"}
	m.padding = bytes.Repeat([]byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n"), 31250)
	s, d, err := dialBoth(p)
	if err != nil {
		t.Fatal(err)
	}
	url, err := d.draft(m)
	if err != nil {
		t.Fatal(err)
	}
	before := diskUse(t, p.data)
	if err := s.envelope(m, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.say("BURL "+url+" LAST\r\n", "250"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	d.Close()
	grown, size := diskUse(t, p.data)-before, int64(len(m.text()))
	if grown < size || grown > size+size/10 {
		t.Errorf("a message of %d octets takes %d on the disk", size, grown)
	}
	t.Logf("a message of %d octets takes %d on the disk", size, grown)
	p.stopped(t, syscall.SIGTERM)
}

// diskUse is how many octets the files below a directory have.
func diskUse(t *testing.T, dir string) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
