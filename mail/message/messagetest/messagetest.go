// Package messagetest gives tests the messages of the shared corpus: of all
// kinds, as they were seen in the wild.
package messagetest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// SharedDir is where the corpus and the RFCs are: what CITRON_SHARED names, or
// beside the module, as a package two folders below it sees that.
func SharedDir() string {
	if dir := os.Getenv("CITRON_SHARED"); dir != "" && dir != "required" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared")
}

// Corpus gives the messages by name, or skips the test where there are none;
// with CITRON_SHARED=required they must be there.
func Corpus(t testing.TB) map[string][]byte {
	t.Helper()
	messages := CorpusIfThere(t)
	if len(messages) == 0 {
		t.Skip("no corpus")
	}
	return messages
}

// CorpusIfThere is Corpus for tests that have messages of their own, too: where
// there are none it gives none.
func CorpusIfThere(t testing.TB) map[string][]byte {
	t.Helper()
	root := filepath.Join(SharedDir(), "corpus")
	messages := make(map[string][]byte)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || ext == ".json" || ext == ".md" || strings.Contains(path, "LICENSE") {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		messages[name] = b
		return err
	})
	if err != nil || len(messages) == 0 {
		if os.Getenv("CITRON_SHARED") == "required" {
			t.Fatalf("corpus is required but not in %s: %v", root, err)
		}
		t.Logf("no corpus in %s", root)
	}
	return messages
}
