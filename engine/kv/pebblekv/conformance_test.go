package pebblekv_test

import (
	"testing"

	"citron/engine/kv"
	"citron/engine/kv/kvtest"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/osfs"
)

func TestConformance(t *testing.T) {
	kvtest.Run(t, func(t *testing.T) kvtest.Opener {
		fs, err := osfs.New(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return func(t *testing.T) kv.Engine {
			e, err := pebblekv.Open(fs, "kv", pebblekv.Options{
				Cache: 1 << 20, MemTable: 1 << 20,
				Fatal: func(err error) { t.Errorf("fatal: %v", err) },
			})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
	})
}
