package smtp

import "time"

// Hold is for how long, or until when, a message is to be held back (RFC 4865);
// at most one of the two is set.
type Hold struct {
	For   time.Duration
	Until time.Time
}
