package message

import "bytes"

// maxReferences bounds the identifiers kept of one message: the first, which is
// the thread's, and the last ones.
const maxReferences = 200

// MessageIDs gives the message identifiers in the value of a Message-ID,
// In-Reply-To or References field (RFC 5322 §3.6.4), without angle brackets and
// quotes, so that equal ones are equal bytes (RFC 5256 §3). What is not in
// brackets is ignored.
func MessageIDs(value []byte) []string {
	var ids []string
	for {
		i := bytes.IndexByte(value, '<')
		if i < 0 {
			return ids
		}
		value = value[i+1:]
		end := bytes.IndexByte(value, '>')
		if end < 0 {
			return ids
		}
		if id := normalID(value[:end]); id != "" {
			if len(ids) == maxReferences {
				ids = append(ids[:1], ids[2:]...)
			}
			ids = append(ids, id)
		}
		value = value[end+1:]
	}
}

// normalID drops white space, and the quotes of a quoted local part.
func normalID(b []byte) string {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case ' ', '\t', '\r', '\n', '"', 0:
		case '\\':
			if i++; i < len(b) {
				out = append(out, b[i])
			}
		default:
			out = append(out, c)
		}
	}
	return string(toUTF8(out))
}
