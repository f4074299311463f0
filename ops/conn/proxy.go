package conn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
)

// The PROXY protocol, version 2 (HAProxy, "The PROXY protocol", §2.2): a binary
// header that a named proxy sends first, before TLS. It is read to its exact
// length, so that nothing after it is consumed.
const (
	// proxyFixed is the length of signature, command, family and length.
	proxyFixed = 16
	// proxyLongest is the longest header taken; the addresses need 232 bytes,
	// the rest is for extensions (TLVs), which are skipped.
	proxyLongest = 2048
)

var proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// proxyHeader is what a header says. Without Stated the connection is the
// proxy's own (LOCAL, as of a health check) or of a family that has no
// addresses of ours, and the socket's addresses hold.
type proxyHeader struct {
	Stated       bool
	Source, Dest netip.AddrPort
}

var (
	errProxySignature = errors.New("PROXY header: no version 2 signature")
	errProxyVersion   = errors.New("PROXY header: unknown version or command")
	errProxyFamily    = errors.New("PROXY header: unknown address family or transport")
	errProxyLength    = errors.New("PROXY header: too long")
	errProxyAddresses = errors.New("PROXY header: too short for its addresses")
)

// proxyNeed returns the length of the whole header that begins with b, as far
// as b tells, and never less than len(b) needs: proxyFixed until the length is
// known. Once it equals len(b), parseProxy takes it.
func proxyNeed(b []byte) (int, error) {
	sig := b[:min(len(b), len(proxySignature))]
	if !bytes.HasPrefix(proxySignature, sig) {
		return 0, errProxySignature
	}
	if len(b) < proxyFixed {
		return proxyFixed, nil
	}
	n := proxyFixed + int(binary.BigEndian.Uint16(b[14:16]))
	if n > proxyLongest {
		return 0, errProxyLength
	}
	return n, nil
}

// parseProxy parses a whole header, of the length that proxyNeed gave.
func parseProxy(b []byte) (proxyHeader, error) {
	var h proxyHeader
	if need, err := proxyNeed(b); err != nil {
		return h, err
	} else if len(b) != need {
		return h, errProxyLength
	}
	body := b[proxyFixed:]
	switch b[12] {
	case 0x20: // LOCAL: whatever else stands there is to be ignored
		return h, nil
	case 0x21: // PROXY
	default:
		return h, errProxyVersion
	}
	var size int
	switch b[13] {
	case 0x00: // UNSPEC: accepted, addresses ignored
		return h, nil
	case 0x11: // TCP over IPv4
		size = 4
	case 0x21: // TCP over IPv6
		size = 16
	case 0x31: // a Unix stream socket at the proxy: no addresses to give
		if len(body) < 216 {
			return h, errProxyAddresses
		}
		return h, nil
	default: // datagrams, and what is not assigned
		return h, errProxyFamily
	}
	if len(body) < 2*size+4 {
		return h, errProxyAddresses
	}
	h.Stated = true
	h.Source = proxyAddr(body[:size], body[2*size:])
	h.Dest = proxyAddr(body[size:2*size], body[2*size+2:])
	return h, nil
}

func proxyAddr(ip, port []byte) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(port))
}

// proxied says whether a peer is one of the listener's proxies.
func (l *Listener) proxied(peer netip.Addr) bool {
	peer = peer.Unmap().WithZone("")
	for _, p := range l.Proxies {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}

// heard takes a parsed header.
func (l *link) heard(h proxyHeader) {
	if h.Stated {
		l.stated(h.Source, h.Dest)
	}
}
