package conn

import (
	"math"
	"net/netip"
	"sync"
	"time"
)

const (
	// failMemory is the number of networks whose failures are remembered.
	failMemory = 16 << 10
	// failHalfLife is the time in which half of them are forgiven.
	failHalfLife = 5 * time.Minute
	// failFree failures are answered at once: people mistype.
	failFree = 3
	// failFirst is the delay of the next one; each further one doubles it, up
	// to failMost.
	failFirst = 500 * time.Millisecond
	failMost  = 20 * time.Second
)

// failures remembers failed logins by network and says how long to hold back
// the answer to the next. Only the answers to failures are held back: whoever
// knows the password does not suffer from a neighbour who guesses.
type failures struct {
	mu  sync.Mutex
	net map[netip.Prefix]failed
}

type failed struct {
	score float64 // failures, forgiven exponentially
	at    time.Time
}

func (f failed) now(t time.Time) float64 {
	age := max(0, t.Sub(f.at))
	return f.score * math.Exp2(-float64(age)/float64(failHalfLife))
}

// add counts a failure and returns the delay of its answer.
func (f *failures) add(a netip.Addr, now time.Time) time.Duration {
	p := network(a)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.net == nil {
		f.net = make(map[netip.Prefix]failed)
	}
	old, known := f.net[p]
	if !known && len(f.net) >= failMemory {
		f.forget(now)
	}
	score := old.now(now) + 1
	f.net[p] = failed{score, now}
	if score <= failFree {
		return 0
	}
	delay := float64(failFirst) * math.Exp2(score-failFree-1)
	return time.Duration(min(delay, float64(failMost)))
}

// forget makes room: of a few entries (the map's order is random) the least
// guilty goes, so that a flood of new networks does not wash out the guilty.
func (f *failures) forget(now time.Time) {
	var least netip.Prefix
	lowest, seen := math.Inf(1), 0
	for p, e := range f.net {
		if s := e.now(now); s < lowest {
			least, lowest = p, s
		}
		if seen++; seen == 8 {
			break
		}
	}
	delete(f.net, least)
}
