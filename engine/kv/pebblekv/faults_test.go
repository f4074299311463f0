package pebblekv_test

import (
	"flag"
	"testing"

	"citron/engine/kv"
	"citron/engine/kv/kvtest"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs"
)

var crashSeeds = flag.Int("crash.seeds", 150, "how many histories TestCrash cuts short")

// openSmall opens an engine that flushes, compacts and changes its log often.
func openSmall(_ *testing.T, fs vfs.FS, floor uint64) (kv.Engine, error) {
	e, err := pebblekv.Open(fs, "kv", pebblekv.Options{
		Cache: 256 << 10, MemTable: 128 << 10,
		FreeFloor: floor, NoFloor: floor == 0,
		Fatal: func(error) {}, Survive: true,
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func TestFaults(t *testing.T) { kvtest.Faults(t, openSmall) }

func TestCrash(t *testing.T) { kvtest.Crash(t, openSmall, *crashSeeds) }
