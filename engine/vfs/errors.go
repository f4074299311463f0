package vfs

import "errors"

var (
	// ErrNoSpace says that the volume is full. Nothing of the call was kept.
	ErrNoSpace = errors.New("no space left on the volume")
	// ErrLocked says that another process holds the lock.
	ErrLocked = errors.New("locked by another process")
)
