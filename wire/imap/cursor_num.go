package imap

import (
	"math"
	"time"
)

// digits takes 1*DIGIT with a value of at most limit.
func (c *cursor) digits(limit uint64) uint64 {
	start := c.pos
	var n uint64
	for c.err == nil && c.pos < len(c.buf) {
		d := c.buf[c.pos] - '0'
		if d > 9 {
			break
		}
		if n > (limit-uint64(d))/10 {
			c.failAt(start, "number too large")
			return 0
		}
		n = n*10 + uint64(d)
		c.pos++
	}
	if c.pos == start {
		c.fail("expected a number")
	}
	return n
}

// number = 1*DIGIT, below 2^32.
func (c *cursor) number() uint32 { return uint32(c.digits(math.MaxUint32)) }

// number64 = 1*DIGIT, below 2^63.
func (c *cursor) number64() int64 { return int64(c.digits(math.MaxInt64)) }

// nz-number = digit-nz *DIGIT, below 2^32.
func (c *cursor) nzNumber() uint32 { return uint32(c.nzDigits(math.MaxUint32)) }

// nz-number64 = digit-nz *DIGIT, below 2^63.
func (c *cursor) nzNumber64() int64 { return int64(c.nzDigits(math.MaxInt64)) }

func (c *cursor) nzDigits(limit uint64) uint64 {
	if c.peek() == '0' {
		c.fail("expected a number from 1")
	}
	return c.digits(limit)
}

// modSeq is a mod-sequence of at least least (RFC 7162 §7).
func (c *cursor) modSeq(least uint64) uint64 {
	at := c.pos
	n := c.digits(math.MaxInt64)
	if n < least {
		c.failAt(at, "mod-sequence too small")
	}
	return n
}

// sequence-set = (seq-number / seq-range) *("," (seq-number / seq-range)) / "$"
func (c *cursor) seqSet() (s SeqSet) {
	if c.take('$') {
		return SeqSet{Saved: true}
	}
	for c.err == nil {
		from, to := c.seqRange()
		switch {
		case to != 0:
			s.Nums = append(s.Nums, Range{min(from, to), max(from, to)})
		case s.Star == 0 || from < s.Star:
			s.Star = from
		}
		if !c.take(',') {
			break
		}
	}
	s.Nums = normalise(s.Nums)
	return s
}

// seqRange gives to = 0 for a range with "*".
func (c *cursor) seqRange() (from, to uint32) {
	from, fromStar := c.seqNumber()
	if !c.take(':') {
		if fromStar {
			return from, 0
		}
		return from, from
	}
	to, toStar := c.seqNumber()
	if fromStar || toStar {
		return min(from, to), 0
	}
	return from, to
}

func (c *cursor) seqNumber() (n uint32, star bool) {
	if c.take('*') {
		return math.MaxUint32, true
	}
	return c.nzNumber(), false
}

// numSet is a sequence-set without "*" and "$".
func (c *cursor) numSet() NumSet {
	at := c.pos
	s := c.seqSet()
	if c.ok() && (s.Star != 0 || s.Saved) {
		c.failAt(at, "* and $ are not allowed here")
	}
	return s.Nums
}

// date = date-text / DQUOTE date-text DQUOTE; midnight UTC.
func (c *cursor) date() time.Time {
	at := c.pos
	quoted := c.take('"')
	day := c.fixed(1, 2)
	c.expect('-')
	month, year := c.monthYear()
	if quoted {
		c.expect('"')
	}
	return c.makeTime(at, time.Date(year, month, day, 0, 0, 0, 0, time.UTC), day)
}

// date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP
// zone DQUOTE
func (c *cursor) dateTime() time.Time {
	at := c.pos
	c.expect('"')
	least := 2
	if c.take(' ') {
		least = 1
	}
	day := c.fixed(least, least)
	c.expect('-')
	month, year := c.monthYear()
	c.sp()
	hour := c.fixed(2, 2)
	c.expect(':')
	minute := c.fixed(2, 2)
	c.expect(':')
	second := c.fixed(2, 2)
	c.sp()
	zone := c.zone()
	c.expect('"')
	if c.ok() && (hour > 23 || minute > 59 || second > 60) {
		c.failKind(BadDate, at, "no such time")
	}
	return c.makeTime(at, time.Date(year, month, day, hour, minute, min(second, 59), 0, zone), day)
}

// makeTime is t unless the day of the month does not exist.
func (c *cursor) makeTime(at int, t time.Time, day int) time.Time {
	if c.ok() && t.Day() != day {
		c.failKind(BadDate, at, "no such date")
	}
	if c.err != nil {
		return time.Time{}
	}
	return t
}

// fixed takes least to most digits.
func (c *cursor) fixed(least, most int) int {
	start := c.pos
	n := 0
	for c.err == nil && c.pos < start+most {
		d := c.peek() - '0'
		if d > 9 {
			break
		}
		n = n*10 + int(d)
		c.pos++
	}
	if c.pos < start+least {
		c.fail("bad date or time")
	}
	return n
}

// date-month "-" date-year
func (c *cursor) monthYear() (time.Month, int) {
	month := c.month()
	c.expect('-')
	return month, c.fixed(4, 4)
}

func (c *cursor) month() time.Month {
	at := c.pos
	if c.err != nil || len(c.buf)-at < 3 {
		c.fail("bad date or time")
		return 1
	}
	name := upper(c.buf[at : at+3])
	c.pos += 3
	for m := 0; m < 12; m++ {
		if equalUpper([]byte(monthNames[3*m:3*m+3]), name) {
			return time.Month(m + 1)
		}
	}
	c.failAt(at, "bad month")
	return 1
}

// zone = ("+" / "-") 4DIGIT
func (c *cursor) zone() *time.Location {
	at := c.pos
	negative := c.take('-')
	if !negative {
		c.expect('+')
	}
	hours, minutes := c.fixed(2, 2), c.fixed(2, 2)
	if c.ok() && minutes > 59 {
		c.failKind(BadDate, at, "no such time zone")
	}
	offset := (hours*60 + minutes) * 60
	switch {
	case offset == 0:
		return time.UTC
	case negative:
		offset = -offset
	}
	return time.FixedZone("", offset)
}

// flag = "\" atom / atom, as sent.
func (c *cursor) flag() string {
	start := c.pos
	if !(c.take('\\') && c.client && c.take('*')) {
		c.atom()
	}
	if c.err != nil {
		return "x"
	}
	return string(c.buf[start:c.pos])
}

// addFlag takes a flag that a client may set into l.
func (c *cursor) addFlag(l *FlagList) {
	at := c.pos
	l.add(c.flag())
	if len(l.Keywords)+len(l.Unknown) > maxListItems {
		c.failKind(TooLarge, at, "too many flags")
	}
	if l.System&FlagRecent != 0 && !c.client {
		c.failAt(at, "\\Recent cannot be set")
	}
}

// flag-list = "(" [flag *(SP flag)] ")"
func (c *cursor) flagList() (l FlagList) {
	c.listOrEmpty(func() { c.addFlag(&l) })
	return l
}
