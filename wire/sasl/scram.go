package sasl

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"strings"

	"github.com/xdg-go/scram"
)

// Keys are what a server stores for SCRAM-SHA-256 (RFC 5802 §3).
type Keys struct {
	Salt       []byte
	Iterations int
	StoredKey  []byte // H(ClientKey), 32 octets
	ServerKey  []byte // 32 octets
}

// DeriveKeys computes the keys of a password, which the caller has prepared
// (RFC 8265 §4). It takes iterations × two SHA-256 compressions.
func DeriveKeys(password string, salt []byte, iterations int) (Keys, error) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return Keys{}, err
	}
	client := sign(salted, "Client Key")
	stored := sha256.Sum256(client)
	return Keys{salt, iterations, stored[:], sign(salted, "Server Key")}, nil
}

// Verify says whether the password, prepared, is the one of the keys.
func (k Keys) Verify(password string) (bool, error) {
	given, err := DeriveKeys(password, k.Salt, k.Iterations)
	return err == nil && hmac.Equal(given.StoredKey, k.StoredKey), err
}

func sign(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// FindKeys gives the keys of a user. It never says that a user is unknown: it
// then gives keys made up from the name and a secret, always the same ones
// (RFC 5802 §9). An error ends the exchange.
type FindKeys func(authzid, authcid string) (Keys, error)

// Bindings is what a connection offers for channel binding.
type Bindings struct {
	// Announced: SCRAM-SHA-256-PLUS was among the mechanisms announced on
	// this connection; then a client that says "you do not announce it" is
	// the victim of a downgrade (RFC 5802 §6).
	Announced bool
	// Data gives the binding's data; nil where there is no TLS.
	Data func(kind string) ([]byte, error)
}

// NewScramServer awaits SCRAM-SHA-256, or SCRAM-SHA-256-PLUS if plus. The
// server's signature goes out as a challenge, which the client answers with an
// empty message, because neither IMAP nor SMTP carries data with success.
func NewScramServer(plus bool, b Bindings, find FindKeys) Server {
	return &scramServer{plus: plus, bindings: b, find: find}
}

type scramServer struct {
	plus     bool
	bindings Bindings
	find     FindKeys
	nonce    func() string // of tests; nil: random

	state   scramState
	findErr error
	conv    *scram.ServerConversation
}

type scramState uint8

const (
	scramStart scramState = iota
	scramWantFirst
	scramWantFinal
	scramWantEmpty
	scramOver
)

func (s *scramServer) Next(response []byte) ([]byte, bool, error) {
	challenge, next, err := s.next(response)
	if err != nil {
		s.state, s.conv = scramOver, nil
		return nil, false, err
	}
	s.state = next
	return challenge, next == scramOver, nil
}

func (s *scramServer) next(response []byte) ([]byte, scramState, error) {
	if len(response) > MaxMessage {
		return nil, scramOver, ErrTooLong
	}
	switch s.state {
	case scramStart, scramWantFirst:
		if response == nil && s.state == scramStart {
			return []byte{}, scramWantFirst, nil
		}
		challenge, err := s.first(response)
		return challenge, scramWantFinal, err
	case scramWantFinal:
		challenge, err := s.final(response)
		return challenge, scramWantEmpty, err
	case scramWantEmpty:
		if len(response) != 0 {
			return nil, scramOver, ErrSyntax
		}
		return nil, scramOver, nil
	}
	return nil, scramOver, ErrOver
}

// first answers the client-first-message. The codec knows one binding per
// conversation, so it is made when the client has named its choice.
func (s *scramServer) first(message []byte) ([]byte, error) {
	binding, err := s.chooseBinding(message)
	if err != nil {
		return nil, err
	}
	server, err := scram.SHA256.NewServer(s.lookup)
	if err != nil {
		return nil, err
	}
	if s.nonce != nil {
		server = server.WithNonceGenerator(s.nonce)
	}
	s.conv = server.NewConversationWithChannelBinding(binding)
	challenge, err := s.conv.Step(string(message))
	switch {
	case s.findErr != nil:
		return nil, s.findErr
	case err != nil:
		return nil, ErrSyntax
	}
	return []byte(challenge), nil
}

// lookup is called by the codec within its first step, when it has decoded the
// name and the authzid.
func (s *scramServer) lookup(name string) (scram.StoredCredentials, error) {
	keys, err := s.find(s.conv.AuthzID(), name)
	s.findErr = err
	return scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(keys.Salt), Iters: keys.Iterations},
		StoredKey:  keys.StoredKey,
		ServerKey:  keys.ServerKey,
	}, err
}

// chooseBinding looks at the first part of
//
//	gs2-header      = gs2-cbind-flag "," [ authzid ] ","
//	gs2-cbind-flag  = ("p=" cb-name) / "n" / "y"
//
// (RFC 5802 §7) and applies the rules of §6.
func (s *scramServer) chooseBinding(message []byte) (scram.ChannelBinding, error) {
	flag, _, ok := bytes.Cut(message, []byte{','})
	if !ok {
		return scram.ChannelBinding{}, ErrSyntax
	}
	kind, bound := strings.CutPrefix(string(flag), "p=")
	switch {
	case bound != s.plus:
		return scram.ChannelBinding{}, ErrSyntax
	case bound:
		return s.binding(kind)
	case string(flag) == "y" && s.bindings.Announced:
		return scram.ChannelBinding{}, ErrDowngrade
	}
	return scram.ChannelBinding{}, nil
}

func (s *scramServer) binding(kind string) (scram.ChannelBinding, error) {
	if s.bindings.Data == nil || kind != TLSExporter && kind != TLSServerEndPoint {
		return scram.ChannelBinding{}, ErrBinding
	}
	data, err := s.bindings.Data(kind)
	if err != nil || len(data) == 0 {
		return scram.ChannelBinding{}, ErrBinding
	}
	return scram.ChannelBinding{Type: scram.ChannelBindingType(kind), Data: data}, nil
}

func (s *scramServer) final(message []byte) ([]byte, error) {
	answer, err := s.conv.Step(string(message))
	switch {
	case err == nil && s.conv.Valid():
		return []byte(answer), nil
	case answer == scram.ErrInvalidProof:
		return nil, ErrProof
	case answer == scram.ErrChannelBindingsDontMatch:
		return nil, ErrBinding
	}
	return nil, ErrSyntax
}
