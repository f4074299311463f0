package message

import "encoding/binary"

// SortKey names a string by which messages are sorted (RFC 5256 §3, RFC 5957
// §3).
type SortKey uint8

const (
	// SortSubject is the base subject, decoded, in UTF-8.
	SortSubject SortKey = iota
	// SortFrom, SortTo and SortCc are the mailbox, the part left of the at
	// sign, of the first address.
	SortFrom
	SortTo
	SortCc
	// SortDisplayFrom and SortDisplayTo are the decoded display name of the
	// first address, or else mailbox@host, or else the name of a group (RFC
	// 5957 §3).
	SortDisplayFrom
	SortDisplayTo
)

// maxSortKey bounds the bytes kept of a sort key.
const maxSortKey = 512

// appendSortKeys appends the strings in the order of SortKey, each with its
// length; artifact is as in BaseSubject.
func (m *Message) appendSortKeys(dst []byte, e *envelopeFields) (_ []byte, artifact bool) {
	w := &m.work
	w.text = appendDecodedHeader(w.text[:0], e.fields[envSubject].in(m.arena))
	base, artifact := baseSubject(w.text)
	dst = appendKey(dst, base)
	var display [2][]byte
	for i, f := range [...]int{envFrom, envTo, envCc} {
		var a Address
		w.addrs.reset(e.fields[f].in(m.arena))
		if e.fields[f] == (span{}) || !w.addrs.Next(&a) {
			dst = appendKey(dst, nil)
			continue
		}
		if a.Kind == Mailbox {
			dst = appendKey(dst, m.clean(a.Mailbox))
		} else { // a group's name is its mailbox in the envelope
			dst = appendKey(dst, m.clean(a.Name))
		}
		if i < len(display) {
			from := len(w.text)
			w.text = appendDisplay(w.text, &a)
			display[i] = w.text[from:]
		}
	}
	for _, d := range display {
		dst = appendKey(dst, d)
	}
	return dst, artifact
}

// appendDisplay appends the sort value of an address (RFC 5957 §3).
func appendDisplay(dst []byte, a *Address) []byte {
	if a.Kind != Mailbox { // addr-mailbox in the envelope: nothing is decoded
		return append(dst, toUTF8(a.Name)...)
	}
	from := len(dst)
	if dst = appendDecodedHeader(dst, a.Name); len(dst) > from {
		return dst
	}
	// A host that is missing is "" in the envelope, not NIL.
	dst = append(append(dst, toUTF8(a.Mailbox)...), '@')
	return append(dst, toUTF8(a.Host)...)
}

func appendKey(dst, key []byte) []byte {
	if len(key) > maxSortKey {
		n := maxSortKey
		for n > maxSortKey-4 && key[n]&0xC0 == 0x80 {
			n--
		}
		key = key[:n]
	}
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	return append(dst, key...)
}

// SortKey gives one sort key, UTF-8 and at most 512 bytes; empty if the message
// has none.
func (ix *Index) SortKey(k SortKey) []byte {
	r := varints{b: ix.sections[secSort]}
	for range k {
		r.bytes(r.uint())
	}
	return r.bytes(r.uint())
}

// IsReply says that the subject had the artifacts of a reply or forward (RFC
// 5256 §2.1).
func (ix *Index) IsReply() bool { return ix.flags&flagArtifact != 0 }

// appendIDs appends the identifiers of Message-ID, In-Reply-To and References,
// each list with an empty one at its end.
func (m *Message) appendIDs(dst []byte, e *envelopeFields) []byte {
	for _, f := range [...]int{envMessageID, envInReplyTo, envReferences} {
		r := &m.work.ids
		for r.reset(e.fields[f].in(m.arena)); r.next(); {
			dst = appendKey(dst, r.id)
			if f == envMessageID {
				break
			}
		}
		dst = append(dst, 0)
	}
	return dst
}

// IDs are the identifiers that tie messages together, without angle brackets.
type IDs struct {
	Message    string // empty: none
	InReplyTo  []string
	References []string
}

// IDs gives the message's identifiers.
func (ix *Index) IDs() IDs {
	var ids IDs
	ix.EachID(func(in IDField, id []byte) {
		switch in {
		case InMessageID:
			ids.Message = string(id)
		case InInReplyTo:
			ids.InReplyTo = append(ids.InReplyTo, string(id))
		case InReferences:
			ids.References = append(ids.References, string(id))
		}
	})
	return ids
}

// IDField is the field an identifier stands in.
type IDField uint8

const (
	InMessageID IDField = iota
	InInReplyTo
	InReferences
)

// EachID calls fn for each identifier in their order, first the Message-ID,
// then those of In-Reply-To and of References.
func (ix *Index) EachID(fn func(in IDField, id []byte)) {
	r := varints{b: ix.sections[secIDs]}
	for in := InMessageID; in <= InReferences; in++ {
		for {
			id := r.bytes(r.uint())
			if len(id) == 0 {
				break
			}
			fn(in, id)
		}
	}
}
