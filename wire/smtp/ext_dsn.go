package smtp

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// DSN lets the sender say what to report (RFC 3461), with the address type of
// RFC 6533.
var DSN = Extension{
	Keyword: "DSN",
	RFC:     "RFC 3461",
	Mail: []Param[Mail]{
		{Keyword: "RET", Value: NeedsValue, Set: setReturn, Append: appendReturn},
		{Keyword: "ENVID", Value: NeedsValue, Set: setEnvelopeID, Append: appendEnvelopeID},
	},
	Rcpt: []Param[Rcpt]{
		{Keyword: "NOTIFY", Value: NeedsValue, Set: setNotify, Append: appendNotify},
		{Keyword: "ORCPT", Value: NeedsValue, Set: setOriginal, Append: appendOriginal},
	},
}

// Limits of what is accepted, in octets after decoding; RFC 3461 §5.4 asks for
// as many before.
const (
	maxEnvelopeID = 100
	maxOriginal   = 500
)

var (
	errReturn     = Reply{501, Status{5, 5, 4}, "RET is FULL or HDRS"}
	errEnvelopeID = Reply{501, Status{5, 5, 4}, "ENVID is xtext of up to 100 printable ASCII characters"}
	errNotify     = Reply{501, Status{5, 5, 4}, "NOTIFY is NEVER, or some of SUCCESS,FAILURE,DELAY"}
	errOriginal   = Reply{501, Status{5, 5, 4}, "ORCPT is an address type, a semicolon and an address in xtext"}
)

// Return says what a report of failure contains of the message (RFC 3461 §4.3).
type Return uint8

const (
	ReturnUnsaid Return = iota
	ReturnFull
	ReturnHeaders
)

var returns = [...]string{ReturnFull: "FULL", ReturnHeaders: "HDRS"}

func setReturn(m *Mail, value []byte) error {
	for r, name := range returns {
		if bytes.EqualFold(value, []byte(name)) {
			m.Return = Return(r)
			return nil
		}
	}
	return errReturn
}

func appendReturn(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	return append(dst, returns[m.Return]...), m.Return != ReturnUnsaid
}

// setEnvelopeID decodes xtext whose text is printable US-ASCII (RFC 3461 §4.4).
func setEnvelopeID(m *Mail, value []byte) error {
	id, ok := decodeXtext(value)
	if !ok || len(id) > maxEnvelopeID || !printable(id, true) {
		return errEnvelopeID
	}
	m.EnvelopeID = id
	return nil
}

func appendEnvelopeID(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	return appendXtext(dst, m.EnvelopeID), m.EnvelopeID != ""
}

// Notify is a set of the events that the sender wants to hear of (RFC 3461
// §4.1); empty: nothing was said, which means failure, and perhaps delay.
type Notify uint8

const (
	NotifyNever Notify = 1 << iota // alone
	NotifySuccess
	NotifyFailure
	NotifyDelay
)

var notifies = []struct {
	bit  Notify
	name string
}{{NotifyNever, "NEVER"}, {NotifySuccess, "SUCCESS"}, {NotifyFailure, "FAILURE"}, {NotifyDelay, "DELAY"}}

// setNotify parses
//
//	notify-esmtp-value  = "NEVER" / 1#notify-list-element
//	notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"
func setNotify(r *Rcpt, value []byte) error {
	var set Notify
	for word := range bytes.SplitSeq(value, []byte{','}) {
		bit := notifyBit(word)
		if bit == 0 {
			return errNotify
		}
		set |= bit
	}
	if set&NotifyNever != 0 && len(value) != len("NEVER") {
		return errNotify
	}
	r.Notify = set
	return nil
}

func notifyBit(word []byte) Notify {
	for _, n := range notifies {
		if bytes.EqualFold(word, []byte(n.name)) {
			return n.bit
		}
	}
	return 0
}

// String gives the value as NOTIFY has it; empty for the empty set.
func (n Notify) String() string {
	var words []string
	for _, k := range notifies {
		if n&k.bit != 0 {
			words = append(words, k.name)
		}
	}
	return strings.Join(words, ",")
}

func appendNotify(dst []byte, r *Rcpt, _ bool) ([]byte, bool) {
	return append(dst, r.Notify.String()...), r.Notify != 0
}

// OriginalRecipient is the recipient as the sender first named it (RFC 3461
// §4.2); the zero value: not said.
type OriginalRecipient struct {
	// Type is the address type as it was spelt, such as rfc822 or utf-8 (RFC
	// 6533): a relay must not change its case (RFC 3461 §5.2.1).
	Type    string
	Address string // decoded; printable, of US-ASCII unless the type is utf-8
}

// UTF8 says that the address type is RFC 6533's, whose addresses are UTF-8.
func (o OriginalRecipient) UTF8() bool { return strings.EqualFold(o.Type, "utf-8") }

// setOriginal parses
//
//	original-recipient-address = addr-type ";" xtext
//	utf-8-type-addr            = "utf-8;" utf-8-enc-addr
//
// An address of type utf-8 that is no utf-8-enc-addr may still be xtext.
func setOriginal(r *Rcpt, value []byte) error {
	kind, text, ok := bytes.Cut(value, []byte{';'})
	if !ok || !isAtom(kind) {
		return errOriginal
	}
	o := OriginalRecipient{Type: string(kind)}
	ok = false
	if o.UTF8() {
		o.Address, ok = decodeUnitext(text)
	}
	if !ok {
		o.Address, ok = decodeXtext(text)
	}
	if !ok || len(o.Address) > maxOriginal || !printable(o.Address, !o.UTF8()) || !utf8.ValidString(o.Address) {
		return errOriginal
	}
	r.Original = o
	return nil
}

// isAtom checks addr-type = atom, of RFC 822 §3.3.
func isAtom(s []byte) bool {
	for _, c := range s {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\".[]`, c) >= 0 {
			return false
		}
	}
	return len(s) > 0
}

func appendOriginal(dst []byte, r *Rcpt, utf8 bool) ([]byte, bool) {
	dst = append(append(dst, r.Original.Type...), ';')
	if r.Original.UTF8() {
		dst = AppendUnitext(dst, r.Original.Address, utf8)
	} else {
		dst = appendXtext(dst, r.Original.Address)
	}
	return dst, r.Original != (OriginalRecipient{})
}
