package transfer

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// IMAPAddress is where an IMAP source is, and whose mail is wanted there.
type IMAPAddress struct {
	User     string
	Host     string // with the port
	Implicit bool   // TLS from the first octet (imaps, RFC 8314)
}

// IsIMAP says whether a source's name is that of an IMAP server.
func IsIMAP(name string) bool {
	return strings.HasPrefix(name, "imap://") || strings.HasPrefix(name, "imaps://")
}

// ParseIMAPAddress reads imap://USER@HOST[:PORT]/ and imaps://… (RFC 5092, of
// which it takes the whole account only). A password in it is refused: it would
// stand in the list of processes.
func ParseIMAPAddress(text string) (a IMAPAddress, err error) {
	const form = "write imap://USER@HOST[:PORT]/ or imaps://USER@HOST[:PORT]/"
	u, err := url.Parse(text)
	if err != nil {
		return a, fmt.Errorf("%s: %w; %s", text, errors.Unwrap(err), form)
	}
	port, known := map[string]string{"imap": "143", "imaps": "993"}[u.Scheme]
	switch {
	case !known || u.Hostname() == "":
		return a, fmt.Errorf("%s is no address of an IMAP server; %s", text, form)
	case u.User.Username() == "":
		return a, fmt.Errorf("%s does not say whose mail; %s", text, form)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "":
		return a, fmt.Errorf("%s names a part of the mail, and only all of it can be brought; %s", text, form)
	}
	if _, given := u.User.Password(); given {
		return a, errors.New("a password in the address is seen by others; give --password-file, CITRON_IMPORT_PASSWORD, or type it")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return IMAPAddress{u.User.Username(), net.JoinHostPort(u.Hostname(), port), u.Scheme == "imaps"}, nil
}

// name is how the address stands in the memory of what was brought: the same
// whether the mail comes by STARTTLS or by implicit TLS.
func (a IMAPAddress) name() string {
	host := a.Host
	if h, port, err := net.SplitHostPort(host); err == nil && (port == "143" || port == "993") {
		host = h
	}
	return "imap:" + a.User + "@" + strings.ToLower(host)
}

// loopback says whether the host is this machine, by number or as localhost.
func (a IMAPAddress) loopback() bool {
	host, _, _ := net.SplitHostPort(a.Host)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
