package smtp

import (
	"strconv"
	"strings"
)

// SessionLimits lets a server say how much it takes in one session (RFC 9422).
// The session adds Limits to the keyword.
var SessionLimits = Extension{Keyword: "LIMITS", RFC: "RFC 9422"}

// Limits are those of RFC 9422 §4; 0 where there is none, or none is known.
type Limits struct {
	Mails   int // MAILMAX: MAIL commands in a session, those that fail too
	Rcpts   int // RCPTMAX: RCPT commands in a transaction, those that fail too
	Domains int // RCPTDOMAINMAX: different domains of recipients in a session
}

// maxLimit is the largest number that the syntax has room for.
const maxLimit = 999999

// fields pairs the names with what they set.
func (l *Limits) fields() [3]limitField {
	return [3]limitField{{"MAILMAX", &l.Mails}, {"RCPTMAX", &l.Rcpts}, {"RCPTDOMAINMAX", &l.Domains}}
}

type limitField struct {
	name  string
	value *int
}

// String gives the keyword's arguments; empty if there is no limit.
func (l Limits) String() string {
	var words []string
	for _, f := range l.fields() {
		if *f.value > 0 {
			words = append(words, f.name+"="+strconv.Itoa(min(*f.value, maxLimit)))
		}
	}
	return strings.Join(words, " ")
}

// Limits gives what the server announced:
//
//	limits-param     = limit-name-value 0*[SP limit-name-value]
//	limit-name-value = limit-name ["=" limit-value]
//
// A mistake in that voids it all, one in a limit's value that limit (RFC 9422
// §3.7).
func (o Offer) Limits() Limits {
	var l Limits
	for _, arg := range o.args[SessionLimits.Keyword] {
		name, value, hasValue := strings.Cut(arg, "=")
		if !limitName(name) || strings.Contains(value, ";") || hasValue && value == "" {
			return Limits{}
		}
		for _, f := range l.fields() {
			if strings.EqualFold(name, f.name) {
				*f.value = parseLimit(value)
			}
		}
	}
	return l
}

func limitName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlpha(s[i]) && !isDigit(s[i]) && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return s != ""
}

// parseLimit parses %x31-39 0*5DIGIT; 0 if it is anything else.
func parseLimit(value string) int {
	n, ok := parseSize([]byte(value))
	if !ok || value[0] == '0' || n > maxLimit {
		return 0
	}
	return int(n)
}
