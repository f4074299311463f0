package kv

import "fmt"

// Budget is how every engine holds a transaction's writes to the limits of
// this package. Its zero value is ready; after the first violation it keeps
// that error and refuses every later write, and the engine returns the error
// from Update instead of committing.
type Budget struct {
	used int
	err  error
}

// Err is the first violation, wrapping ErrTooLarge, or nil.
func (b *Budget) Err() error { return b.err }

// Write accounts for a key being set to a value, or deleted (a nil value), and
// says whether the engine may keep it.
func (b *Budget) Write(key, value []byte) bool {
	if b.err != nil {
		return false
	}
	switch {
	case len(key) == 0 || len(key) > MaxKey:
		b.err = fmt.Errorf("%w: key of %d bytes (1 to %d)", ErrTooLarge, len(key), MaxKey)
	case len(value) > MaxValue:
		b.err = fmt.Errorf("%w: value of %d bytes (at most %d)", ErrTooLarge, len(value), MaxValue)
	}
	return b.spend(len(key) + len(value))
}

// Range accounts for a range deletion, and says whether the engine may keep
// it: bounds are no keys and may be empty.
func (b *Budget) Range(from, to []byte) bool {
	if b.err != nil {
		return false
	}
	if len(from) > MaxKey+1 || len(to) > MaxKey+1 {
		b.err = fmt.Errorf("%w: range bounds of %d and %d bytes", ErrTooLarge, len(from), len(to))
	}
	return b.spend(len(from) + len(to))
}

func (b *Budget) spend(n int) bool {
	if b.err != nil {
		return false
	}
	if b.used += n; b.used > MaxTx {
		b.err = fmt.Errorf("%w: %d bytes written (at most %d)", ErrTooLarge, b.used, MaxTx)
	}
	return b.err == nil
}
