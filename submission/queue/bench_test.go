package queue_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"citron/engine/body/segment"
	"citron/engine/enginetest"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/osfs"
)

// BenchmarkCommit is durable messages for one recipient by so many sessions at
// once: what becomes of 64 connections that submit.
func BenchmarkCommit(b *testing.B) {
	for _, sessions := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(sessions), func(b *testing.B) {
			r := realRig(b)
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for s := range sessions {
				wg.Go(func() {
					for i := s; i < b.N; i += sessions {
						if _, err := put(r.ctx, r.q, text, r.envelope("bob@example.com")); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// realRig is a rig on files.
func realRig(b *testing.B) *rig {
	b.Helper()
	fs, err := osfs.New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	engine, err := pebblekv.Open(fs, "kv", pebblekv.Options{NoFloor: true})
	if err != nil {
		b.Fatal(err)
	}
	bodies, err := segment.Open(fs, "queue", segment.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		engine.Close()
		bodies.Close()
	})
	r := &rig{t: b, ctx: context.Background(), engine: engine, bodies: bodies, clock: enginetest.Clock{Time: start}}
	r.open()
	b.Cleanup(func() { r.q.Close() })
	return r
}
