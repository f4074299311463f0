package conn

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger is a session that must account for every Wake and every byte: it says
// how many wakes it has seen and how many bytes it has read, whenever one of
// them changes. A lost event shows as a client that waits for ever.
type ledger struct {
	c     Conn
	wakes atomic.Uint32
	read  uint32
	told  [8]byte
	rnd   *rand.Rand
	mu    sync.Mutex // fails the race detector if two goroutines step
}

func (l *ledger) Step(t *Turn) Wait {
	if !l.mu.TryLock() {
		panic("two steps at once")
	}
	defer l.mu.Unlock()
	l.read += uint32(len(t.In))
	t.Consume(len(t.In))
	var now [8]byte
	binary.BigEndian.PutUint32(now[:], l.wakes.Load())
	binary.BigEndian.PutUint32(now[4:], l.read)
	if now != l.told {
		l.told = now
		t.Out = append(t.Out, now[:]...)
	}
	w := Wait{Input: true}
	switch l.rnd.IntN(8) {
	case 0:
		w.Again = true
	case 1:
		w.Drain = true
	case 2:
		w.Until = t.Now.Add(time.Duration(l.rnd.IntN(2000)) * time.Microsecond)
	case 3:
		w.Idle = true
	}
	return w
}

func (l *ledger) Close(error) {}

// TestStorm mixes Wakes, input and parking at random, over all drivers, with
// and without TLS.
func TestStorm(t *testing.T) {
	conns, rounds := 16, 300
	if testing.Short() {
		rounds = 50
	}
	for _, implicit := range []bool{false, true} {
		var mu sync.Mutex
		sessions := map[uint16]*ledger{}
		on := &Listener{TLS: serverTLS, Implicit: implicit, NewSession: func(c Conn) Session {
			mu.Lock()
			defer mu.Unlock()
			l := &ledger{c: c, rnd: rand.New(rand.NewPCG(uint64(len(sessions)), 7))}
			sessions[uint16(len(sessions))] = l
			return l
		}}
		each(t, Options{Workers: 4}, on, func(t *testing.T, r *rig) {
			mu.Lock()
			clear(sessions)
			mu.Unlock()
			var wg sync.WaitGroup
			for i := range conns {
				nc := r.connect()
				if implicit {
					nc = tls.Client(nc, clientTLS())
					if err := nc.(*tls.Conn).Handshake(); err != nil {
						t.Fatal(err)
					}
				}
				t.Cleanup(func() { nc.Close() })
				var s *ledger
				until(t, "session", func() bool {
					mu.Lock()
					defer mu.Unlock()
					s = sessions[uint16(i)]
					return s != nil
				})
				wg.Go(func() {
					if err := storm(nc, s, rounds, uint64(i)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// storm makes random events and, after each round, waits until the session has
// told of all of them.
func storm(nc net.Conn, s *ledger, rounds int, seed uint64) error {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var want, got [8]byte
	var wakes, sent uint32
	nc.SetDeadline(time.Now().Add(2 * patience))
	for round := range rounds {
		for range 1 + rnd.IntN(4) {
			if rnd.IntN(2) == 0 {
				wakes++
				s.wakes.Add(1)
				s.c.Wake()
			} else {
				n := 1 + rnd.IntN(40)
				sent += uint32(n)
				if _, err := nc.Write(make([]byte, n)); err != nil {
					return err
				}
			}
		}
		binary.BigEndian.PutUint32(want[:], wakes)
		binary.BigEndian.PutUint32(want[4:], sent)
		for !bytes.Equal(got[:], want[:]) {
			if _, err := io.ReadFull(nc, got[:]); err != nil {
				return fmt.Errorf("round %d: told %x, want %x: %w", round, got, want, err)
			}
		}
	}
	return nil
}
