package directory

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/secure/precis"

	"citron/auth"
)

// Limits of what can be a name, in octets of its canonical form.
const (
	maxLocal  = 255
	maxDomain = 253
)

var errName = errors.New("not a valid name")

// address is a canonical address.
type address struct{ local, domain string }

func (a address) String() string { return a.local + "@" + a.domain }

// prepareLocal gives a local-part its canonical form: RFC 8265 §3.3
// UsernameCaseMapped, which ASCII reaches by lower case alone.
func prepareLocal(local string) (string, error) {
	if local == "" || len(local) > maxLocal {
		return "", errName
	}
	if !isASCII(local) {
		prepared, err := precis.UsernameCaseMapped.String(local)
		if err != nil || prepared == "" || len(prepared) > maxLocal {
			return "", errName
		}
		return prepared, nil
	}
	for i := 0; i < len(local); i++ {
		if local[i] <= ' ' || local[i] == 0x7f {
			return "", errName
		}
	}
	return strings.ToLower(local), nil
}

// prepareDomain gives a domain its canonical form: A-labels in lower case
// (RFC 5890), without a dot at the end.
func prepareDomain(domain string) (string, error) {
	domain = strings.TrimSuffix(domain, ".")
	if !isASCII(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			return "", errName
		}
		domain = ascii
	}
	if domain == "" || len(domain) > maxDomain {
		return "", errName
	}
	domain = strings.ToLower(domain)
	for label := range strings.SplitSeq(domain, ".") {
		if !validLabel(label) {
			return "", errName
		}
	}
	return domain, nil
}

func validLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := 0; i < len(label); i++ {
		c := label[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// prepare takes a name apart at its last "@" and prepares both halves.
func (d *Directory) prepare(name string) (address, error) {
	local, domain := name, d.opts.DefaultDomain
	if at := strings.LastIndexByte(name, '@'); at >= 0 {
		local, domain = name[:at], name[at+1:]
	}
	local, err := prepareLocal(local)
	if err != nil {
		return address{}, err
	}
	domain, err = prepareDomain(domain)
	return address{local, domain}, err
}

// mustPrepare is prepare for names that an administrator gives.
func (d *Directory) mustPrepare(name string) (address, error) {
	a, err := d.prepare(name)
	if err != nil {
		return a, auth.Errorf(auth.Invalid, "%q: %w, give it as user@domain", name, err)
	}
	return a, nil
}

// preparePassword is RFC 8265 §4.2 OpaqueString, which leaves ASCII alone.
func preparePassword(password string) (string, error) {
	if password == "" || len(password) > maxPassword {
		return "", errPassword
	}
	if !isASCII(password) {
		prepared, err := precis.OpaqueString.String(password)
		if err != nil {
			return "", errPassword
		}
		return prepared, nil
	}
	for i := 0; i < len(password); i++ {
		if password[i] < ' ' || password[i] == 0x7f {
			return "", errPassword
		}
	}
	return password, nil
}

const maxPassword = 1024

var errPassword = errors.New("a password is 1 to 1024 octets without control characters")

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
