package segment_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"citron/engine/body"
	"citron/engine/body/segment"
	"citron/engine/vfs/osfs"
)

// store opens a store in a directory of the operating system.
func store(t *testing.T, dir string) *segment.Store {
	t.Helper()
	fs, err := osfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := segment.Open(fs, "bodies", segment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// threeBodies fills a store, closes it and tells where its bodies lie and in
// which file.
func threeBodies(t *testing.T, dir string) (refs []body.Ref, file string) {
	t.Helper()
	s := store(t, dir)
	for i := range uint64(3) {
		w, err := s.Create(context.Background(), body.Owner{Account: 1, Object: i})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		ref, err := w.Commit(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		w.Done()
		refs = append(refs, ref)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "bodies", "*.seg"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files: %v, %v", files, err)
	}
	return refs, files[0]
}

// flip changes one bit of a file.
func flip(t *testing.T, file string, at uint64) {
	t.Helper()
	p, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p[at] ^= 4
	if err := os.WriteFile(file, p, 0o600); err != nil {
		t.Fatal(err)
	}
}

// damage lists what a check reports.
func damage(t *testing.T, s *segment.Store) (out []body.Ref) {
	t.Helper()
	err := s.Check(context.Background(), func(_ body.Owner, r body.Ref, err error) {
		if !errors.Is(err, body.ErrCorrupt) {
			t.Errorf("%+v: %v", r, err)
		}
		out = append(out, r)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDamagedBytes(t *testing.T) {
	dir := t.TempDir()
	refs, file := threeBodies(t, dir)
	flip(t, file, refs[1].Offset+40+500)
	s := store(t, dir)
	defer s.Close()
	if got := damage(t, s); len(got) != 1 || got[0] != refs[1] {
		t.Errorf("reported %+v, want %+v", got, refs[1])
	}
	// A sweep must not copy it and drop the original.
	err := s.Sweep(context.Background(),
		func(o body.Owner, _ body.Ref) (bool, error) { return o.Object == 1, nil },
		func(body.Owner, body.Ref, body.Ref) (bool, error) { t.Error("moved"); return false, nil })
	if !errors.Is(err, body.ErrCorrupt) {
		t.Errorf("sweep: %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestDamagedFrameHeader(t *testing.T) {
	dir := t.TempDir()
	refs, file := threeBodies(t, dir)
	flip(t, file, refs[1].Offset+8)
	s := store(t, dir)
	defer s.Close()
	if got := damage(t, s); len(got) != 1 || got[0] != (body.Ref{Segment: refs[1].Segment}) {
		t.Errorf("reported %+v", got)
	}
	if _, err := s.Open(context.Background(), refs[1]); !errors.Is(err, body.ErrCorrupt) {
		t.Errorf("open: %v", err)
	}
	if r, err := s.Open(context.Background(), refs[2]); err != nil {
		t.Errorf("the body behind the damage: %v", err)
	} else {
		r.Close()
	}
	dead := func(body.Owner, body.Ref) (bool, error) { return false, nil }
	if err := s.Sweep(context.Background(), dead, nil); !errors.Is(err, body.ErrCorrupt) {
		t.Errorf("sweep: %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("a body could not be asked for, and its segment was removed: %v", err)
	}
}

func TestDamagedSegmentHeader(t *testing.T) {
	dir := t.TempDir()
	refs, file := threeBodies(t, dir)
	flip(t, file, 17)
	s := store(t, dir)
	defer s.Close()
	if got := damage(t, s); len(got) != 1 || got[0] != (body.Ref{Segment: refs[0].Segment}) {
		t.Errorf("reported %+v", got)
	}
	if err := s.Sweep(context.Background(), nil, nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// A body that is larger than what BufferSize allows in memory must not be held
// there: streaming 32 MiB may allocate no more than a few buffers.
func TestStreamingMemory(t *testing.T) {
	s := store(t, t.TempDir())
	defer s.Close()
	chunk := make([]byte, 64<<10)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w, err := s.Create(context.Background(), body.Owner{})
	if err != nil {
		t.Fatal(err)
	}
	for range 32 << 20 / len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	w.Done()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes were allocated for one body", got)
	}
}
