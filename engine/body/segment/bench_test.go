package segment_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"citron/engine/body"
	"citron/engine/body/segment"
	"citron/engine/vfs/osfs"
)

// BenchmarkCommit makes bodies durable from 1, 8 and 64 goroutines.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{5 << 10, 60 << 10, 2 << 20} {
		for _, workers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%dKiB/%d", size>>10, workers), func(b *testing.B) {
				benchmarkCommit(b, size, workers)
			})
		}
	}
}

func benchmarkCommit(b *testing.B, size, workers int) {
	fs, err := osfs.New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	s, err := segment.Open(fs, "bodies", segment.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := make([]byte, size)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	done := make(chan error, workers)
	for range workers {
		go func() {
			for left.Add(-1) >= 0 {
				if err := commitOne(s, data); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

func commitOne(s *segment.Store, data []byte) error {
	w, err := s.Create(context.Background(), body.Owner{Account: 1, Object: 1})
	if err != nil {
		return err
	}
	defer w.Done()
	for rest := data; len(rest) > 0; rest = rest[min(len(rest), 16<<10):] {
		if _, err := w.Write(rest[:min(len(rest), 16<<10)]); err != nil {
			return err
		}
	}
	_, err = w.Commit(context.Background())
	return err
}

// BenchmarkOpen opens, reads and closes a body of 20 KiB.
func BenchmarkOpen(b *testing.B) {
	fs, err := osfs.New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	s, err := segment.Open(fs, "bodies", segment.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := make([]byte, 20<<10)
	w, err := s.Create(context.Background(), body.Owner{Account: 1, Object: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Done()
	if _, err := w.Write(data); err != nil {
		b.Fatal(err)
	}
	ref, err := w.Commit(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Open(context.Background(), ref)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.ReadAt(data, 0); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
