package message

import (
	"bytes"
	"iter"
	"strings"
)

// Field is one header field. Its slices refer to the header.
type Field struct {
	Name  []byte // as written; empty for a line that is no field
	Value []byte // what follows the colon, folding and last line end included
	Raw   []byte // all of it
}

// AppendText appends the value unfolded, decoded and in UTF-8 (DecodeHeader).
func (f Field) AppendText(dst []byte) []byte { return appendDecodedHeader(dst, f.Value) }

// Fields iterates over the fields of a raw header, up to its blank line.
func Fields(header []byte) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for len(header) > 0 {
			n := fieldLen(header)
			if n == 0 {
				return
			}
			f := Field{Raw: header[:n:n]}
			colon := colonAt(f.Raw)
			if f.Name = fieldName(f.Raw, colon); f.Name != nil {
				f.Value = f.Raw[colon+1:]
			}
			if !yield(f) {
				return
			}
			header = header[n:]
		}
	}
}

// fieldLen gives the length of the field that h begins with: its first line
// and those that are folded. 0 at the blank line.
func fieldLen(h []byte) int {
	if h[0] == '\n' || h[0] == '\r' && (len(h) == 1 || h[1] == '\n') {
		return 0
	}
	n := 0
	for {
		i := bytes.IndexByte(h[n:], '\n')
		if i < 0 {
			return len(h)
		}
		n += i + 1
		if n == len(h) || h[n] != ' ' && h[n] != '\t' {
			return n
		}
	}
}

// FirstField gives the value of the first field with a name, as it stands
// there; false if there is none.
func FirstField(header []byte, name string) (value []byte, ok bool) {
	for f := range Fields(header) {
		if len(f.Name) == len(name) && strings.EqualFold(string(f.Name), name) {
			return f.Value, true
		}
	}
	return nil, false
}

// FieldFilter selects header fields for HEADER.FIELDS and HEADER.FIELDS.NOT
// (RFC 9051 §6.4.5.1). It is made once for a FETCH and used for every message,
// by any number of goroutines.
type FieldFilter struct {
	names [][]string // lower case, by length
	not   bool
}

// NewFieldFilter makes a filter of field names. With not it selects all others.
func NewFieldFilter(names []string, not bool) *FieldFilter {
	f := &FieldFilter{not: not}
	for _, name := range names {
		name = strings.ToLower(name)
		for len(f.names) <= len(name) {
			f.names = append(f.names, nil)
		}
		f.names[len(name)] = append(f.names[len(name)], name)
	}
	return f
}

// has says whether the name is in the list.
func (f *FieldFilter) has(name []byte) bool {
	if len(name) >= len(f.names) {
		return false
	}
	for _, n := range f.names[len(name)] {
		if equalFold(name, n) {
			return true
		}
	}
	return false
}

// Append appends the selected fields of a raw header, byte for byte, and the
// blank line if the header has one. A line that is no field has no name that
// could match.
func (f *FieldFilter) Append(dst, header []byte) []byte {
	for len(header) > 0 {
		n := fieldLen(header)
		if n == 0 {
			if i := bytes.IndexByte(header, '\n'); i >= 0 {
				header = header[:i+1]
			}
			return append(dst, header...)
		}
		field := header[:n]
		name := fieldName(field, colonAt(field))
		if (name != nil && f.has(name)) != f.not {
			dst = append(dst, field...)
		}
		header = header[n:]
	}
	return dst
}
