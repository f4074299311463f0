package conn

import (
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
