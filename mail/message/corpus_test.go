package message

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sharedDir is where the corpus and the RFCs are: what CITRON_SHARED names, or
// beside the module.
func sharedDir() string {
	if dir := os.Getenv("CITRON_SHARED"); dir != "" && dir != "required" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared")
}

// corpus gives the messages of the shared corpus by name, or skips the test
// where it is not there; with CITRON_SHARED=required it must be.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	root := filepath.Join(sharedDir(), "corpus")
	msgs := make(map[string][]byte)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || ext == ".json" || ext == ".md" || strings.Contains(path, "LICENSE") {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		msgs[name] = b
		return err
	})
	if err != nil || len(msgs) == 0 {
		if os.Getenv("CITRON_SHARED") == "required" {
			t.Fatalf("corpus is required but not in %s: %v", root, err)
		}
		t.Skipf("no corpus in %s", root)
	}
	return msgs
}

// toCRLF makes every line end CRLF, as LMTP would have sent it.
func toCRLF(b []byte) []byte {
	d := crlfDecoder{}
	return d.decode(nil, b)
}

func parse(b []byte) *Message {
	m, _ := Parse(bytes.NewReader(b))
	return m
}
