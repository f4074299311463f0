package route

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Who waits for the answer to somebody else's question does not share that he
// gave up.
func TestAskerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10)
		q := question{"a.example.", 1}
		ctx, cancel := context.WithCancel(t.Context())
		go c.get(ctx, q, time.Now(), func() (*answer, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		synctest.Wait()
		var asked, done atomic.Int32
		for range 3 {
			go func() {
				a, err := c.get(t.Context(), q, time.Now(), func() (*answer, error) {
					asked.Add(1)
					return &answer{name: "a.example.", expires: time.Now().Add(time.Minute)}, nil
				})
				if err != nil || a.name != "a.example." {
					t.Errorf("%+v, %v", a, err)
				}
				done.Add(1)
			}()
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if asked.Load() != 1 || done.Load() != 3 {
			t.Errorf("asked %d times, %d have an answer", asked.Load(), done.Load())
		}
	})
}

// While the smarthost's name cannot be resolved, those who ask do not stand in a
// line, each for as long as the DNS is silent; and who gives up goes at once.
func TestSmarthostOfSilentDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSmarthost(SmarthostOptions{Host: "smart.example", Port: 25})
		s.lookup = func(ctx context.Context, _ string) ([]netip.Addr, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(10 * time.Second):
				return nil, errors.New("timeout")
			}
		}
		began := time.Now()
		ends := make(chan time.Duration, 20)
		for range 20 {
			go func() {
				if _, err := s.Addresses(t.Context(), Host{Name: "smart.example"}); err == nil {
					t.Error("an address")
				}
				ends <- time.Since(began)
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Addresses(ctx, Host{Name: "smart.example"}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		for range 20 {
			if end := <-ends; end != 10*time.Second {
				t.Errorf("an answer after %v", end)
			}
		}
	})
}
