package crashfs

import (
	"errors"
	"sync"
	"sync/atomic"
)

// Kind is what a call does. Calls that differ in nothing that matters to a
// fault share a kind: Open and OpenWrite, Read and ReadAt, Sync and SyncData.
type Kind int

const (
	Create Kind = iota
	Open
	Remove
	Rename
	Mkdir
	List
	Stat
	SyncDir
	Lock
	Space
	Read
	Write
	Truncate
	Sync
	Preallocate
	Close
)

var kindNames = [...]string{
	"create", "open", "remove", "rename", "mkdir", "list", "stat", "syncdir", "lock",
	"space", "read", "write", "truncate", "sync", "preallocate", "close",
}

func (k Kind) String() string { return kindNames[k] }

// Op is one call.
type Op struct {
	N      uint64 // the how manieth of the file system, from 1
	Kind   Kind
	Name   string // of the file as it was opened; of a rename, the old name
	Offset int64  // of ReadAt, WriteAt, Preallocate; the size of Truncate
	Length int64
}

// Changes says that the call changes what a crash may find.
func (o Op) Changes() bool {
	switch o.Kind {
	case Create, Remove, Rename, Mkdir, SyncDir, Write, Truncate, Sync:
		return true
	}
	return false
}

// Calls is the number of calls so far.
func (f *FS) Calls() uint64 { return f.calls.Load() }

// OnCall has fn called before each call, in the goroutine that makes it, until
// the next OnCall; nil ends it. If fn gives an error the call does nothing but
// return it, wrapped in an *fs.PathError.
func (f *FS) OnCall(fn func(Op) error) {
	if fn == nil {
		f.hook.Store(nil)
		return
	}
	f.hook.Store(&fn)
}

// FailWhen makes a hook that fails every call that matches.
func FailWhen(match func(Op) bool, err error) func(Op) error {
	return func(op Op) error {
		if match(op) {
			return err
		}
		return nil
	}
}

// FailNth makes a hook that fails the nth call that matches, counted from 1,
// and no other.
func FailNth(n uint64, match func(Op) bool, err error) func(Op) error {
	var seen atomic.Uint64
	return func(op Op) error {
		if match(op) && seen.Add(1) == n {
			return err
		}
		return nil
	}
}

// ErrPower is what calls give behind a PowerCut.
var ErrPower = errors.New("the power is off")

// PowerCut makes a hook that fails call n of the file system and all behind it,
// and calls off, if there is one, before each.
func PowerCut(n uint64, off func()) func(Op) error {
	return func(op Op) error {
		if op.N < n {
			return nil
		}
		if off != nil {
			off()
		}
		return ErrPower
	}
}

// SetCapacity bounds the bytes in files; a write beyond gives vfs.ErrNoSpace.
// Negative: no bound.
func (f *FS) SetCapacity(bytes int64) {
	f.mu.Lock()
	f.capacity = bytes
	f.mu.Unlock()
}

// Used is the number of bytes in files.
func (f *FS) Used() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used
}

// Hold keeps syncs from happening.
type Hold struct {
	match func(Op) bool
	mu    sync.Mutex
	cond  sync.Cond
	held  int
	over  bool
}

// HoldSync holds every Sync, SyncData and SyncDir that matches (nil: all) until
// Release, or until a crash, which they do not survive.
func (f *FS) HoldSync(match func(Op) bool) *Hold {
	h := &Hold{match: match}
	h.cond.L = &h.mu
	f.mu.Lock()
	f.holds = append(f.holds, h)
	f.mu.Unlock()
	return h
}

// Wait returns when at least n syncs are held, or the hold is over.
func (h *Hold) Wait(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.held < n && !h.over {
		h.cond.Wait()
	}
}

// Held is the number of syncs held at the moment.
func (h *Hold) Held() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.held
}

// Release lets all go, now and later.
func (h *Hold) Release() {
	h.mu.Lock()
	h.over = true
	h.mu.Unlock()
	h.cond.Broadcast()
}

// wait keeps a sync as long as any hold wants it.
func (f *FS) wait(op Op) {
	f.mu.Lock()
	holds := f.holds
	f.mu.Unlock()
	for _, h := range holds {
		if h.match == nil || h.match(op) {
			h.keep()
		}
	}
}

func (h *Hold) keep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held++
	h.cond.Broadcast()
	for !h.over {
		h.cond.Wait()
	}
	h.held--
}
