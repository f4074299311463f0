// Package enginetest has what tests of those that keep something on an engine
// share: engines and disks that crash, fail or are full, and a clock.
package enginetest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"citron/engine/body/segment"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/crashfs"
)

// Engines are what random histories run on; reopen gives the engine anew.
var Engines = map[string]func() (e kv.Engine, reopen func() kv.Engine){
	"memkv": func() (kv.Engine, func() kv.Engine) {
		e := memkv.New(memkv.Options{})
		return e, func() kv.Engine {
			e.Close()
			e = e.Reopen(memkv.Options{})
			return e
		}
	},
	"pebblekv": func() (kv.Engine, func() kv.Engine) {
		fs := crashfs.New()
		open := func() *pebblekv.Engine {
			e, err := pebblekv.Open(fs, "kv", pebblekv.Options{NoFloor: true, Cache: 1 << 20, MemTable: 1 << 20, Fatal: func(err error) { panic(err) }})
			if err != nil {
				panic(err)
			}
			return e
		}
		e := open()
		return e, func() kv.Engine {
			e.Close()
			e = open()
			return e
		}
	},
}

// Pebble opens a small engine that a test may cut the power of.
func Pebble(t testing.TB, fs *crashfs.FS) *pebblekv.Engine {
	t.Helper()
	e, err := pebblekv.Open(fs, "kv", pebblekv.Options{NoFloor: true, Cache: 1 << 20, MemTable: 1 << 20, Survive: true, Fatal: func(error) {}})
	if err != nil {
		t.Fatalf("open the engine: %v", err)
	}
	return e
}

// Bodies opens bodies that a test may cut the power of.
func Bodies(t testing.TB, fs *crashfs.FS, dir string) *segment.Store {
	t.Helper()
	b, err := segment.Open(fs, dir, segment.Options{Fatal: func(error) {}})
	if err != nil {
		t.Fatalf("open the bodies: %v", err)
	}
	return b
}

// Full takes only what makes room while it is full.
type Full struct {
	kv.Engine
	Now atomic.Bool
}

// Update implements kv.Engine.
func (e *Full) Update(ctx context.Context, a kv.Account, fn func(kv.Tx) error) error {
	if e.Now.Load() && !kv.MakesRoom(ctx) {
		return kv.ErrNoSpace
	}
	return e.Engine.Update(ctx, a, fn)
}

// Fates decides about the next commits; its Decide is memkv.Options'.
type Fates struct {
	mu   sync.Mutex
	next []memkv.Fate
	err  error
}

// Decide gives the fate that is next; behind the last one all is committed.
func (f *Fates) Decide(kv.Account, kv.TxID) (memkv.Fate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.next) == 0 {
		return memkv.Commit, nil
	}
	fate := f.next[0]
	f.next = f.next[1:]
	return fate, f.err
}

// Set says what is next, each with err.
func (f *Fates) Set(err error, next ...memkv.Fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next, f.err = next, err
}

// Clock stands still until it is moved. Time is where it begins.
type Clock struct {
	mu   sync.Mutex
	Time time.Time
}

// Now is what options ask for.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Time
}

// Pass moves it on.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Time = c.Time.Add(d)
}
