package conn

import "sync/atomic"

// Stats is a snapshot of a Server's counts. Those under "now" are levels, the
// others only grow. The fields are read one after the other: sums may be off
// by what happened meanwhile.
type Stats struct {
	// Now.
	Open        int // accepted and not yet closed
	BeforeLogin int
	Accounts    int // accounts with a connection
	Parked      int // no goroutine, no buffers, nothing to send
	Running     int // being stepped, or queued for it
	Blocked     int // the peer does not take what is sent
	Handshakes  int
	HeldBytes   int64 // unsent bytes of blocked connections

	Accepted uint64
	Steps    uint64
	Resumed  uint64 // TLS handshakes that resumed a session
	Full     uint64 // TLS handshakes that did not
	Ended    [reasons]uint64
}

// counters are the live figures behind Stats.
type counters struct {
	accepted, steps, resumed, full atomic.Uint64
	ended                          [reasons]atomic.Uint64
	running, handshakes, blocked   atomic.Int64
}

// Stats returns the server's counts.
func (s *Server) Stats() Stats {
	st := Stats{
		Running:    int(s.count.running.Load()),
		Blocked:    int(s.count.blocked.Load()),
		Handshakes: int(s.count.handshakes.Load()),
		HeldBytes:  s.held.bytes(),
		Accepted:   s.count.accepted.Load(),
		Steps:      s.count.steps.Load(),
		Resumed:    s.count.resumed.Load(),
		Full:       s.count.full.Load(),
	}
	for i := range st.Ended {
		st.Ended[i] = s.count.ended[i].Load()
	}
	st.Open, st.BeforeLogin, st.Accounts = s.adm.levels()
	st.Parked = max(0, st.Open-st.Running-st.Blocked-st.Handshakes)
	return st
}
