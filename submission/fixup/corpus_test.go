package fixup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"citron/wire/smtp"
)

// TestCorpus: messages of all kinds come out clean, or are refused with a reply.
func TestCorpus(t *testing.T) {
	shared := os.Getenv("CITRON_SHARED")
	dir := filepath.Join(shared, "corpus")
	if shared == "" || shared == "required" {
		dir = "../../../shared/corpus"
	}
	if _, err := os.Stat(dir); err != nil {
		if shared == "required" {
			t.Fatal(err)
		}
		t.Skip("no corpus at", dir)
	}
	passed, refused := 0, make(map[error]int)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".eml" {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		o := options()
		o.MayUse, o.UTF8 = nil, true
		out, _, err := run(o, string(b))
		if _, ok := errors.AsType[smtp.Reply](err); ok {
			refused[err]++
			return nil
		}
		if err != nil {
			return err
		}
		passed++
		clean(t, []byte(out), false)
		return nil
	})
	if err != nil || passed == 0 {
		t.Errorf("%d passed: %v", passed, err)
	}
	for err, n := range refused {
		t.Logf("%d refused: %v", n, err)
	}
	t.Logf("%d passed", passed)
}
