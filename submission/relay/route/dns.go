package route

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Bounds of what is kept of an answer.
const (
	maxAnswers = 64 // records
	maxTexts   = 16 // TXT records, of 512 octets each at most
	maxText    = 512
	maxChain   = 8 // CNAME records one after the other
	maxTTL     = 24 * time.Hour
	// maxNegative bounds how long it is believed that something is not there
	// (RFC 2308 §5 allows up to three hours).
	maxNegative = 15 * time.Minute
)

// answer is what the DNS said: records of one type, or that there are none.
type answer struct {
	missing bool   // there is no such name (NXDOMAIN)
	name    string // at the end of CNAME records, with its final dot
	mx      []mx
	addrs   []netip.Addr
	texts   []string
	failed  error // in the cache: there was no answer
	expires time.Time
}

type mx struct {
	preference uint16
	host       string // in lower case, with its final dot
}

// errDNS is that no server gave an answer that can be used.
var errDNS = errors.New("no answer from the DNS")

// systemServers reads /etc/resolv.conf.
func systemServers() ([]netip.AddrPort, error) {
	c, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(c.Port, 10, 16)
	if err != nil {
		return nil, err
	}
	var servers []netip.AddrPort
	for _, s := range c.Servers {
		if a, err := netip.ParseAddr(s); err == nil {
			servers = append(servers, netip.AddrPortFrom(a, uint16(port)))
		}
	}
	if len(servers) == 0 {
		return nil, errors.New("/etc/resolv.conf names no server")
	}
	return servers, nil
}

// lookup asks for records of a type, from the cache if it can.
func (r *Resolver) lookup(ctx context.Context, name string, qtype uint16) (*answer, error) {
	q := question{strings.ToLower(dns.Fqdn(name)), qtype}
	if _, ok := dns.IsDomainName(q.name); !ok {
		return &answer{missing: true, name: q.name}, nil
	}
	now := r.opt.Now()
	return r.cache.get(ctx, q, now, func() (*answer, error) { return r.ask(ctx, q, now) })
}

// ask follows CNAME records where the server did not.
func (r *Resolver) ask(ctx context.Context, q question, now time.Time) (*answer, error) {
	a := &answer{name: q.name}
	ttl := maxTTL
	for range maxChain {
		m, err := r.exchange(ctx, question{a.name, q.qtype})
		if err != nil {
			return nil, err
		}
		before := a.name
		least := a.read(m, q.qtype)
		ttl = min(ttl, least)
		a.missing = m.Rcode == dns.RcodeNameError
		if a.name == before || a.missing || a.any() || soa(m) != nil {
			if !a.any() {
				ttl = min(ttl, negativeTTL(m))
			}
			a.expires = now.Add(ttl)
			return a, nil
		}
	}
	return nil, fmt.Errorf("%w: %s has too many CNAME records", errDNS, q.name)
}

func (a *answer) any() bool { return len(a.mx)+len(a.addrs)+len(a.texts) > 0 }

// read takes the records over, a bounded number, and gives the least TTL.
func (a *answer) read(m *dns.Msg, qtype uint16) time.Duration {
	ttl := maxTTL
	for range maxChain {
		target := ""
		for _, rr := range m.Answer {
			if c, ok := rr.(*dns.CNAME); ok && strings.EqualFold(c.Hdr.Name, a.name) && qtype != dns.TypeCNAME {
				target = strings.ToLower(dns.Fqdn(c.Target))
				ttl = min(ttl, seconds(c.Hdr.Ttl))
			}
		}
		if target == "" {
			break
		}
		a.name = target
	}
	n := 0
	for _, rr := range m.Answer {
		if h := rr.Header(); h.Rrtype != qtype || !strings.EqualFold(h.Name, a.name) || n == maxAnswers {
			continue
		}
		n++
		ttl = min(ttl, seconds(rr.Header().Ttl))
		a.take(rr)
	}
	return ttl
}

func (a *answer) take(rr dns.RR) {
	switch rr := rr.(type) {
	case *dns.MX:
		a.mx = append(a.mx, mx{rr.Preference, strings.ToLower(dns.Fqdn(rr.Mx))})
	case *dns.A:
		if addr, ok := netip.AddrFromSlice(rr.A); ok {
			a.addrs = append(a.addrs, addr.Unmap())
		}
	case *dns.AAAA:
		if addr, ok := netip.AddrFromSlice(rr.AAAA); ok {
			a.addrs = append(a.addrs, addr)
		}
	case *dns.TXT:
		if text := strings.Join(rr.Txt, ""); len(text) <= maxText && len(a.texts) < maxTexts {
			a.texts = append(a.texts, text)
		}
	}
}

func soa(m *dns.Msg) *dns.SOA {
	for _, rr := range m.Ns {
		if s, ok := rr.(*dns.SOA); ok {
			return s
		}
	}
	return nil
}

// negativeTTL is RFC 2308 §5's: an answer without SOA is not kept.
func negativeTTL(m *dns.Msg) time.Duration {
	s := soa(m)
	if s == nil {
		return 0
	}
	return min(maxNegative, seconds(s.Hdr.Ttl), seconds(s.Minttl))
}

// seconds is a TTL, which has 31 bits; with more it is zero (RFC 2181 §8).
func seconds(ttl uint32) time.Duration {
	if ttl > math.MaxInt32 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}

// exchange asks the servers, one after the other, until one gives an answer.
func (r *Resolver) exchange(ctx context.Context, q question) (*dns.Msg, error) {
	last := errDNS
	for range r.opt.Rounds {
		for _, server := range r.opt.Servers {
			m, err := r.exchangeWith(ctx, server, q, true)
			if err == nil && m.Rcode == dns.RcodeFormatError {
				m, err = r.exchangeWith(ctx, server, q, false) // it knows no EDNS0
			}
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil:
				last = fmt.Errorf("%w for %s: %w", errDNS, q.name, err)
			case m.Rcode == dns.RcodeSuccess, m.Rcode == dns.RcodeNameError:
				return m, nil
			default:
				last = fmt.Errorf("%w for %s: %s", errDNS, q.name, dns.RcodeToString[m.Rcode])
			}
		}
	}
	return nil, last
}

// udpSize is what fits through every path (the DNS flag day of 2020).
const udpSize = 1232

// exchangeWith asks one server, again over TCP if the answer was cut.
func (r *Resolver) exchangeWith(ctx context.Context, server netip.AddrPort, q question, edns bool) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.SetQuestion(q.name, q.qtype)
	if edns {
		m.SetEdns0(udpSize, false)
	}
	for _, network := range [...]string{"udp", "tcp"} {
		c := dns.Client{Net: network, Timeout: r.opt.Timeout, UDPSize: udpSize}
		got, _, err := c.ExchangeContext(ctx, m, server.String())
		switch {
		case err != nil:
			return nil, err
		case !got.Response || len(got.Question) != 1 || got.Question[0].Qtype != q.qtype || !strings.EqualFold(got.Question[0].Name, q.name):
			return nil, errors.New("an answer to another question")
		case !got.Truncated:
			return got, nil
		}
	}
	return nil, errors.New("the answer is cut even over TCP")
}
