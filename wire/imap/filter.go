package imap

import "strings"

// FILTERS (RFC 5466).

// filterName is 1*<any ATOM-CHAR except "/"> (RFC 5466 §4).
func (c *cursor) filterName() string {
	at := c.pos
	name := string(c.atom())
	if strings.Contains(name, "/") {
		c.failAt(at, "not the name of a filter")
	}
	return name
}

// IsFilterName says whether a filter can have that name.
func IsFilterName(name string) bool {
	c := &cursor{buf: []byte(name)}
	c.filterName()
	return c.ok() && c.atEnd()
}

// ParseCriteria parses search criteria as a filter's value holds them, in UTF-8
// (RFC 5466 §3.2). The error, if any, is an *Error.
func ParseCriteria(text string) (SearchKey, error) {
	c := &cursor{buf: []byte(text)}
	s := &Search{}
	parseProgram(c, s)
	if c.ok() && !c.atEnd() {
		c.fail("more than search criteria")
	}
	if c.err != nil {
		return SearchKey{}, c.err
	}
	return s.Key, nil
}

// CodeUndefinedFilter is UNDEFINED-FILTER with the filter's name (RFC 5466
// §3.1).
type CodeUndefinedFilter string

// CodeName is UNDEFINED-FILTER.
func (CodeUndefinedFilter) CodeName() string { return "UNDEFINED-FILTER" }

func (f CodeUndefinedFilter) appendArg(dst []byte) []byte { return append(append(dst, ' '), f...) }

func parseUndefinedFilter(c *cursor) Code {
	c.sp()
	return CodeUndefinedFilter(c.filterName())
}
