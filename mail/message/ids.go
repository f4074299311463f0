package message

import "bytes"

// maxReferences bounds the identifiers kept of one message: the first, which is
// the thread's, and the last ones.
const maxReferences = 200

// MessageIDs gives the message identifiers in the value of a Message-ID,
// In-Reply-To or References field (RFC 5322 §3.6.4), without angle brackets and
// quotes, so that equal ones are equal bytes (RFC 5256 §3). What is not in
// brackets is ignored; of more than 200 only the first and the last ones are
// given.
func MessageIDs(value []byte) []string {
	var ids []string
	var r idReader
	for r.reset(value); r.next(); {
		ids = append(ids, string(r.id))
	}
	return ids
}

// idReader reads identifiers one after the other into id.
type idReader struct {
	rest  []byte
	first bool
	skip  int // how many to leave out after the first
	id    []byte
}

func (r *idReader) reset(value []byte) {
	r.rest, r.skip, r.first = value, -maxReferences, true
	for rest := value; ; r.skip++ {
		var raw []byte
		if raw, rest = cutID(rest); raw == nil {
			return
		}
	}
}

// next reads the next identifier; false at the end.
func (r *idReader) next() bool {
	for {
		raw, rest := cutID(r.rest)
		if raw == nil {
			return false
		}
		r.rest = rest
		if !r.first && r.skip > 0 {
			r.skip--
			continue
		}
		r.first = false
		if r.id = appendID(r.id[:0], raw); len(r.id) > 0 {
			return true
		}
	}
}

// cutID gives what the next angle brackets hold, and what follows them; nil if
// there are none.
func cutID(value []byte) (raw, rest []byte) {
	i := bytes.IndexByte(value, '<')
	if i < 0 {
		return nil, nil
	}
	value = value[i+1:]
	end := bytes.IndexByte(value, '>')
	if end < 0 {
		return nil, nil
	}
	return value[:end:end], value[end+1:]
}

// appendID drops white space, and the quotes of a quoted local part.
func appendID(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case ' ', '\t', '\r', '\n', '"', 0:
		case '\\':
			if i++; i < len(raw) {
				dst = append(dst, raw[i])
			}
		default:
			dst = append(dst, c)
		}
	}
	return toUTF8(dst)
}
