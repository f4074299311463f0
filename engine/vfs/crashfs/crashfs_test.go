package crashfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"citron/engine/vfs"
	"citron/engine/vfs/crashfs"
	"citron/engine/vfs/vfstest"
)

func TestConformance(t *testing.T) {
	vfstest.Run(t, func(*testing.T) vfs.FS { return crashfs.New() })
}

// TestConformanceAfterCrash: what a crash leaves is a file system like another.
func TestConformanceAfterCrash(t *testing.T) {
	vfstest.Run(t, func(*testing.T) vfs.FS {
		return crashfs.New().Crash(rand.New(rand.NewPCG(1, 2)))
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, f vfs.FS, name, contents string) vfs.File {
	t.Helper()
	made, err := f.Create(name)
	check(t, err)
	_, err = made.Write([]byte(contents))
	check(t, err)
	return made
}

// durable makes a file that no crash can harm.
func durable(t *testing.T, f vfs.FS, name, contents string) vfs.File {
	t.Helper()
	made := create(t, f, name, contents)
	check(t, made.Sync())
	check(t, f.SyncDir("."))
	return made
}

// tree gives all that is in the root, as "name=contents", long runs shortened.
func tree(t *testing.T, f vfs.FS) string {
	t.Helper()
	names, err := f.List(".")
	check(t, err)
	var all []string
	for _, name := range names {
		opened, err := f.Open(name)
		if err != nil {
			all = append(all, name+"/")
			continue
		}
		data, err := io.ReadAll(opened)
		check(t, err)
		all = append(all, name+"="+shorten(data))
	}
	return strings.Join(all, " ")
}

// shorten gives one letter per block, "." for zeros, and what is left over.
func shorten(data []byte) string {
	var b strings.Builder
	for len(data) >= crashfs.BlockSize {
		c := data[0]
		if !bytes.Equal(data[:crashfs.BlockSize], block(c)) {
			c = '?'
		} else if c == 0 {
			c = '.'
		}
		b.WriteByte(c)
		data = data[crashfs.BlockSize:]
	}
	b.Write(data)
	return b.String()
}

func block(c byte) []byte { return bytes.Repeat([]byte{c}, crashfs.BlockSize) }

// outcomes runs a history and crashes, many times, and gives all that was
// found.
func outcomes(t *testing.T, history func(f *crashfs.FS)) []string {
	t.Helper()
	found := make(map[string]bool)
	for seed := range uint64(400) {
		f := crashfs.New()
		history(f)
		found[tree(t, f.Crash(rand.New(rand.NewPCG(seed, 3))))] = true
	}
	var all []string
	for outcome := range found {
		all = append(all, outcome)
	}
	slices.Sort(all)
	return all
}

func wantOutcomes(t *testing.T, history func(f *crashfs.FS), want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := outcomes(t, history); !slices.Equal(got, want) {
		t.Errorf("a crash leaves one of\n\t%q, want\n\t%q", got, want)
	}
}

func TestCrashKeepsWhatIsSynced(t *testing.T) {
	wantOutcomes(t, func(f *crashfs.FS) { durable(t, f, "a", "one") }, "a=one")
}

func TestCrashMayLoseAnEntry(t *testing.T) {
	wantOutcomes(t, func(f *crashfs.FS) { check(t, create(t, f, "a", "one").Sync()) }, "", "a=one")
	wantOutcomes(t, func(f *crashfs.FS) {
		durable(t, f, "a", "one")
		check(t, f.Remove("a"))
	}, "", "a=one")
}

func TestCrashMayLoseContents(t *testing.T) {
	wantOutcomes(t, func(f *crashfs.FS) {
		create(t, f, "a", "one")
		check(t, f.SyncDir("."))
	}, "a=", "a=one")
}

func TestCrashKeepsOrDropsEachBlock(t *testing.T) {
	wantOutcomes(t, func(f *crashfs.FS) {
		made := durable(t, f, "a", string(block('x'))+string(block('y')))
		_, err := made.WriteAt(append(block('1'), block('2')...), 0)
		check(t, err)
	}, "a=xy", "a=1y", "a=x2", "a=12")
	wantOutcomes(t, func(f *crashfs.FS) { // beyond the end
		made := durable(t, f, "a", string(block('x')))
		_, err := made.Write(append(block('1'), block('2')...))
		check(t, err)
	}, "a=x", "a=x1", "a=x.2", "a=x12")
}

func TestCrashMayKeepAnEarlierWrite(t *testing.T) {
	wantOutcomes(t, func(f *crashfs.FS) {
		made := durable(t, f, "a", "")
		for _, s := range []string{"1", "2", "3"} {
			_, err := made.Write([]byte(s))
			check(t, err)
		}
	}, "a=", "a=1", "a=12", "a=123")
	wantOutcomes(t, func(f *crashfs.FS) {
		made := durable(t, f, "a", "0")
		for _, s := range []string{"1", "2", "3"} {
			_, err := made.WriteAt([]byte(s), 0)
			check(t, err)
		}
	}, "a=0", "a=1", "a=2", "a=3")
}

func TestCrashMayDropATruncation(t *testing.T) {
	wantOutcomes(t, func(f *crashfs.FS) {
		made := durable(t, f, "a", string(block('x'))+string(block('y')))
		check(t, made.Truncate(crashfs.BlockSize))
	}, "a=x", "a=xy")
	wantOutcomes(t, func(f *crashfs.FS) {
		made := durable(t, f, "a", string(block('x'))+string(block('y')))
		check(t, made.Truncate(0))
		check(t, made.Sync())
	}, "a=")
}

func TestCrashMayDropHalfARename(t *testing.T) {
	wantOutcomes(t, func(f *crashfs.FS) {
		durable(t, f, "a", "new")
		durable(t, f, "b", "old")
		check(t, f.Rename("a", "b"))
	}, "a=new b=new", "a=new b=old", "b=new", "b=old")
	wantOutcomes(t, func(f *crashfs.FS) {
		durable(t, f, "a", "new")
		durable(t, f, "b", "old")
		check(t, f.Rename("a", "b"))
		check(t, f.SyncDir("."))
	}, "b=new")
}

func TestCrashLosesAnUnsyncedDirectory(t *testing.T) {
	for seed := range uint64(20) {
		f := crashfs.New()
		check(t, f.MkdirAll("d"))
		check(t, create(t, f, "d/a", "one").Sync())
		check(t, f.SyncDir("d"))
		after := f.Crash(rand.New(rand.NewPCG(seed, 1)))
		if _, err := after.Stat("d"); err == nil {
			if _, err := after.Stat("d/a"); err != nil {
				t.Errorf("the directory survived without its synced file: %v", err)
			}
		}
	}
}

// TestFailedSyncIsForGood: a second Sync does not bring back what the first
// lost, but a new write does.
func TestFailedSyncIsForGood(t *testing.T) {
	fail := errors.New("I/O error")
	isSync := func(op crashfs.Op) bool { return op.Kind == crashfs.Sync }
	history := func(rewrite bool) func(*crashfs.FS) {
		return func(f *crashfs.FS) {
			made := durable(t, f, "a", "0")
			_, err := made.WriteAt([]byte("1"), 0)
			check(t, err)
			f.OnCall(crashfs.FailNth(1, isSync, fail))
			if err := made.Sync(); !errors.Is(err, fail) {
				t.Fatalf("Sync: %v", err)
			}
			if rewrite {
				_, err := made.WriteAt([]byte("1"), 0)
				check(t, err)
			}
			check(t, made.SyncData())
		}
	}
	wantOutcomes(t, history(false), "a=0")
	wantOutcomes(t, history(true), "a=1")
}

func TestCrashIsRepeatable(t *testing.T) {
	run := func() string {
		f := crashfs.New()
		rng := rand.New(rand.NewPCG(5, 6))
		for i := range 20 {
			made := create(t, f, string(rune('a'+i)), strings.Repeat(string(block(byte('0'+i))), 5))
			if i%3 == 0 {
				check(t, made.Sync())
			}
		}
		return tree(t, f.Crash(rng))
	}
	if one, two := run(), run(); one != two {
		t.Errorf("the same crash left\n%s and\n%s", one, two)
	}
}

func TestAfterCrashNothingWorks(t *testing.T) {
	f := crashfs.New()
	made := durable(t, f, "a", "one")
	_, err := f.Lock("LOCK")
	check(t, err)
	f.SetCapacity(3)
	after := f.Crash(rand.New(rand.NewPCG(1, 1)))
	for what, err := range map[string]error{
		"Sync": made.Sync(), "Close": made.Close(), "Remove": f.Remove("a"), "SyncDir": f.SyncDir("."),
	} {
		if !errors.Is(err, crashfs.ErrCrashed) {
			t.Errorf("%s: %v, want ErrCrashed", what, err)
		}
	}
	if _, err := after.Lock("LOCK"); err != nil {
		t.Errorf("the lock survived: %v", err)
	}
	create(t, after, "b", "the capacity is gone")
}

func TestCrashFromTheHook(t *testing.T) {
	f := crashfs.New()
	made := durable(t, f, "a", "one")
	var after *crashfs.FS
	f.OnCall(func(op crashfs.Op) error {
		if op.Kind == crashfs.Write {
			after = f.Crash(rand.New(rand.NewPCG(1, 1)))
		}
		return nil
	})
	if _, err := made.Write([]byte("two")); !errors.Is(err, crashfs.ErrCrashed) {
		t.Errorf("the write at which the power went: %v", err)
	}
	if got := tree(t, after); got != "a=one" {
		t.Errorf("after: %s", got)
	}
}

func TestFailWhen(t *testing.T) {
	f := crashfs.New()
	fail := errors.New("no")
	f.OnCall(crashfs.FailWhen(func(op crashfs.Op) bool {
		return op.Kind == crashfs.Write && strings.HasPrefix(op.Name, "b")
	}, fail))
	create(t, f, "a", "one")
	made, err := f.Create("b")
	check(t, err)
	if _, err := made.Write([]byte("two")); !errors.Is(err, fail) {
		t.Errorf("Write: %v", err)
	}
	if got := tree(t, f); got != "a=one b=" {
		t.Errorf("the failed write left %s", got)
	}
	f.OnCall(nil)
	_, err = made.Write([]byte("two"))
	check(t, err)
	before := f.Calls()
	f.Stat("a")
	if f.Calls() != before+1 {
		t.Errorf("one call counted as %d", f.Calls()-before)
	}
}

func TestCapacity(t *testing.T) {
	f := crashfs.New()
	f.SetCapacity(1000)
	made := create(t, f, "a", strings.Repeat("x", 900))
	if _, err := made.Write(make([]byte, 101)); !errors.Is(err, vfs.ErrNoSpace) {
		t.Errorf("Write over the capacity: %v", err)
	}
	if err := made.Truncate(1001); !errors.Is(err, vfs.ErrNoSpace) {
		t.Errorf("Truncate over the capacity: %v", err)
	}
	_, err := made.WriteAt(make([]byte, 900), 0) // in place
	check(t, err)
	_, err = made.Write(make([]byte, 100))
	check(t, err)
	if _, err := f.Create("b"); !errors.Is(err, vfs.ErrNoSpace) {
		t.Errorf("Create on a full disk: %v", err)
	}
	free, total, err := f.Space()
	if free != 0 || total != 1000 || err != nil {
		t.Errorf("Space: %d, %d, %v", free, total, err)
	}
	check(t, f.Remove("a"))
	if f.Used() != 1000 {
		t.Errorf("%d bytes used while the removed file is open, want 1000", f.Used())
	}
	check(t, made.Close())
	if f.Used() != 0 {
		t.Errorf("%d bytes used after all is gone", f.Used())
	}
	_, err = f.Open("a")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
}

func TestHoldSync(t *testing.T) {
	f := crashfs.New()
	made := create(t, f, "a", "one")
	other := create(t, f, "b", "two")
	hold := f.HoldSync(func(op crashfs.Op) bool { return op.Name == "a" })
	var done sync.WaitGroup
	var mu sync.Mutex
	returned := 0
	for range 2 {
		done.Go(func() {
			err := made.Sync()
			mu.Lock()
			defer mu.Unlock()
			returned++
			if err != nil {
				t.Errorf("Sync: %v", err)
			}
		})
	}
	check(t, other.Sync()) // not held
	hold.Wait(2)
	mu.Lock()
	if returned != 0 || hold.Held() != 2 {
		t.Errorf("%d syncs returned, %d held", returned, hold.Held())
	}
	mu.Unlock()
	_, err := made.Write([]byte("written meanwhile"))
	check(t, err)
	hold.Release()
	done.Wait()
	check(t, made.Sync())
}

func TestCrashEndsAHold(t *testing.T) {
	f := crashfs.New()
	made := create(t, f, "a", "one")
	hold := f.HoldSync(nil)
	failed := make(chan error)
	go func() { failed <- made.Sync() }()
	hold.Wait(1)
	f.Crash(rand.New(rand.NewPCG(1, 1)))
	if err := <-failed; !errors.Is(err, crashfs.ErrCrashed) {
		t.Errorf("the held sync: %v, want ErrCrashed", err)
	}
}
