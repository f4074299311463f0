package bodytest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"citron/engine/body"
	"citron/engine/vfs"
	"citron/engine/vfs/crashfs"
)

// Faults runs the bad days of a store that stands on a vfs.FS. Seeds is the
// number of random histories that end in crashes.
func Faults(t *testing.T, open Open, seeds int) {
	for _, c := range []struct {
		name string
		test func(*env, *crashfs.FS)
	}{
		{"HeldSync", testHeldSync},
		{"FailedSync", testFailedSync},
		{"FailedDirSync", testFailedDirSync},
		{"FailedWrite", testFailedWrite},
		{"FullDisk", testFullDisk},
		{"FullWhileStreaming", testFullWhileStreaming},
		{"Locked", testLocked},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := crashfs.New()
				c.test(newEnv(t, open, disk), disk)
			})
		})
	}
	t.Run("Crash", func(t *testing.T) { testCrashes(t, open, seeds) })
}

// newEnv opens a store on a disk that a test holds.
func newEnv(t *testing.T, open Open, disk vfs.FS) *env {
	e := &env{T: t, fs: disk, open: open, alive: map[body.Owner]body.Ref{}, bytes: map[body.Owner][]byte{}}
	e.reopen()
	return e
}

// tryAdd is add for a disk on which it may fail.
func (e *env) tryAdd(n int) error {
	o := e.owner()
	w, err := e.store.Create(ctx, o)
	if err != nil {
		return err
	}
	defer w.Done()
	data := random(o.Object, n)
	for rest := data; len(rest) > 0; {
		c := min(len(rest), 10_000)
		if _, err := w.Write(rest[:c]); err != nil {
			return err
		}
		rest = rest[c:]
	}
	ref, err := w.Commit(ctx)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.alive[o], e.bytes[o] = ref, data
	return nil
}

// anySize has bodies of all ways that a store may have.
var anySize = []int{100, 5000, 60_000, 300_000}

func testHeldSync(e *env, disk *crashfs.FS) {
	e.add(10)
	hold := disk.HoldSync(nil)
	var ended atomic.Int32
	for i := range 40 {
		go func() {
			if err := e.tryAdd(anySize[i%len(anySize)]); err != nil {
				e.Error(err)
			}
			ended.Add(1)
		}()
	}
	synctest.Wait()
	if n := ended.Load(); n != 0 {
		e.Errorf("%d bodies were acknowledged while every sync was held", n)
	}
	hold.Release()
	synctest.Wait()
	if n := ended.Load(); n != 40 {
		e.Errorf("%d bodies of 40 were acknowledged after the syncs", n)
	}
	e.verify()
}

var errIO = errors.New("input/output error")

// failSyncs fails every sync of a file.
func failSyncs(disk *crashfs.FS, kind crashfs.Kind, err error) {
	disk.OnCall(crashfs.FailWhen(func(op crashfs.Op) bool { return op.Kind == kind }, err))
}

func testFailedSync(e *env, disk *crashfs.FS) {
	for _, n := range anySize {
		e.add(n)
		var failed atomic.Int32
		failSyncs(disk, crashfs.Sync, errIO)
		for range 10 {
			go func() {
				if err := e.tryAdd(n); err == nil {
					e.Error("acknowledged although the sync failed")
				}
				failed.Add(1)
			}()
		}
		synctest.Wait()
		disk.OnCall(nil)
		if err := e.tryAdd(n); !errors.Is(err, body.ErrStopped) {
			e.Errorf("after a failed sync: %v, want %v", err, body.ErrStopped)
		}
		e.verify() // reading goes on
		e.reopen()
		e.add(n)
		e.verify()
	}
	e.age()
	e.sweep()
	e.verify()
}

func testFailedDirSync(e *env, disk *crashfs.FS) {
	failSyncs(disk, crashfs.SyncDir, errIO)
	if err := e.tryAdd(100); !errors.Is(err, body.ErrStopped) {
		e.Errorf("a name that may not be durable: %v, want %v", err, body.ErrStopped)
	}
	disk.OnCall(nil)
	e.reopen()
	e.add(100)
	e.verify()
}

func testFailedWrite(e *env, disk *crashfs.FS) {
	for _, n := range anySize {
		e.add(n)
		for nth := range uint64(4) {
			disk.OnCall(crashfs.FailNth(nth+1, func(op crashfs.Op) bool { return op.Kind == crashfs.Write }, errIO))
			_ = e.tryAdd(n)
			disk.OnCall(nil)
			e.add(n)
		}
	}
	e.verify()
	e.checkClean()
	e.reopen()
	e.verify()
	e.checkClean()
}

// fillUp adds bodies until the disk is full.
func (e *env) fillUp(n int) {
	e.Helper()
	for {
		err := e.tryAdd(n)
		if errors.Is(err, vfs.ErrNoSpace) {
			return
		}
		if err != nil {
			e.Fatalf("on a full disk: %v, want %v", err, vfs.ErrNoSpace)
		}
	}
}

func testFullDisk(e *env, disk *crashfs.FS) {
	e.add(1000)
	for round, n := range anySize {
		disk.SetCapacity(disk.Used() + 1_000_000)
		e.fillUp(n)
		e.fillUp(n)
		e.verify()
		if round%2 == 0 {
			e.reopen() // a start on a full disk reads at least
			e.verify()
		}
		disk.SetCapacity(-1)
		e.add(n)
		e.verify()
		e.checkClean()
	}
	// What is dead must make room on a disk that is full.
	for o := range e.alive {
		e.drop(o)
	}
	e.age()
	disk.SetCapacity(disk.Used())
	e.sweep()
	if err := e.tryAdd(60_000); err != nil {
		e.Errorf("after a sweep: %v", err)
	}
	e.verify()
}

func testFullWhileStreaming(e *env, disk *crashfs.FS) {
	disk.SetCapacity(disk.Used() + 600_000)
	writers := make([]body.Writer, 4)
	for i := range writers {
		w, err := e.store.Create(ctx, e.owner())
		if err != nil {
			e.Fatal(err)
		}
		defer w.Done()
		writers[i] = w
		for range 40 {
			if _, err = w.Write(make([]byte, 10_000)); err != nil {
				break
			}
		}
		if err == nil {
			_, err = w.Commit(ctx)
		}
		if err != nil && !errors.Is(err, vfs.ErrNoSpace) {
			e.Errorf("streaming to a full disk: %v", err)
		}
	}
	disk.SetCapacity(-1)
	e.add(400_000)
	e.verify()
	e.reopen()
	e.verify()
}

func testLocked(e *env, _ *crashfs.FS) {
	if _, err := e.open(e.fs); !errors.Is(err, vfs.ErrLocked) {
		e.Errorf("opened twice: %v, want %v", err, vfs.ErrLocked)
	}
	var all sync.WaitGroup
	all.Go(e.reopen)
	all.Wait()
}
