package pebblekv_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"citron/engine/kv"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/osfs"
)

func openBench(b *testing.B) *pebblekv.Engine {
	b.Helper()
	fs, err := osfs.New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	e, err := pebblekv.Open(fs, "kv", pebblekv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close() })
	return e
}

// delivery is what the delivery of a small message writes: heads that are
// overwritten each time, and a summary, flags and a log entry that are new.
type delivery struct {
	account kv.Account
	n       uint64
	heads   [][]byte
	values  [][]byte
	key     []byte
}

func newDelivery(a kv.Account) *delivery {
	rng := rand.New(rand.NewPCG(uint64(a), 1))
	d := &delivery{account: a}
	for i := range 4 {
		d.heads = append(d.heads, []byte{'h', byte(i)})
	}
	for _, size := range []int{60, 100, 100, 120, 200, 300, 700, 1500, 40} {
		value := make([]byte, size)
		for i := range value { // about as compressible as headers
			value[i] = "abcdefghijklmnopqrstuvwxyz 0123456789=:."[rng.IntN(40)]
		}
		d.values = append(d.values, value)
	}
	return d
}

func (d *delivery) run(ctx context.Context, e kv.Engine) error {
	return e.Update(ctx, d.account, func(tx kv.Tx) error {
		if _, err := tx.Read(ctx, kv.Reads{Gets: d.heads}); err != nil {
			return err
		}
		d.n++
		for i, value := range d.values {
			if i < len(d.heads) {
				tx.Set(d.heads[i], value)
				continue
			}
			d.key = binary.BigEndian.AppendUint64(append(d.key[:0], 'm', byte(i)), d.n)
			tx.Set(d.key, value)
		}
		return nil
	})
}

// BenchmarkCommit measures durable transactions of a delivery's shape on 64
// accounts. cpu/op is the processor time of the whole process, flushes and
// compactions included; fsync of the same disk bounds concurrency 1.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			e := openBench(b)
			ctx := context.Background()
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuTime()
			var running sync.WaitGroup
			for w := range writers {
				running.Go(func() {
					var accounts []*delivery
					for a := w; a < 64; a += writers {
						accounts = append(accounts, newDelivery(kv.Account(a)))
					}
					for i := 0; left.Add(-1) >= 0; i++ {
						if err := accounts[i%len(accounts)].run(ctx, e); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			running.Wait()
			b.StopTimer()
			b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			m := e.Metrics()
			tables := m.Total()
			b.ReportMetric(float64(m.WAL.BytesWritten+tables.TableBytesFlushed+tables.TableBytesCompacted)/float64(b.N), "written-B/op")
		})
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
