// Package conn owns every listener and every connection of every protocol:
// TLS, limits, deadlines, parking. A protocol is a Session, a state machine
// that a driver steps; it never touches a socket, never blocks on the peer and
// keeps no goroutine between steps. The epoll driver (Linux), the portable
// driver (a goroutine per connection) and Pipe, the driver of tests under
// virtual time, run the same sessions.
//
// # Parking
//
// A session that waits for input, for its Wake or for a time, with nothing to
// send, is parked: the driver returns its buffers to their pools and keeps one
// registration with the kernel. A session must do likewise: no buffer, parser
// or snapshot stays behind between steps without need.
//
// # Time
//
// TCP keep-alive is off, no connection ends for its duration (RFC 5383 §4);
// a session says by Wait.Until when it wants to be stepped for time alone.
package conn

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"time"
)

// Session is one connection's protocol state. Its methods are called by one
// goroutine at a time.
type Session interface {
	// Step consumes what it can of t.In, appends to t.Out and says what it
	// waits for. It is called first with no input, to greet.
	Step(t *Turn) Wait
	// Close is called once, after the last Step, with the reason: nil when
	// the session itself asked for it, io.EOF when the peer left.
	Close(cause error)
}

// NewSession makes a session for an accepted connection.
type NewSession func(c Conn) Session

// Turn is what a driver offers to one Step.
type Turn struct {
	Now time.Time
	// In holds bytes received and not yet consumed; Consume drops them. A
	// session that wants more than In can hold (at least 4 KiB) takes them
	// into a buffer of its own: one that waits for Input and leaves a full In
	// is cut (SessionFault). In is valid during the Step only.
	In []byte
	// EOF: the peer sends no more than In. A session that answers with a Wait
	// for Input (and neither Drain nor Again) is closed once Out is sent: none
	// will come.
	EOF bool
	// Shutdown: the server is ending. The session finishes what it must, says
	// so (BYE, 421) and returns Close; it is stepped with this set as soon as
	// the shutdown begins, and cut if it lingers.
	Shutdown bool
	// Late: the peer let the Out of the step before wait, and has taken the last
	// of it since: it is there, whatever Until has passed meanwhile.
	Late bool
	// Out is what the session sends: it appends, the driver empties it between
	// steps and owns its memory. A session yields with Wait.Drain set when it
	// holds HighWater or more.
	Out []byte
	// Consumed is kept by Consume.
	Consumed int
}

// HighWater is the number of bytes in Out at which a session yields.
const HighWater = 64 << 10

// Consume drops n bytes from the front of In.
func (t *Turn) Consume(n int) {
	t.In = t.In[n:]
	t.Consumed += n
}

// Wait says when the session shall be stepped again. Conditions are combined
// by "or", except that Drain holds back all others.
type Wait struct {
	Input bool      // when more input than was left in In has come, or EOF
	Drain bool      // when Out has been handed to the kernel
	Again bool      // at once, after others had their turn
	Until time.Time // at this time at the latest; zero: no deadline (see Unread)
	Then  Action    // after Out was sent
	// Idle: the session may stay so for hours (IDLE, NOTIFY).
	Idle bool
}

// Unread is how long a peer that is not logged in may leave output unread when
// Wait.Until says nothing; at Until, or then, it is cut. One that is logged in
// is never cut for that, short of memory pressure; its session is not stepped
// meanwhile, not for Until either.
const Unread = time.Minute

// Wake (Conn.Wake) always leads to a Step, whatever was waited for, except
// that it, too, is held back by Drain.

// Action changes the connection after Out was sent.
type Action uint8

const (
	Continue Action = iota
	// StartTLS discards all input not yet consumed (CVE-2011-0411), shakes
	// hands and steps again. The session sees Conn.TLS() != nil.
	StartTLS
	// Close ends the connection in good order.
	Close
)

// Conn is what a session knows of its connection. All methods may be called
// from any goroutine.
type Conn interface {
	// Wake has the session stepped soon; many Wakes may be one Step.
	Wake()
	Remote() netip.AddrPort
	Local() netip.AddrPort
	// TLS is nil before the handshake.
	TLS() *tls.ConnectionState
	// CanStartTLS says whether StartTLS would work.
	CanStartTLS() bool
	// Loopback says that the peer is on this machine (and no PROXY header
	// says otherwise), or came by Unix socket.
	Loopback() bool
	// ChannelBinding gives SCRAM's binding data: "tls-exporter" (RFC 9266;
	// TLS 1.3, or 1.2 with extended master secret) or
	// "tls-server-end-point" (RFC 5929 §4). ErrNoBinding otherwise.
	ChannelBinding(kind string) ([]byte, error)
	// Login counts the connection towards an account's limit;
	// ErrTooManyConnections refuses. Logout takes it back; Close does too.
	Login(account string) error
	Logout()
	// LoginFailed records a failure of the peer's address (not account) and
	// says how long to hold back the answer.
	LoginFailed(now time.Time) time.Duration
}

var (
	// ErrNoBinding: no TLS, or not this kind.
	ErrNoBinding = errors.New("no channel binding of this kind")
	// ErrTooManyConnections: the account's limit is reached.
	ErrTooManyConnections = errors.New("too many connections for this account")
)
