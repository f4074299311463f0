package message

import "citron/wire/imap"

// appendEnvelope appends the ENVELOPE of the message whose fields are e (RFC
// 9051 §7.5.2). A date, subject, in-reply-to or message-id is NIL if the field
// is absent and "" if it is empty; a list of addresses is NIL if there is no
// address; sender and reply-to are then as from.
func (m *Message) appendEnvelope(dst []byte, e *envelopeFields) []byte {
	dst = append(dst, '(')
	dst = m.appendText(dst, e.fields[envDate])
	dst = append(dst, ' ')
	dst = m.appendText(dst, e.fields[envSubject])
	dst = append(dst, ' ')
	from := len(dst)
	dst = m.appendAddresses(dst, e, envFrom)
	to := len(dst)
	for _, f := range [...]int{envSender, envReplyTo} {
		dst = append(dst, ' ')
		at := len(dst)
		if dst = m.appendAddresses(dst, e, f); isNIL(dst[at:]) {
			dst = append(dst[:at], dst[from:to]...)
		}
	}
	for _, f := range [...]int{envTo, envCc, envBcc} {
		dst = append(dst, ' ')
		dst = m.appendAddresses(dst, e, f)
	}
	dst = append(dst, ' ')
	dst = m.appendText(dst, e.fields[envInReplyTo])
	dst = append(dst, ' ')
	dst = m.appendText(dst, e.fields[envMessageID])
	return append(dst, ')')
}

func isNIL(b []byte) bool { return string(b) == "NIL" }

// appendAddresses appends the addresses of a field, of all if it is repeated;
// NIL if there are none.
func (m *Message) appendAddresses(dst []byte, e *envelopeFields, field int) []byte {
	start := len(dst)
	dst = append(dst, '(')
	dst = m.appendAddressList(dst, e.fields[field])
	for _, more := range e.more {
		if more.field == field {
			dst = m.appendAddressList(dst, more.value)
		}
	}
	if len(dst) == start+1 {
		return imap.AppendNIL(dst[:start])
	}
	return append(dst, ')')
}

func (m *Message) appendAddressList(dst []byte, v span) []byte {
	if v == (span{}) {
		return dst
	}
	r := &m.work.addrs
	r.reset(v.in(m.arena))
	var a Address
	for m.work.addresses > 0 && r.Next(&a) {
		m.work.addresses--
		dst = m.appendAddress(dst, &a)
	}
	return dst
}

// appendAddress appends one address structure. A host that is missing is "",
// because NIL would make it a group (RFC 9051 §9, addr-host).
func (m *Message) appendAddress(dst []byte, a *Address) []byte {
	switch a.Kind {
	case GroupStart:
		dst = append(dst, "(NIL NIL "...)
		dst = appendString(dst, m.clean(a.Name))
		return append(dst, " NIL)"...)
	case GroupEnd:
		return append(dst, "(NIL NIL NIL NIL)"...)
	}
	dst = append(dst, '(')
	dst = m.appendPresent(dst, a.Name)
	dst = append(dst, ' ')
	dst = m.appendPresent(dst, a.Route)
	dst = append(dst, ' ')
	dst = appendString(dst, m.clean(a.Mailbox))
	dst = append(dst, ' ')
	dst = appendString(dst, m.clean(a.Host))
	return append(dst, ')')
}

// appendPresent appends NIL for an empty string.
func (m *Message) appendPresent(dst, s []byte) []byte {
	if len(s) == 0 {
		return imap.AppendNIL(dst)
	}
	return appendString(dst, m.clean(s))
}

// clean gives s as UTF-8 without line ends and NULs; valid until the next call.
func (m *Message) clean(s []byte) []byte {
	m.work.value = appendUnfolded(m.work.value[:0], s)
	return toUTF8(m.work.value)
}
