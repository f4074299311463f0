package conn

// Reason says why a connection ended or was not let in. It is an error, so
// that Session.Close can be given it and errors.Is can tell one from another,
// and an index into Stats.Ended.
type Reason uint8

const (
	// SessionEnded: the session asked for it (Close is given nil).
	SessionEnded Reason = iota
	// PeerLeft: the peer closed in good order (Close is given io.EOF).
	PeerLeft
	// PeerLost: reset, timed out or otherwise broken (Close is given the
	// system's error).
	PeerLost
	// HandshakeFailed: TLS could not be agreed upon.
	HandshakeFailed
	// HandshakeLate: the TLS handshake took longer than Options.Handshake.
	HandshakeLate
	// ProxyRefused: a named proxy sent no valid PROXY header in time.
	ProxyRefused
	// TooMany: the total or the listener's limit was reached.
	TooMany
	// Crowded: the oldest unauthenticated connection of the busiest network
	// gave way to a new one.
	Crowded
	// OutOfMemory: the peer did not read, and the memory held for such peers
	// ran short.
	OutOfMemory
	// ShutDown: the session did not end within the time of a shutdown.
	ShutDown
	// SessionFault: the session panicked or broke the contract of Step.
	SessionFault

	reasons = int(SessionFault) + 1
)

var reasonText = [reasons]string{
	SessionEnded:    "ended by the session",
	PeerLeft:        "ended by the peer",
	PeerLost:        "connection lost",
	HandshakeFailed: "TLS handshake failed",
	HandshakeLate:   "TLS handshake took too long",
	ProxyRefused:    "no valid PROXY header",
	TooMany:         "too many connections",
	Crowded:         "gave way: too many connections before login",
	OutOfMemory:     "peer does not read, memory is short",
	ShutDown:        "server is shutting down",
	SessionFault:    "fault in the session",
}

func (r Reason) String() string {
	if int(r) < reasons {
		return reasonText[r]
	}
	return "unknown reason"
}

func (r Reason) Error() string { return r.String() }
