// Package sasl speaks the mechanisms of SASL (RFC 4422), both sides: PLAIN
// (RFC 4616), LOGIN, EXTERNAL (RFC 4422 appendix A), SCRAM-SHA-256 and
// SCRAM-SHA-256-PLUS (RFC 5802, 7677) with the channel bindings tls-exporter (RFC 9266) and tls-server-end-point
// (RFC 5929).
//
// Messages are the mechanism's own octets: the base64 and the framing belong to
// the protocol around it (RFC 9051 §6.2.2, RFC 4954). The package is pure: it
// decides nothing about who may log in, it asks through functions.
//
// # Invariants
//
// A server that returned done without error has verified the client, and not
// otherwise. After done or an error an exchange is over; Next then gives
// ErrOver. No message is longer than MaxMessage.
package sasl

import "errors"

// Names of mechanisms, as announced.
const (
	Plain           = "PLAIN"
	Login           = "LOGIN"
	External        = "EXTERNAL"
	ScramSHA256     = "SCRAM-SHA-256"
	ScramSHA256Plus = "SCRAM-SHA-256-PLUS"
)

// Names of channel bindings, as in RFC 9266 §2 and RFC 5929 §4.
const (
	TLSExporter       = "tls-exporter"
	TLSServerEndPoint = "tls-server-end-point"
)

// MaxMessage bounds each message of the client, in octets before base64. PLAIN
// needs at most 3×255+2 characters (RFC 4616 §2), of up to four octets each.
const MaxMessage = 4096

// Mechanism says what a protocol must know before it announces one.
type Mechanism struct {
	Name string
	// Cleartext: the password itself crosses the wire; off loopback only
	// under TLS (RFC 9051 §11.3).
	Cleartext bool
	// Binding: needs a connection that has channel binding data.
	Binding bool
}

// Mechanisms lists what this package speaks of passwords, the strongest first.
// EXTERNAL, which has none, is for connections on which somebody is known.
var Mechanisms = [...]Mechanism{
	{Name: ScramSHA256Plus, Binding: true},
	{Name: ScramSHA256},
	{Name: Plain, Cleartext: true},
	{Name: Login, Cleartext: true},
}

// Server is the server's side of one exchange; not safe for concurrent use.
type Server interface {
	// Next takes the client's message and gives the server's. The first
	// message is nil when the client sent no initial response; an empty
	// initial response is empty, not nil. While done is false, challenge
	// (perhaps empty) is to be sent and an answer awaited. The challenge is
	// the caller's.
	Next(response []byte) (challenge []byte, done bool, err error)
}

// Client is the client's side of one exchange.
type Client interface {
	// Start names the mechanism and gives the initial response; nil if the
	// mechanism has none.
	Start() (mechanism string, initial []byte, err error)
	// Next answers a challenge. An error means that the server must not be
	// trusted, or asked for what it may not.
	Next(challenge []byte) (response []byte, err error)
	// Done says that the server has shown all that it has to: its success is
	// not to be believed before.
	Done() bool
}

// CheckPassword decides about a name and password: nil lets in; any error ends
// the exchange and is what Next returns.
type CheckPassword func(authzid, authcid, password string) error

// What ends an exchange, beside the errors of CheckPassword and FindKeys.
var (
	// ErrSyntax: the message breaks the mechanism's grammar.
	ErrSyntax = errors.New("sasl: malformed message")
	// ErrTooLong: the message exceeds MaxMessage.
	ErrTooLong = errors.New("sasl: message too long")
	// ErrProof: the client does not know the password.
	ErrProof = errors.New("sasl: wrong proof")
	// ErrBinding: the channel binding is of a kind that this connection has
	// not, or does not match: somebody may be between client and server.
	ErrBinding = errors.New("sasl: channel binding does not match")
	// ErrDowngrade: the client believes that we do not announce -PLUS, and
	// we do: somebody changed the announcement (RFC 5802 §6).
	ErrDowngrade = errors.New("sasl: the announced mechanisms were changed on the way")
	// ErrOver: the exchange has ended already.
	ErrOver = errors.New("sasl: exchange is over")
	// ErrServer: the server failed to prove that it knows the password.
	ErrServer = errors.New("sasl: server not authenticated")
)
