package route

import (
	"net/netip"
	"slices"
)

// inner are networks that are not the public Internet: somebody's DNS must not
// send our mail, or our request for a policy, to a machine within the site.
var inner = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
	"::/127", "fc00::/7", "fe80::/9", "ff00::/8", "100::/64", "2001::/32",
	"64:ff9b:1::/48", // RFC 8215: a site's own translators; where the IPv4 address is, they decide
)

// translated are IPv6 networks that hold an IPv4 address: at which octet.
var translated = []struct {
	net netip.Prefix
	at  int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // RFC 6052
	{netip.MustParsePrefix("2002::/16"), 2},     // RFC 3056
	{netip.MustParsePrefix("::/96"), 12},        // RFC 4291 §2.5.5.1
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

// allowed says whether mail may go to an address that the DNS, or a stranger's
// address literal, named.
func (r *Resolver) allowed(a netip.Addr) bool {
	a = a.Unmap()
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(r.opt.Private, in) {
		return true
	}
	for _, t := range translated {
		if t.net.Contains(a) {
			sixteen := a.As16()
			if !r.allowed(netip.AddrFrom4([4]byte(sixteen[t.at : t.at+4]))) {
				return false
			}
		}
	}
	return a.IsValid() && !slices.ContainsFunc(inner, in)
}
