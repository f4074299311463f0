package message

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus gives the messages of ../shared/corpus (see its README), or skips the
// test where it is not there and CITRON_SHARED does not require it.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	root := os.Getenv("CITRON_SHARED")
	required := root == "required"
	if root == "" || required {
		root = filepath.Join("..", "..", "..", "shared")
	}
	msgs := make(map[string][]byte)
	root = filepath.Join(root, "corpus")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := filepath.Ext(path); ext != ".eml" && ext != ".txt" && ext != ".crlf" && strings.Contains(path, "LICENSE") {
			return nil
		}
		if ext := filepath.Ext(path); ext == ".json" || ext == ".md" {
			return nil
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		msgs[name] = b
		return err
	})
	if err != nil || len(msgs) == 0 {
		if required {
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
