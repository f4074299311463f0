package collate

import (
	"slices"
	"strings"
)

// Comparator is a collation in a direction (RFC 4790 §3.3).
type Comparator struct {
	*Collation
	Reverse bool // "-": ordering is inverted
}

// String is the comparator as a client is told it, the collation-selected of
// RFC 4790 §3.3.
func (c Comparator) String() string {
	if c.Reverse {
		return "-" + c.name
	}
	return c.name
}

// maxPattern is the longest pattern in characters (RFC 4790 §3.2).
const maxPattern = 254

// ValidOrder says whether s is a collation-order (RFC 4790 §3.3): a pattern of
// collations, perhaps with a direction.
func ValidOrder(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	if s == "" || len(s) > maxPattern || strings.Contains(s, "**") {
		return false
	}
	if first := s[0]; first != '*' && (first|0x20 < 'a' || first|0x20 > 'z') {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' < 10, 'a' <= c|0x20 && c|0x20 <= 'z', strings.IndexByte("-;=.*", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// Match gives the comparators that a collation-order stands for, the most
// widely useful first. Case does not matter.
func Match(order string) (matching []Comparator) {
	pattern := strings.ToLower(order)
	reverse := strings.HasPrefix(pattern, "-")
	pattern = strings.TrimLeft(pattern, "+-")
	if pattern == "default" {
		return []Comparator{{Default(), reverse}}
	}
	for _, c := range all {
		if matchWild(pattern, c.name) {
			matching = append(matching, Comparator{c, reverse})
		}
	}
	return matching
}

// matchWild matches a name against a pattern in which "*" stands for any
// characters.
func matchWild(pattern, name string) bool {
	pieces := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(name, pieces[0])
	if !ok || len(pieces) == 1 {
		return ok && rest == ""
	}
	for _, piece := range pieces[1 : len(pieces)-1] {
		i := strings.Index(rest, piece)
		if i < 0 {
			return false
		}
		rest = rest[i+len(piece):]
	}
	return strings.HasSuffix(rest, pieces[len(pieces)-1])
}

// Select gives the comparator that orders, in the order of preference, ask for,
// and all that match any of them; ok is false if none does (RFC 5255 §4.7).
func Select(orders []string) (active Comparator, matching []Comparator, ok bool) {
	for _, order := range orders {
		for _, c := range Match(order) {
			if !slices.Contains(matching, c) {
				matching = append(matching, c)
			}
		}
	}
	if len(matching) == 0 {
		return Comparator{}, nil, false
	}
	return matching[0], matching, true
}
