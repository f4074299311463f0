package smtp

import "strings"

// Offer is what a server said, in its answer to EHLO or LHLO, that it can do.
// The zero Offer offers nothing, as a server that only knows HELO.
type Offer struct {
	// Domain is what the server calls itself.
	Domain string
	args   map[string][]string // by keyword in capitals
}

// ParseOffer reads
//
//	ehlo-line    = ehlo-keyword *( SP ehlo-param )
//	ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//	ehlo-param   = 1*(%d33-126)
//
// (RFC 5321 §4.1.1.1) from the second line on. A line that is not one is passed
// over, and of a keyword said twice the first counts.
func ParseOffer(r Response) Offer {
	o := Offer{args: map[string][]string{}}
	for i, line := range r.Lines {
		_, text := cutStatus(r.Code, line) // which has no business here (RFC 2034 §4)
		words := strings.Fields(text)
		if i == 0 {
			if len(words) > 0 {
				o.Domain = words[0]
			}
			continue
		}
		if len(words) == 0 || !validKeyword(words[0]) || !validArgs(words[1:]) {
			continue
		}
		keyword := upper(words[0])
		if _, twice := o.args[keyword]; !twice {
			o.args[keyword] = words[1:]
		}
	}
	return o
}

func validKeyword(word string) bool {
	for i := 0; i < len(word); i++ {
		if !isAlpha(word[i]) && !isDigit(word[i]) && (i == 0 || word[i] != '-') {
			return false
		}
	}
	return true
}

func validArgs(words []string) bool {
	for _, word := range words {
		for i := 0; i < len(word); i++ {
			if word[i] <= ' ' || word[i] >= 0x7f {
				return false
			}
		}
	}
	return true
}

// Has says whether an extension is offered.
func (o Offer) Has(e *Extension) bool {
	_, ok := o.args[e.Keyword]
	return ok
}

// upper is for ASCII; other octets stay.
func upper(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r &^ 0x20
		}
		return r
	}, s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
