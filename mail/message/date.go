package message

import "time"

// Date is a point in time and the zone in which it was told.
type Date struct {
	Unix   int64 // seconds since 1970-01-01 00:00 UTC
	Offset int   // seconds east of UTC, within ±24 hours
}

// Time gives the date in its zone.
func (d Date) Time() time.Time {
	return time.Unix(d.Unix, 0).In(time.FixedZone("", d.Offset))
}

// Day gives the calendar day in the date's own zone, as days since 1970-01-01:
// what SEARCH SENTON and its like compare (RFC 9051 §6.4.4).
func (d Date) Day() int64 { return floorDiv(d.Unix+int64(d.Offset), 86400) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// ParseDate reads the value of a Date field: RFC 5322 §3.3 and §4.3, and what
// is common beside them: names of months in full, ISO 8601, asctime's order,
// missing seconds, dots for colons, missing or unknown zones (which are UTC).
// An invalid time is 00:00:00 (RFC 5256 §2.2). False if there is no date.
func ParseDate(value []byte) (Date, bool) {
	p := dateParser{lexer: lexer{in: value}, day: -1, month: -1, year: -1}
	for p.element() {
	}
	if p.year < 0 || p.month < 1 || p.day < 1 || p.day > 31 {
		return Date{}, false
	}
	if p.hour > 23 || p.minute > 59 || p.second > 60 {
		p.hour, p.minute, p.second = 0, 0, 0
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, 0, time.UTC)
	return Date{Unix: t.Unix() - int64(p.offset), Offset: p.offset}, true
}

// dateParser collects the elements of a date in whatever order they come.
type dateParser struct {
	lexer
	day, month, year     int
	hour, minute, second int
	haveTime, haveZone   bool
	offset               int
}

// element reads one element; false at the end.
func (p *dateParser) element() bool {
	p.space()
	if p.pos >= len(p.in) {
		return false
	}
	switch c := p.in[p.pos]; {
	case isDigit(c):
		p.number()
	case c == '+' || c == '-':
		p.pos++
		p.zone(c)
	case isAlpha(c):
		p.word()
	default:
		p.pos++
	}
	return true
}

// number reads a day, a year, a time or an ISO 8601 date.
func (p *dateParser) number() {
	n, digits := p.digits()
	next := byte(0)
	if p.pos+1 < len(p.in) && isDigit(p.in[p.pos+1]) {
		next = p.in[p.pos]
	}
	switch {
	case digits <= 2 && !p.haveTime && (p.colon() || next == '.' && p.day >= 0 && p.accept('.')):
		p.clock(n)
	case next == '-' && digits == 4 && p.year < 0:
		p.year = n
		p.pos++
		p.month, _ = p.digits()
		if p.accept('-') {
			p.day, _ = p.digits()
		}
		if p.pos < len(p.in) && p.in[p.pos]|0x20 == 't' {
			p.pos++
		}
	case digits <= 2 && p.day < 0:
		p.day = n
		p.accept('-')
	case p.year < 0 && digits <= 6:
		p.year = fullYear(n, digits)
	}
}

// fullYear interprets years of two and three digits (RFC 5322 §4.3).
func fullYear(n, digits int) int {
	switch {
	case digits <= 2 && n < 50:
		return n + 2000
	case digits <= 3:
		return n + 1900
	}
	return min(n, 9999)
}

// colon skips a colon and the space around it, which obsolete syntax allows.
func (p *dateParser) colon() bool {
	from := p.pos
	if p.space(); !p.accept(':') {
		p.pos = from
		return false
	}
	p.space()
	return true
}

// clock reads minutes and seconds after the hour and its colon.
func (p *dateParser) clock(hour int) {
	p.haveTime = true
	p.hour = hour
	p.minute, _ = p.digits()
	if p.colon() || p.accept('.') {
		p.second, _ = p.digits()
	}
	if p.pos+1 < len(p.in) && p.in[p.pos] == '.' && isDigit(p.in[p.pos+1]) {
		p.pos++
		p.digits() // fraction
	}
}

// zone reads ±hhmm or ±hh:mm. Before the time a sign is only a separator, as
// in 1-Feb-1994.
func (p *dateParser) zone(sign byte) {
	if !p.haveTime || p.haveZone || p.pos >= len(p.in) || !isDigit(p.in[p.pos]) {
		return
	}
	n, digits := p.digits()
	if digits <= 2 {
		n *= 100
		if p.accept(':') {
			m, _ := p.digits()
			n += m
		}
	}
	p.setZone(sign, n/100*3600+n%100*60)
}

func (p *dateParser) setZone(sign byte, seconds int) {
	p.haveZone = true
	if seconds >= 86400 {
		return // invalid: UTC
	}
	if sign == '-' {
		seconds = -seconds
	}
	p.offset = seconds
}

// word reads the name of a month or a zone. Others, the day of the week among
// them, mean nothing.
func (p *dateParser) word() {
	from := p.pos
	for p.pos < len(p.in) && isAlpha(p.in[p.pos]) {
		p.pos++
	}
	w := p.in[from:p.pos]
	if len(w) >= 3 && p.month < 0 {
		for i := range 12 {
			if equalFold(w[:3], monthNames[3*i:3*i+3]) {
				p.month = i + 1
				p.accept('-')
				p.accept('.')
				return
			}
		}
	}
	if !p.haveTime {
		return
	}
	for _, z := range zoneNames {
		if equalFold(w, z.name) && !p.haveZone {
			sign := byte('+')
			if z.hours < 0 {
				sign = '-'
			}
			p.setZone(sign, max(z.hours, -z.hours)*3600)
			// GMT+0200 is seen: the number counts.
			p.haveZone = z.hours != 0
		}
	}
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// zoneNames are those that mean something; others, the military ones among
// them, are UTC (RFC 5322 §4.3).
var zoneNames = []struct {
	name  string
	hours int
}{
	{"gmt", 0}, {"utc", 0}, {"ut", 0}, {"z", 0},
	{"edt", -4}, {"est", -5}, {"cdt", -5}, {"cst", -6},
	{"mdt", -6}, {"mst", -7}, {"pdt", -7}, {"pst", -8},
}

// digits reads a number of up to 9 digits, and skips further ones.
func (p *dateParser) digits() (n, count int) {
	for ; p.pos < len(p.in) && isDigit(p.in[p.pos]); p.pos++ {
		if count < 9 {
			n = n*10 + int(p.in[p.pos]-'0')
		}
		count++
	}
	return n, count
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
