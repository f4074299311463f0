package conn

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Pipe connects to a listener's sessions in memory, without a socket, and
// returns the client's end, which buffers 256 KiB in each direction and knows
// deadlines and CloseWrite. Everything of the portable driver holds: limits,
// TLS, PROXY headers, Shutdown. The client comes from remote; zero: from
// loopback. After Shutdown the connection is closed at once.
func (s *Server) Pipe(on *Listener, remote netip.AddrPort) net.Conn {
	if !remote.IsValid() {
		remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 49152)
	}
	local := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 143)
	client, server := newMemPair(net.TCPAddrFromAddrPort(remote), net.TCPAddrFromAddrPort(local))
	s.servePortable(server, on)
	return client
}

// Pipe is a single session on an in-memory connection, for dialogue tests, also
// under testing/synctest. It is the client's end.
type Pipe struct {
	net.Conn
	srv *Server
}

// NewPipe starts a session without TLS for a client on loopback. Server.Pipe
// does the same with TLS, limits and other addresses.
func NewPipe(session NewSession) *Pipe {
	p := &Pipe{srv: NewServer(Options{Portable: true})}
	p.Conn = p.srv.Pipe(&Listener{Name: "pipe", NewSession: session, Trusted: true}, netip.AddrPort{})
	return p
}

// CloseWrite ends the client's direction.
func (p *Pipe) CloseWrite() error { return p.Conn.(*memConn).CloseWrite() }

// Close ends the connection as a peer that leaves, and returns when the session
// has been closed. One that does not notice has a minute.
func (p *Pipe) Close() error {
	p.Conn.Close()
	p.srv.adm.close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	select {
	case <-p.srv.adm.emptied:
	case <-ctx.Done():
	}
	return p.srv.Shutdown(ctx)
}
