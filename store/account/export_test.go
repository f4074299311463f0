package account

import "context"

// Forget takes an account out of memory.
func (s *Store) Forget(a *Account) {
	s.mu.Lock()
	if a.place != nil {
		s.idle.Remove(a.place)
		a.place = nil
	}
	s.mu.Unlock()
	s.forget(a)
}

// InMemory counts accounts.
func (s *Store) InMemory() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.accounts)
}

// ForgetSwept makes the index look for objects that are gone.
func (a *Account) ForgetSwept() { a.swept.Store(deadToLookAt) }

// SkipObjects has the next message be an object of that number or above.
func (a *Account) SkipObjects(to ObjectID) { a.objects.Store(uint64(to)) }

// EnterOutbox begins what a Send begins with.
func (s *Store) EnterOutbox(ctx context.Context, a *Account) (done func()) {
	done, err := s.outboxes.enter(ctx, a)
	if err != nil {
		panic(err)
	}
	return done
}
