package smtp

import "time"

// DeliverBy is the BY parameter (RFC 2852 §4); the zero value: not said.
type DeliverBy struct {
	Mode  ByMode
	Trace bool
	// Within counts from when MAIL was received; it may be negative in
	// mode notify.
	Within time.Duration
}

// ByMode says what happens when the time is over.
type ByMode uint8

const (
	ByUnsaid ByMode = iota
	ByNotify        // a report of delay, and delivery goes on
	ByReturn        // the message is returned
)
