package route

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// maxPolicy bounds a policy in octets, maxPatterns the hosts it names.
const (
	maxPolicy   = 64 << 10
	maxPatterns = 128
	maxPolicyID = 32
	// maxAge is RFC 8461 §3.2's, in seconds.
	maxAge = 31557600
)

// Mode says what becomes of mail when no host fits the policy (RFC 8461 §5).
type Mode uint8

// The modes of RFC 8461 §3.2, the more of them the policy asks for the later.
const (
	ModeNone Mode = iota
	ModeTesting
	ModeEnforce
)

// Policy is what a domain says of its hosts (RFC 8461 §3.2).
type Policy struct {
	Mode     Mode
	Patterns []string      // names or "*." and a name, in lower case; 128 at most
	MaxAge   time.Duration // whole seconds, 31557600 at most
}

var errPolicy = errors.New("the policy is malformed")

// parseID reads the TXT records of _mta-sts (RFC 8461 §3.1):
//
//	sts-text-record = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
//
// ok is false if there is not just one, or that one is malformed.
func parseID(texts []string) (id string, ok bool) {
	var record string
	n := 0
	for _, t := range texts {
		if isSTS(t) {
			record = t
			n++
		}
	}
	if n != 1 {
		return "", false
	}
	fields := strings.Split(record, ";")
	if strings.Trim(fields[len(fields)-1], " \t") == "" {
		fields = fields[:len(fields)-1]
	}
	for _, f := range fields[1:] {
		name, value, found := strings.Cut(strings.Trim(f, " \t"), "=")
		switch {
		case !found || !isName(name, "_-.") || !isValue(value):
			return "", false
		case name == "id" && id == "":
			if len(value) > maxPolicyID || !isName(value, "") {
				return "", false
			}
			id = value
		}
	}
	return id, id != ""
}

// isSTS says whether a TXT record begins with the version.
func isSTS(text string) bool {
	version, _, found := strings.Cut(text, ";")
	return found && strings.TrimRight(version, " \t") == "v=STSv1"
}

// isName checks 1 to 32 letters, digits and, after the first, others.
func isName(s, others string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || i > 0 && strings.IndexByte(others, c) >= 0) {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// isValue checks sts-ext-value: visible octets but "=" and ";".
func isValue(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '=' || s[i] == ';' {
			return false
		}
	}
	return s != ""
}

// parsePolicy reads a policy (RFC 8461 §3.2). Of a field that is there twice,
// mx excepted, the first counts; unknown fields do not.
//
//	sts-policy-record = sts-policy-field *WSP *(sts-policy-term sts-policy-field *WSP) [sts-policy-term]
func parsePolicy(text string) (Policy, error) {
	var p Policy
	seen := make(map[string]bool)
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(strings.TrimSuffix(line, "\r"), " \t")
		name, value, found := strings.Cut(line, ":")
		if !found || !isName(name, "_-.") {
			return Policy{}, errPolicy
		}
		if seen[name] && name != "mx" {
			continue
		}
		seen[name] = true
		if err := p.set(name, strings.TrimLeft(value, " \t")); err != nil {
			return Policy{}, err
		}
	}
	if !seen["version"] || !seen["mode"] || !seen["max_age"] || p.Mode != ModeNone && !seen["mx"] {
		return Policy{}, errPolicy
	}
	return p, nil
}

func (p *Policy) set(name, value string) error {
	switch name {
	case "version":
		if value != "STSv1" {
			return errPolicy
		}
	case "mode":
		modes := map[string]Mode{"none": ModeNone, "testing": ModeTesting, "enforce": ModeEnforce}
		m, ok := modes[value]
		if !ok {
			return errPolicy
		}
		p.Mode = m
	case "max_age":
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || len(value) > 10 {
			return errPolicy
		}
		p.MaxAge = time.Duration(min(n, maxAge)) * time.Second
	case "mx":
		if !isPattern(value) || len(p.Patterns) == maxPatterns {
			return errPolicy
		}
		p.Patterns = append(p.Patterns, strings.ToLower(strings.Clone(value))) // not a part of the whole text
	}
	return nil
}

// isPattern checks ["*."] Domain.
func isPattern(s string) bool {
	s = strings.TrimPrefix(s, "*.")
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}

// matches says whether the policy names a host, in lower case without final
// dot. A star stands for just the first label (RFC 8461 §4.1).
func (p *Policy) matches(host string) bool {
	_, parent, _ := strings.Cut(host, ".")
	for _, pattern := range p.Patterns {
		if rest, star := strings.CutPrefix(pattern, "*."); star && rest == parent && parent != "" || pattern == host {
			return true
		}
	}
	return false
}
