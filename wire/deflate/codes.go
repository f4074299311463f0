package deflate

import "sync"

// The codes of RFC 1951 §3.2.

const (
	endOfBlock = 256
	// maxLiterals and maxDistances are how many code lengths a block may have.
	maxLiterals  = 286
	maxDistances = 30
	// longest is the length of the longest code, in bits.
	longest = 15
	// short codes are found by one look at a table.
	short = 9
)

// span is what a length or distance code stands for.
type span struct {
	base  uint16
	extra uint8 // bits to be added
}

// lengths are those of the codes 257 … 285, distances of 0 … 29 (§3.2.5).
var lengths = [29]span{
	{3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 0},
	{11, 1}, {13, 1}, {15, 1}, {17, 1}, {19, 2}, {23, 2}, {27, 2}, {31, 2},
	{35, 3}, {43, 3}, {51, 3}, {59, 3}, {67, 4}, {83, 4}, {99, 4}, {115, 4},
	{131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0},
}

var distances = [maxDistances]span{
	{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 1}, {7, 1}, {9, 2}, {13, 2},
	{17, 3}, {25, 3}, {33, 4}, {49, 4}, {65, 5}, {97, 5}, {129, 6}, {193, 6},
	{257, 7}, {385, 7}, {513, 8}, {769, 8}, {1025, 9}, {1537, 9},
	{2049, 10}, {3073, 10}, {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12},
	{16385, 13}, {24577, 13},
}

// metaOrder is the order in which the lengths of the code of code lengths come
// (§3.2.7).
var metaOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// code is a Huffman code, given by the lengths of its codes (§3.2.2).
type code struct {
	count  [longest + 1]uint16 // codes of each length
	symbol [288]uint16         // in the order of their codes
	// fast is symbol<<4|length by the next bits, for codes of at most short
	// bits; 0 for others and for none.
	fast [1 << short]uint16
}

// build makes c the code with these lengths, one a symbol; false if there is
// none. A code that leaves something out is one if it is of a single bit, or
// empty: using what is left out is an error of its own.
func (c *code) build(lengths []uint8) bool {
	*c = code{}
	for _, n := range lengths {
		c.count[n]++
	}
	c.count[0] = 0
	var next [longest + 2]uint16
	left, most := 1, 0
	for n := 1; n <= longest; n++ {
		if left = left<<1 - int(c.count[n]); left < 0 {
			return false
		}
		if c.count[n] > 0 {
			most = n
		}
		next[n+1] = next[n] + c.count[n]
	}
	if left > 0 && most > 1 {
		return false
	}
	for sym, n := range lengths {
		if n > 0 {
			c.symbol[next[n]] = uint16(sym)
			next[n]++
		}
	}
	c.fill()
	return true
}

// fill makes fast from count and symbol.
func (c *code) fill() {
	bits, at := 0, 0
	for n := 1; n <= short; n++ {
		for range c.count[n] {
			for i := reverse(bits, n); i < len(c.fast); i += 1 << n {
				c.fast[i] = c.symbol[at]<<4 | uint16(n)
			}
			bits++
			at++
		}
		bits <<= 1
	}
}

// reverse turns the lowest n bits round: codes come with their highest first.
func reverse(bits, n int) (r int) {
	for range n {
		r = r<<1 | bits&1
		bits >>= 1
	}
	return r
}

// symbol decodes one symbol; false if it has not come whole or (d.err) there
// is none.
func (in *input) symbol(c *code) (int, bool) {
	d := in.d
	for {
		if e := c.fast[d.bits&(1<<short-1)]; e != 0 {
			if n := uint(e & 15); n <= d.count {
				d.use(n)
				return int(e >> 4), true
			}
		} else if sym, n := c.long(d.bits, d.count); n > 0 {
			d.use(n)
			return sym, true
		} else if d.count >= longest {
			d.fail()
			return 0, false
		}
		if !in.byte() {
			return 0, false
		}
	}
}

