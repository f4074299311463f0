package account

import "slices"

// watcher is one caller of Watch.
type watcher struct{ wake func() }

// Watch has wake called after every change of the account, when it is durable
// and published and with no lock held; many changes may be one call, and
// nothing says what changed. wake must return at once. cancel ends it; a call
// under way may still come.
func (a *Account) Watch(wake func()) (cancel func()) {
	w := &watcher{wake}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watchers = append(slices.Clip(a.watchers), w)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.watchers = slices.DeleteFunc(slices.Clone(a.watchers), func(x *watcher) bool { return x == w })
	}
}

// wake calls the watchers.
func (a *Account) wake() {
	a.mu.RLock()
	all := a.watchers
	a.mu.RUnlock()
	for _, w := range all {
		w.wake()
	}
}
