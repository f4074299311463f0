package conn

import (
	"container/heap"
	"net/netip"
	"sync"
)

// Limits bound what peers can hold. Zero means the default, negative no limit.
// None is per address: carriers put thousands of phones behind one.
type Limits struct {
	Total       int   // connections; 100,000
	BeforeLogin int   // of them not logged in; 4,096
	PerAccount  int   // connections of one account; 200
	HeldBytes   int64 // bytes unsent because peers do not read; 256 MiB
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, d int) {
		switch {
		case *v == 0:
			*v = d
		case *v < 0:
			*v = int(^uint(0) >> 1)
		}
	}
	set(&l.Total, 100_000)
	set(&l.BeforeLogin, 4096)
	set(&l.PerAccount, 200)
	switch {
	case l.HeldBytes == 0:
		l.HeldBytes = 256 << 20
	case l.HeldBytes < 0:
		l.HeldBytes = 1<<63 - 1
	}
	return l
}

// admission counts connections and decides who gives way. All connections not
// logged in stand in line in the bucket of their network; under pressure the
// one longest there in the busiest network goes.
type admission struct {
	lim Limits

	mu       sync.Mutex
	closing  bool
	emptied  chan struct{} // closed when closing and nobody is left
	all      map[*link]struct{}
	waiting  int // not logged in
	seq      uint64
	buckets  map[netip.Prefix]*bucket
	busiest  bucketHeap
	accounts map[string]int
}

// place is a connection's standing in the admission.
type place struct {
	bucket     *bucket // nil once logged in, or trusted
	prev, next *link   // within the bucket, oldest first
	seq        uint64  // age within the line
	account    string
}

// bucket is the line of one network's connections that are not logged in.
type bucket struct {
	prefix      netip.Prefix
	n           int
	first, last *link
	index       int // in the heap
}

func newAdmission(lim Limits) *admission {
	return &admission{
		lim:      lim.withDefaults(),
		emptied:  make(chan struct{}),
		all:      make(map[*link]struct{}),
		buckets:  make(map[netip.Prefix]*bucket),
		accounts: make(map[string]int),
	}
}

// network is the unit in which addresses are counted: /24 for IPv4 and /56 for
// IPv6, what one customer or one small site gets. Unix sockets share one.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 56
	if a.Is4() {
		bits = 24
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// enter lets a connection in, at the cost of another one (victim, to be killed
// by the caller) where a limit is reached. ok is false if it must stay out.
func (a *admission) enter(l *link) (victim *link, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing || l.on.Max > 0 && l.on.open >= l.on.Max {
		return nil, false
	}
	full := len(a.all) >= a.lim.Total
	if full || !l.on.Trusted && a.waiting >= a.lim.BeforeLogin {
		victim = a.oldestOfBusiest()
		if victim == nil && full {
			return nil, false
		}
	}
	l.on.open++
	a.all[l] = struct{}{}
	if l.known.Store(l.on.Trusted); !l.on.Trusted {
		a.line(l)
	}
	return victim, true
}

// oldestOfBusiest takes the connection that gives way out of the line.
func (a *admission) oldestOfBusiest() *link {
	if len(a.busiest) == 0 {
		return nil
	}
	l := a.busiest[0].first
	a.unline(l)
	return l
}

// line puts a connection at the end of its network's line.
func (a *admission) line(l *link) {
	p := network(l.remote.Addr())
	b := a.buckets[p]
	if b == nil {
		b = &bucket{prefix: p}
		a.buckets[p] = b
		heap.Push(&a.busiest, b)
	}
	a.seq++
	l.place.seq, l.place.bucket = a.seq, b
	l.place.prev = b.last
	if b.last == nil {
		b.first = l
	} else {
		b.last.place.next = l
	}
	b.last = l
	b.n++
	a.waiting++
	heap.Fix(&a.busiest, b.index)
}

// unline takes a connection out of its line, if it stands in one.
func (a *admission) unline(l *link) {
	b := l.place.bucket
	if b == nil {
		return
	}
	if l.place.prev == nil {
		b.first = l.place.next
	} else {
		l.place.prev.place.next = l.place.next
	}
	if l.place.next == nil {
		b.last = l.place.prev
	} else {
		l.place.next.place.prev = l.place.prev
	}
	l.place.bucket, l.place.prev, l.place.next = nil, nil, nil
	b.n--
	a.waiting--
	if b.n == 0 {
		heap.Remove(&a.busiest, b.index)
		delete(a.buckets, b.prefix)
		return
	}
	heap.Fix(&a.busiest, b.index)
}

// move puts a connection into the line of its (newly stated) network.
func (a *admission) move(l *link) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.place.bucket != nil {
		a.unline(l)
		a.line(l)
	}
}

// login counts the connection towards an account instead of the line.
func (a *admission) login(l *link, account string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.place.account == account {
		return nil
	}
	if a.accounts[account] >= a.lim.PerAccount {
		return ErrTooManyConnections
	}
	a.unaccount(l)
	a.unline(l)
	l.place.account = account
	l.known.Store(true)
	a.accounts[account]++
	return nil
}

// logout puts the connection back into the line (RFC 8437 UNAUTHENTICATE).
func (a *admission) logout(l *link) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.place.account == "" {
		return
	}
	a.unaccount(l)
	if _, in := a.all[l]; in && !l.on.Trusted {
		l.known.Store(false)
		a.line(l)
	}
}

func (a *admission) unaccount(l *link) {
	if l.place.account == "" {
		return
	}
	if a.accounts[l.place.account]--; a.accounts[l.place.account] <= 0 {
		delete(a.accounts, l.place.account)
	}
	l.place.account = ""
}

// leave takes a closed connection out of every count.
func (a *admission) leave(l *link) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, in := a.all[l]; !in {
		return
	}
	delete(a.all, l)
	l.on.open--
	a.unline(l)
	a.unaccount(l)
	a.checkEmptied()
}

// close lets nobody in any more and returns who is in.
func (a *admission) close() []*link {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closing {
		a.closing = true
		a.checkEmptied()
	}
	left := make([]*link, 0, len(a.all))
	for l := range a.all {
		left = append(left, l)
	}
	return left
}

func (a *admission) checkEmptied() {
	if a.closing && len(a.all) == 0 {
		select {
		case <-a.emptied:
		default:
			close(a.emptied)
		}
	}
}

func (a *admission) levels() (open, waiting, accounts int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.all), a.waiting, len(a.accounts)
}

// bucketHeap has the busiest network on top, of equals that with the oldest
// connection.
type bucketHeap []*bucket

func (h bucketHeap) Len() int { return len(h) }
func (h bucketHeap) Less(i, j int) bool {
	if h[i].n != h[j].n || h[i].n == 0 {
		return h[i].n > h[j].n
	}
	return h[i].first.place.seq < h[j].first.place.seq
}
func (h bucketHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *bucketHeap) Push(x any) {
	b := x.(*bucket)
	b.index = len(*h)
	*h = append(*h, b)
}
func (h *bucketHeap) Pop() any {
	old := *h
	b := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return b
}
