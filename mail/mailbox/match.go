package mailbox

// Match says whether name matches a LIST pattern: "*" stands for any octets,
// "%" for any but the separator (RFC 9051 §6.3.9.1). An INBOX as the pattern's
// first level matches in any case.
//
// Time is at most len(pattern) times len(name), without recursion: a failed
// "%" is retried one octet further until a separator stops it, then the last
// "*" is. An earlier "*" never needs another try, since the last one takes
// whatever the earlier could.
func Match(pattern, name string) bool {
	pattern = foldInbox(pattern, name)
	star, starAt := -1, 0       // the last "*" and what it reaches up to
	percent, percentAt := -1, 0 // the last "%" since then
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, starAt, percent = p, n, -1
			p++
		case p < len(pattern) && pattern[p] == '%':
			percent, percentAt = p, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case percent >= 0 && name[percentAt] != Separator:
			percentAt++
			p, n = percent+1, percentAt
		case star >= 0:
			starAt++
			p, n, percent = star+1, starAt, -1
		default:
			return false
		}
	}
	for p < len(pattern) && (pattern[p] == '*' || pattern[p] == '%') {
		p++
	}
	return p == len(pattern)
}

// foldInbox puts the first octets of pattern in capitals as far as they spell
// INBOX, if name is INBOX or below it.
func foldInbox(pattern, name string) string {
	if name != Inbox && !IsBelow(name, Inbox) {
		return pattern
	}
	n := 0
	for n < len(pattern) && n < len(Inbox) && pattern[n]&^0x20 == Inbox[n] {
		n++
	}
	if pattern[:n] == Inbox[:n] {
		return pattern
	}
	return Inbox[:n] + pattern[n:]
}

// Pattern joins LIST's reference and pattern (RFC 9051 §6.3.9.1): a pattern
// that begins with the separator stands by itself, without it.
func Pattern(reference, pattern string) string {
	if len(pattern) > 0 && pattern[0] == Separator {
		return pattern[1:]
	}
	return reference + pattern
}
