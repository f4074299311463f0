package smtp

// Return says what a report of failure contains of the message (RFC 3461 §4.3).
type Return uint8

const (
	ReturnUnsaid Return = iota
	ReturnFull
	ReturnHeaders
)

// Notify is a set of the events that the sender wants to hear of (RFC 3461
// §4.1); empty: nothing was said, which means failure, and perhaps delay.
type Notify uint8

const (
	NotifyNever Notify = 1 << iota // alone
	NotifySuccess
	NotifyFailure
	NotifyDelay
)

// OriginalRecipient is the recipient as the sender first named it (RFC 3461
// §4.2); the zero value: not said.
type OriginalRecipient struct {
	Type    string // address type, such as rfc822 or utf-8 (RFC 6533)
	Address string // decoded
}
