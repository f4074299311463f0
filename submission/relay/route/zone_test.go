package route

import (
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
	o.Servers, o.Timeout = append(o.Servers, z.Addr), 2*time.Second
	o.Now = func() time.Time { return *now }
	r, err := New(o)
	if err != nil {
		z.t.Fatal(err)
	}
	return r
}
