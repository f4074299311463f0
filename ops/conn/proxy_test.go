package conn

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// header makes a PROXY v2 header.
func header(command, family byte, body []byte) []byte {
	b := append([]byte(nil), proxySignature...)
	b = append(b, command, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return append(b, body...)
}

func body(source, dest string, extensions ...byte) []byte {
	s, d := netip.MustParseAddrPort(source), netip.MustParseAddrPort(dest)
	b := append(s.Addr().AsSlice(), d.Addr().AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, s.Port())
	b = binary.BigEndian.AppendUint16(b, d.Port())
	return append(b, extensions...)
}

var (
	proxy4 = header(0x21, 0x11, body("192.0.2.9:5000", "198.51.100.1:143"))
	proxy6 = header(0x21, 0x21, body("[2001:db8::9]:5000", "[2001:db8::1]:143", 4, 0, 1, 0))
)

func TestParseProxy(t *testing.T) {
	local := proxyHeader{}
	for name, c := range map[string]struct {
		in   []byte
		want proxyHeader
		err  error
	}{
		"IPv4":                   {proxy4, proxyHeader{true, netip.MustParseAddrPort("192.0.2.9:5000"), netip.MustParseAddrPort("198.51.100.1:143")}, nil},
		"IPv6 with an extension": {proxy6, proxyHeader{true, netip.MustParseAddrPort("[2001:db8::9]:5000"), netip.MustParseAddrPort("[2001:db8::1]:143")}, nil},
		"local":                  {header(0x20, 0, nil), local, nil},
		"local, with addresses":  {header(0x20, 0x11, body("192.0.2.9:5000", "198.51.100.1:143")), local, nil},
		"unspecified":            {header(0x21, 0, []byte("whatever")), local, nil},
		"Unix":                   {header(0x21, 0x31, make([]byte, 216)), local, nil},
		"Unix, short":            {header(0x21, 0x31, make([]byte, 215)), local, errProxyAddresses},
		"UDP":                    {header(0x21, 0x12, body("192.0.2.9:5000", "198.51.100.1:143")), local, errProxyFamily},
		"command":                {header(0x22, 0x11, nil), local, errProxyVersion},
		"version":                {header(0x11, 0x11, nil), local, errProxyVersion},
		"short addresses":        {header(0x21, 0x21, make([]byte, 35)), local, errProxyAddresses},
		"too long":               {header(0x21, 0x11, make([]byte, 3000)), local, errProxyLength},
		"trailing":               {append(header(0x20, 0, nil), 'x'), local, errProxyLength},
		"version 1":              {[]byte("PROXY TCP4 192.0.2.9 198.51.100.1 5000 143\r\n"), local, errProxySignature},
	} {
		if got, err := parseProxy(c.in); err != c.err || err == nil && got != c.want {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, got, err, c.want, c.err)
		}
	}
}

// FuzzProxy: what is asked for never exceeds the limit, the header is found
// whatever pieces it comes in, and nothing panics.
func FuzzProxy(f *testing.F) {
	for _, seed := range [][]byte{proxy4, proxy6, header(0x20, 0, nil), header(0x21, 0x31, make([]byte, 216)), []byte("EHLO x\r\n"), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		have := 0
		for {
			need, err := proxyNeed(b[:have])
			if err != nil {
				return
			}
			if need > proxyLongest || need < have {
				t.Fatalf("%d bytes asked for after %d", need, have)
			}
			if need == have {
				break
			}
			if need > len(b) {
				return
			}
			have = need
		}
		h, err := parseProxy(b[:have])
		if err == nil && h.Stated != h.Source.IsValid() {
			t.Fatalf("%+v", h)
		}
	})
}

var loopbackOnly = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestProxyHeader(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		on := &Listener{Proxies: loopbackOnly, TLS: serverTLS, Implicit: implicit}
		over(t, addressed, Options{}, on, func(t *testing.T, r *rig) {
			for want, h := range map[string][]byte{
				"192.0.2.9:5000 false":     proxy4,
				"[2001:db8::9]:5000 false": proxy6,
				"true":                     header(0x20, 0, nil),
			} {
				nc := r.connect()
				for i := range h { // byte by byte
					nc.Write(h[i : i+1])
				}
				c := newClient(t, nc)
				if implicit {
					c = c.secure(clientTLS())
				}
				c.want("HELLO")
				c.say("WHO")
				if got := c.line(); !strings.HasSuffix(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
}

func TestProxyRefused(t *testing.T) {
	over(t, addressed, Options{}, &Listener{Proxies: loopbackOnly}, func(t *testing.T, r *rig) {
		c := newClient(t, r.connect())
		c.say("A1 LOGIN alice lemonade")
		c.ended()
		until(t, "counted", func() bool { return r.srv.Stats().Ended[ProxyRefused] == 1 })
		if len(r.log.all()) != 0 {
			t.Error("a session was made")
		}
	})
}

// TestProxyFromStranger: a header from an address that is not named is input
// like any other.
func TestProxyFromStranger(t *testing.T) {
	on := &Listener{Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	each(t, Options{}, on, func(t *testing.T, r *rig) {
		c := r.dial()
		c.say("WHO")
		if got := c.line(); !strings.HasSuffix(got, "true") {
			t.Errorf("got %q", got)
		}
		c.Write(proxy4)
		c.want("?", "?", "?\x00", "BYE") // the signature ends in QUIT
	})
}

func TestProxyDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer(Options{Log: slog.New(slog.DiscardHandler)})
		on := &Listener{Proxies: loopbackOnly, NewSession: newJournal().session}
		start := time.Now()
		c := srv.Pipe(on, netip.AddrPort{})
		c.Write(proxy4[:20])
		if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("refused after %v", d)
		}
		srv.Shutdown(t.Context())
	})
	over(t, addressed, Options{Proxy: 20 * time.Millisecond}, &Listener{Proxies: loopbackOnly}, func(t *testing.T, r *rig) {
		c := newClient(t, r.connect())
		c.Write(bytes.Clone(proxy4[:20]))
		c.ended()
	})
}
