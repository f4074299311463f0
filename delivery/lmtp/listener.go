package lmtp

import (
	"fmt"
	"net"
	"net/netip"
)

// ValidateListener refuses to offer LMTP where strangers could reach it. network
// is "tcp", "tcp4", "tcp6" or "unix"; mutualTLS says that every client must
// show a certificate of an authority that the configuration names.
func ValidateListener(network, address string, mutualTLS bool) error {
	if network == "unix" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("LMTP listener %q: %w", address, err)
	}
	if port == "25" || port == "smtp" {
		return fmt.Errorf("LMTP listener %q: LMTP must not use port 25 (RFC 2033 §5); choose another, such as 24", address)
	}
	if mutualTLS || host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("LMTP listener %q could be reached from other machines, and LMTP has no login: "+
		"listen on 127.0.0.1, [::1] or a Unix socket, or require client certificates", address)
}
