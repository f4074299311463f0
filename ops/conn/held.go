package conn

import "sync"

// held accounts for what could not be sent because peers do not read. Such a
// connection is not cut for that; but when the sum passes the limit, the
// costliest goes.
type held struct {
	limit int64

	mu  sync.Mutex
	sum int64
	by  map[*link]int
}

// set says that the connection holds n unsent bytes (0: none any more) and
// returns a connection to be killed, if there is need.
func (h *held) set(l *link, n int) (victim *link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.killed.Load() != 0 {
		n = 0 // it has gone already, and shall not cost another its place
	}
	h.sum += int64(n - h.by[l])
	if n == 0 {
		delete(h.by, l)
		return nil
	}
	if h.by == nil {
		h.by = make(map[*link]int)
	}
	h.by[l] = n
	if h.sum <= h.limit {
		return nil
	}
	most := 0
	for v, n := range h.by {
		if n > most {
			victim, most = v, n
		}
	}
	h.sum -= int64(most)
	delete(h.by, victim)
	victim.setKilled(OutOfMemory)
	return victim
}

func (h *held) bytes() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sum
}
