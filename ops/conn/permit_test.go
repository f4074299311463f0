package conn

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// TestPermit gives a socket away as far as this process may.
func TestPermit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := Listen(context.Background(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	check := func(group string, mode os.FileMode, gid int) {
		t.Helper()
		if err := Permit(path, mode, group); err != nil {
			t.Error(err)
		}
		fi, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := int(fi.Sys().(*syscall.Stat_t).Gid); fi.Mode().Perm() != mode || got != gid {
			t.Errorf("group %q: %v of %d, want %v of %d", group, fi.Mode().Perm(), got, mode, gid)
		}
	}
	own := os.Getegid()
	check("", 0o660, own)
	for _, gid := range groupsToGive(t) {
		check(strconv.Itoa(gid), 0o600, gid)
		if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
			check(g.Name, 0o666, gid)
		}
	}
	if err := Permit(path, 0o660, "no such group"); err == nil {
		t.Error("an unknown group was found")
	}
	if os.Geteuid() != 0 {
		if err := Permit(path, 0o660, "0"); !errors.Is(err, os.ErrPermission) {
			t.Errorf("given to root's group: %v", err)
		}
	}
}

// groupsToGive are groups a file of this process may be given to: those it is
// in, for root any.
func groupsToGive(t *testing.T) []int {
	if os.Geteuid() == 0 {
		return []int{1}
	}
	all, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	return append(all, os.Getegid())
}
