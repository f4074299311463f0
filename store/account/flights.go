package account

import (
	"sync"
	"time"
)

// flights are the numbers of objects that were given to messages still on their
// way. A message that is long gets its number when its body begins, and later
// ones may be filed before it.
type flights struct {
	mu      sync.Mutex
	objects map[ObjectID]bool
}

// depart gives a number to a message that is on its way until land.
func (a *Account) depart() ObjectID {
	f := &a.flights
	f.mu.Lock()
	defer f.mu.Unlock()
	o := ObjectID(a.objects.Add(1) - 1)
	if f.objects == nil {
		f.objects = make(map[ObjectID]bool)
	}
	f.objects[o] = true
	return o
}

// land says that the message is filed and published, or never will be.
func (a *Account) land(o ObjectID) {
	a.flights.mu.Lock()
	delete(a.flights.objects, o)
	a.flights.mu.Unlock()
	a.indexSoon(a.store.opt.Now())
}

// indexSoon asks for what came to be indexed, together with what comes in the
// next moment.
func (a *Account) indexSoon(now time.Time) {
	a.store.indexing.soon(a.id, now.Add(a.store.opt.IndexDelay))
}

// below gives the numbers below one.
func (f *flights) below(limit ObjectID) map[ObjectID]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	below := make(map[ObjectID]bool)
	for o := range f.objects {
		if o < limit {
			below[o] = true
		}
	}
	return below
}
