package kv

// Prefix asks for all keys that begin with p.
func Prefix(p []byte) Range { return Range{From: p, To: PrefixEnd(p)} }

// PrefixEnd is the first key after all that begin with p; nil, which means the
// account's end, if there can be none.
func PrefixEnd(p []byte) []byte {
	end := append([]byte(nil), p...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// NoValues asks for the keys alone.
func (r Range) NoValues() Range {
	r.KeysOnly = true
	return r
}
