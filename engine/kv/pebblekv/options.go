package pebblekv

import (
	"errors"
	"log/slog"
	"os"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"citron/engine/vfs"
)

// Defaults of Options, in bytes.
const (
	DefaultCache     = 128 << 20
	DefaultMemTable  = 64 << 20
	DefaultFreeFloor = 256 << 20
)

// reservedMemTables is how many memtables of full size mostly exist.
const reservedMemTables = 2

// Options tune the engine. The zero value is right for a server.
type Options struct {
	// Cache is the size in bytes of the cache of table blocks, beside which
	// there are memtables; what room they leave, blocks may take.
	Cache int64
	// MemTable is the size in bytes at which memory is written to a table.
	// Up to three are held when the disk does not follow. It begins small and
	// doubles, so that an idle server stays small.
	MemTable uint64
	// Compactions bounds how many run at once; by default half the cores.
	Compactions int
	// FreeFloor is the free space in bytes below which Update refuses with
	// kv.ErrNoSpace; NoFloor for none.
	FreeFloor uint64
	// LowFloor is that for Updates that make room (kv.MakingRoom); by default
	// half of FreeFloor, and never more than it.
	LowFloor uint64
	// NoFloor switches the floors off.
	NoFloor bool
	// Log receives warnings and errors; by default none.
	Log *slog.Logger
	// Fatal is called once, when the storage failed and the engine stopped.
	// By default it logs to standard error and ends the process: only a
	// restart can tell what is durable. One that returns needs Survive.
	Fatal func(error)
	// Survive lets the process go on after Fatal, with an engine that answers
	// kv.ErrStopped and whose goroutines and memory stay. It costs each commit
	// a goroutine; it is for tests.
	Survive bool
}

func (o Options) withDefaults() Options {
	if o.Cache == 0 {
		o.Cache = DefaultCache
	}
	if o.MemTable == 0 {
		o.MemTable = DefaultMemTable
	}
	if o.Compactions == 0 {
		o.Compactions = max(1, runtime.NumCPU()/2)
	}
	switch {
	case o.NoFloor:
		o.FreeFloor = 0
	case o.FreeFloor == 0:
		o.FreeFloor = DefaultFreeFloor
	}
	if o.LowFloor == 0 {
		o.LowFloor = o.FreeFloor / 2
	}
	o.LowFloor = min(o.LowFloor, o.FreeFloor)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) {
			slog.New(slog.NewTextHandler(os.Stderr, nil)).Error("stopping: restart to recover", "err", err)
			os.Exit(1)
		}
	}
	return o
}

// pebble gives Pebble's options: few flushes of large memtables and few
// compactions of their tables, because heads and counters are overwritten by
// every transaction and meet there (BenchmarkCommit's deliveries, 160,000 on
// 64 accounts: 2.1 bytes of tables written per byte and 74 µs of processor
// each with Pebble's habit of 4 tables in level 0 and memtables of 32 MiB; 1.4
// and 46 µs with these); a bloom filter, because most Gets of a delivery ask
// for what is not there.
//
// Pebble takes the memory of memtables out of the cache: the one being filled
// and the one kept for reuse would leave nothing of a cache as large as both
// (measured: FETCH of small messages read every block from the file again, and
// took twice the processor).
func (o Options) pebble(fs *adapter) *pebble.Options {
	p := &pebble.Options{
		FS:                          fs,
		CacheSize:                   o.Cache + reservedMemTables*int64(o.MemTable),
		FormatMajorVersion:          pebble.FormatValueSeparation,
		MemTableSize:                o.MemTable,
		MemTableStopWritesThreshold: 3,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       32,
		LBaseMaxBytes:               int64(4 * o.MemTable),
		CompactionConcurrencyRange:  func() (int, int) { return 1, o.Compactions },
		Logger:                      &pebbleLogger{log: o.Log, stopper: fs.stopper},
		EventListener:               o.listener(fs.stopper),
	}
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		p.Levels[i].BlockSize = 32 << 10
	}
	return p
}

func (o Options) listener(s *stopper) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			o.Log.Error("storage: background work failed", "err", err)
			full := errors.Is(err, vfs.ErrNoSpace) && s.opened.Load() // to be tried again
			if !full && !errors.Is(err, pebble.ErrCancelledCompaction) {
				s.stop(err)
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			o.Log.Error("storage: damaged table", "path", info.Path, "err", info.Details)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			o.Log.Warn("storage: writes wait for the disk", "reason", info.Reason)
		},
	}
}
