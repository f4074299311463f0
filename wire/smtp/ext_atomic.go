package smtp

import "unicode/utf8"

// AtomicSend lets a client send a draft and file it as sent in one step, and
// ask again after a lost connection without sending it twice: an extension of
// our own (docs/atomic-send.md).
var AtomicSend = Extension{
	Keyword: "XATOMIC",
	RFC:     "docs/atomic-send.md",
	Mail: []Param[Mail]{
		{Keyword: "XATTEMPT", Value: NeedsValue, Set: setAttempt, Append: appendAttempt},
		{Keyword: "XSENT", Value: NeedsValue, Set: setSentMailbox, Append: appendSentMailbox},
	},
	Check: checkAtomic,
}

// Atomic is one attempt to send atomically; the zero value: not said.
type Atomic struct {
	Attempt string // the client's name for it, 1 to 64 octets
	Sent    string // mailbox for the sent copy, in UTF-8; empty: none is kept
}

// Limits of the parameters, in octets after decoding.
const (
	maxAttempt     = 64
	maxSentMailbox = 1000 // as store/account's limit of names
)

var (
	errAttempt     = Reply{501, Status{5, 5, 4}, "XATTEMPT is xtext of 1 to 64 octets"}
	errSentMailbox = Reply{501, Status{5, 5, 4}, "XSENT is a mailbox name in UTF-8, as xtext"}
	errNoAttempt   = Reply{501, Status{5, 5, 4}, "XSENT needs XATTEMPT"}
)

func setAttempt(m *Mail, value []byte) error {
	id, ok := decodeXtext(value)
	if !ok || len(id) > maxAttempt {
		return errAttempt
	}
	m.Atomic.Attempt = id
	return nil
}

func appendAttempt(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	return appendXtext(dst, m.Atomic.Attempt), m.Atomic.Attempt != ""
}

func setSentMailbox(m *Mail, value []byte) error {
	name, ok := decodeXtext(value)
	if !ok || len(name) > maxSentMailbox || !printable(name, false) || !utf8.ValidString(name) {
		return errSentMailbox
	}
	m.Atomic.Sent = name
	return nil
}

func appendSentMailbox(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	return appendXtext(dst, m.Atomic.Sent), m.Atomic.Sent != ""
}

func checkAtomic(m *Mail) error {
	if m.Atomic.Sent != "" && m.Atomic.Attempt == "" {
		return errNoAttempt
	}
	return nil
}
