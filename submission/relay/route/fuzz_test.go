package route

import (
	"testing"

	"github.com/miekg/dns"
)

// Whatever an answer says, what is taken over of it is bounded, and an address
// literal that is read is an address.
func FuzzAnswer(f *testing.F) {
	m := new(dns.Msg)
	m.SetQuestion("a.example.", dns.TypeMX)
	for _, text := range []string{"a.example. 300 IN CNAME b.example.", "b.example. 300 IN MX 10 .", "b.example. 1 IN TXT \"x\" \"y\"", "b.example. 1 IN A 192.0.2.1"} {
		rr, err := dns.NewRR(text)
		if err != nil {
			f.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	packed, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed, "[192.0.2.1]")
	f.Add([]byte{}, "[IPv6:::1]")
	f.Fuzz(func(t *testing.T, packet []byte, text string) {
		if a, ok := literal(text); ok && !a.IsValid() {
			t.Errorf("%q is read as %v", text, a)
		}
		m := new(dns.Msg)
		if m.Unpack(packet) != nil {
			return
		}
		for _, qtype := range []uint16{dns.TypeMX, dns.TypeTXT, dns.TypeA, dns.TypeAAAA} {
			a := &answer{name: "a.example."}
			ttl := a.read(m, qtype)
			if ttl < 0 || ttl > maxTTL || negativeTTL(m) < 0 || negativeTTL(m) > maxNegative {
				t.Errorf("kept for %v, %v", ttl, negativeTTL(m))
			}
			if len(a.mx)+len(a.addrs) > maxAnswers || len(a.texts) > maxTexts {
				t.Errorf("%+v", a)
			}
			parseID(a.texts)
		}
	})
}
