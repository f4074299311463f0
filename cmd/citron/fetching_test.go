package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"citron/ops/config"
)

// A password that others can read is told of, and a file with none is refused.
func TestPasswordFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	for _, c := range []struct {
		text   string
		mode   os.FileMode
		refuse string
		warn   bool
	}{
		{"secret\r\n", 0o600, "", false}, {"secret", 0o644, "", true}, {"secret\n", 0o640, "", true}, {"\n", 0o600, "no password", false},
	} {
		if err := os.WriteFile(file, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		store, err := newIMAPStore(&config.URLHost{Host: "store.example", User: "submit", PasswordFile: file}, slog.New(slog.NewTextHandler(&log, nil)))
		switch {
		case c.refuse != "" && (err == nil || !strings.Contains(err.Error(), c.refuse)):
			t.Errorf("%q: %v", c.text, err)
		case c.refuse == "" && err != nil:
			t.Error(err)
		case c.warn != strings.Contains(log.String(), file):
			t.Errorf("%o: %s", c.mode, &log)
		}
		if store != nil {
			store.Close()
		}
	}
}
