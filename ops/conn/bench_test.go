package conn

import (
	"crypto/tls"
	"fmt"
	"io"
	"sync"
	"testing"
)

// pong answers each byte at once.
type pong struct{}

func (pong) Step(t *Turn) Wait {
	t.Out = append(t.Out, t.In...)
	t.Consume(len(t.In))
	return Wait{Input: true}
}
func (pong) Close(error) {}

// BenchmarkEcho is one exchange of a short line, with the clients in the same
// process.
func BenchmarkEcho(b *testing.B) {
	for _, d := range []string{"tcp", "portable"} {
		for _, conns := range []int{1, 8, 64} {
			b.Run(fmt.Sprint(d, "/", conns), func(b *testing.B) {
				on := &Listener{Trusted: true, NewSession: func(Conn) Session { return pong{} }}
				r := newRig(b, d, &Options{}, on)
				var wg sync.WaitGroup
				for i := range conns {
					nc := r.connect()
					defer nc.Close()
					wg.Go(func() {
						line := make([]byte, 30)
						for j := i; j < b.N; j += conns {
							nc.Write(line)
							if _, err := io.ReadFull(nc, line); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// sink reads and forgets, and answers when it has read all that was announced.
type sink struct{ left int }

func (s *sink) Step(t *Turn) Wait {
	s.left -= len(t.In)
	t.Consume(len(t.In))
	if s.left == 0 {
		t.Out = append(t.Out, '.')
	}
	return Wait{Input: true}
}

func (*sink) Close(error) {}

// BenchmarkIngest is a large literal on its way in.
func BenchmarkIngest(b *testing.B) {
	for _, d := range []string{"tcp", "portable"} {
		for _, secure := range []bool{false, true} {
			b.Run(fmt.Sprint(d, "/tls=", secure), func(b *testing.B) {
				const block = 1 << 20
				total := block * b.N
				on := &Listener{Trusted: true, TLS: serverTLS, Implicit: secure, NewSession: func(Conn) Session { return &sink{total} }}
				r := newRig(b, d, &Options{}, on)
				nc := r.connect()
				if secure {
					nc = tls.Client(nc, clientTLS())
				}
				defer nc.Close()
				data := make([]byte, block)
				b.SetBytes(block)
				for range b.N {
					nc.Write(data)
				}
				if _, err := io.ReadFull(nc, data[:1]); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