// long decodes a symbol of any length from the bits there are; n is 0 if they
// are not enough, or no code.
func (c *code) long(bits uint32, have uint) (sym int, n uint) {
	value, first, at := 0, 0, 0
	for n := uint(1); n <= min(have, longest); n++ {
		value |= int(bits>>(n-1)) & 1
		count := int(c.count[n])
		if value-first < count {
			return int(c.symbol[at+value-first]), n
		}
		at += count
		first = (first + count) << 1
		value <<= 1
	}
	return 0, 0
}

// codes are those of a block, and how far they have been read.
type codes struct {
	literals, distances code

	literal, distance int // how many code lengths
	meta              int // how many of the code of code lengths
	lengths           [maxLiterals + maxDistances]uint8
	read              int // of them
	repeat            int // 16, 17 or 18 that waits for its extra bits; 0
}

var codesPool = sync.Pool{New: func() any { return new(codes) }}

func borrowCodes() *codes {
	c := codesPool.Get().(*codes)
	*c = codes{}
	return c
}

// release gives the codes of the block back.
func (d *Decoder) release() {
	if d.codes != nil && d.codes != fixed() {
		codesPool.Put(d.codes)
	}
	d.codes = nil
}

// fixed are the codes of §3.2.6.
var fixed = sync.OnceValue(func() *codes {
	var l [288]uint8
	for i := range l {
		switch {
		case i < 144:
			l[i] = 8
		case i < 256:
			l[i] = 9
		case i < 280:
			l[i] = 7
		default:
			l[i] = 8
		}
	}
	c := new(codes)
	c.literals.build(l[:])
	for i := range 32 {
		l[i] = 5
	}
	c.distances.build(l[:32])
	return c
})

// dynamic reads the codes of a block (§3.2.7), as far as they have come.
func (d *Decoder) dynamic(in *input) (int, bool) {
	c := d.codes
	switch d.state {
	case readCounts:
		if !in.need(14) {
			return 0, false
		}
		c.literal, c.distance, c.meta = 257+d.use(5), 1+d.use(5), 4+d.use(4)
		if c.literal > maxLiterals || c.distance > maxDistances {
			return d.fail()
		}
		d.state = readMeta
	case readMeta:
		for ; c.read < c.meta; c.read++ {
			if !in.need(3) {
				return 0, false
			}
			c.lengths[metaOrder[c.read]] = uint8(d.use(3))
		}
		// The code of code lengths stands in literals until they are read.
		if !c.literals.build(c.lengths[:len(metaOrder)]) {
			return d.fail()
		}
		c.lengths, c.read = [len(c.lengths)]uint8{}, 0
		d.state = readLengths
	default:
		return d.readLengths(in)
	}
	return 0, true
}

func (d *Decoder) readLengths(in *input) (int, bool) {
	c := d.codes
	for c.read < c.literal+c.distance {
		if c.repeat == 0 {
			sym, ok := in.symbol(&c.literals)
			if !ok {
				return 0, false
			}
			if sym < 16 {
				c.lengths[c.read] = uint8(sym)
				c.read++
				continue
			}
			c.repeat = sym
		}
		if !d.repeatLength(in) {
			return 0, false
		}
	}
	ll := c.lengths[:c.literal]
	if !c.literals.build(ll) || !c.distances.build(c.lengths[c.literal:c.literal+c.distance]) {
		return d.fail()
	}
	d.state = readSymbol
	return 0, true
}

// repeats are what the symbols 16, 17 and 18 stand for: so many lengths more.
var repeats = [3]span{{3, 2}, {3, 3}, {11, 7}}

func (d *Decoder) repeatLength(in *input) bool {
	c := d.codes
	r := repeats[c.repeat-16]
	if !in.need(uint(r.extra)) {
		return false
	}
	times, value := int(r.base)+d.use(uint(r.extra)), uint8(0)
	if c.repeat == 16 && c.read > 0 {
		value = c.lengths[c.read-1]
	}
	if c.repeat == 16 && c.read == 0 || c.read+times > c.literal+c.distance {
		d.fail()
		return false
	}
	for range times {
		c.lengths[c.read] = value
		c.read++
	}
	c.repeat = 0
	return true
}
