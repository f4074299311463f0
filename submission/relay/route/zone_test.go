package route

import (
	"net/netip"
	"testing"
	"time"

	"citron/submission/relay/relaytest"
)

// zone is what the tests' resolvers ask.
type zone struct {
	*relaytest.Zone
	t *testing.T
}

func newZone(t *testing.T) *zone { return &zone{relaytest.NewZone(t), t} }

// resolver asks the zone. The clock is the test's.
func (z *zone) resolver(now *time.Time, o Options) *Resolver {
	o.Servers, o.Timeout = append(o.Servers, z.servers()...), 2*time.Second
	o.Now = func() time.Time { return *now }
	r, err := New(z.t.Context(), o)
	if err != nil {
		z.t.Fatal(err)
	}
	return r
}

func (z *zone) servers() []netip.AddrPort { return []netip.AddrPort{z.Addr} }
