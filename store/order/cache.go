package order

import (
	"container/list"
	"sync"
)

// Place names a mailbox: the number of its account, and its own. Neither is
// ever given out again.
type Place struct {
	Account uint64
	Mailbox uint32
}

// Cache has the mailboxes that were sorted of late. Its methods may be called
// concurrently.
type Cache struct {
	limit int64

	mu    sync.Mutex
	boxes map[Place]*list.Element // of *cached
	used  *list.List              // the most recent in front
	bytes int64
}

type cached struct {
	place Place
	box   *Mailbox
	bytes int64 // as counted in Cache.bytes
}

// NewCache makes a cache that keeps no more than limit bytes, roughly, between
// two uses.
func NewCache(limit int64) *Cache {
	return &Cache{limit: limit, boxes: map[Place]*list.Element{}, used: list.New()}
}

// Mailbox gives a mailbox, empty if it is not in the cache. live is how many
// messages it has: one whose rows are mostly of others begins anew.
func (c *Cache) Mailbox(p Place, live uint32) *Mailbox {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.boxes[p]
	if e != nil && e.Value.(*cached).box.Crowded(live) {
		c.drop(e)
		e = nil
	}
	if e == nil {
		e = c.used.PushFront(&cached{place: p, box: newMailbox()})
		c.boxes[p] = e
	}
	c.used.MoveToFront(e)
	return e.Value.(*cached).box
}

// Done is called by who has used a mailbox: now it is counted what it takes, and
// the least recently used go while all take too much.
func (c *Cache) Done(p Place, box *Mailbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.boxes[p]
	if e == nil || e.Value.(*cached).box != box {
		return
	}
	entry := e.Value.(*cached)
	n := box.bytes()
	c.bytes += n - entry.bytes
	entry.bytes = n
	for c.bytes > c.limit && c.used.Len() > 0 {
		c.drop(c.used.Back())
	}
}

func (c *Cache) drop(e *list.Element) {
	entry := c.used.Remove(e).(*cached)
	delete(c.boxes, entry.place)
	c.bytes -= entry.bytes
}
