package transfer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Where a mailbox lies says which mailbox it is, whatever its name.
func TestFolderNamesComeBack(t *testing.T) {
	for _, name := range []string{
		"INBOX", "Work/2026", "a/../cur", ".hidden", "=odd", "==", "=+x", "&AOQ-x", "ä", "Work.mbox/x",
		"INBOX/" + keywordsFile, strings.Repeat("x", 300), strings.Repeat("ä", 400) + "/y", strings.Repeat("=", 250),
	} {
		checkFolder(t, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		level := rapid.StringMatching(`[a-zäöü&=.+ ]{1,300}`)
		checkFolder(t, strings.Join(rapid.SliceOfN(level, 1, 4).Draw(t, "levels"), "/"))
	})
}

func checkFolder(t rapid.TB, name string) {
	dir := folderPath(name)
	if back := folderName("/root", filepath.Join("/root", dir)); back != name && !strings.EqualFold(name, "INBOX") {
		t.Errorf("%q lies in %q, which is %q", name, dir, back)
	}
	for _, part := range strings.Split(dir, "/") {
		if len(part) > 250 || part == "cur" || part == "" || part[0] == '.' {
			t.Errorf("%q lies in %q", name, dir)
		}
	}
}

func TestWildcardsInFolderNames(t *testing.T) {
	if name := folderName("/m", "/m/.a*b%"); name != "a_b_" {
		t.Errorf("got %q", name)
	}
}

// A Maildir whose owner put links in it gives away nothing else.
func TestMaildirLinksAreNotFollowed(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	os.WriteFile(secret, []byte("root:x:0:0\n"), 0o600)
	root := t.TempDir()
	os.MkdirAll(filepath.Join(root, "cur"), 0o700)
	os.MkdirAll(filepath.Join(root, "new"), 0o700)
	if err := os.Symlink(secret, filepath.Join(root, "cur", "1.evil:2,S")); err != nil {
		t.Skip("needs a file system with symbolic links:", err)
	}
	src, err := OpenMaildir(root)
	if err != nil {
		t.Fatal(err)
	}
	count, err := Import(context.Background(), src, newMemory(), nil)
	if err != nil || count.Added != 0 || count.Bad != 1 {
		t.Errorf("got %+v, %v", count, err)
	}
}
