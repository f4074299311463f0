package sasl

import (
	"bytes"
	"unicode/utf8"
)

// CheckExternal decides about an authorization identity, given what is known of
// the client from outside SASL; "" is the identity that follows from that.
type CheckExternal func(authzid string) error

// NewExternalServer awaits the one message of EXTERNAL (RFC 4422 appendix A).
func NewExternalServer(check CheckExternal) Server { return &externalServer{check: check} }

type externalServer struct {
	check CheckExternal
	asked bool
	over  bool
}

// Next implements Server. The message is an authorization identity, UTF-8
// without NUL, perhaps empty (RFC 4422 appendix A.1).
func (s *externalServer) Next(response []byte) ([]byte, bool, error) {
	switch {
	case s.over:
		return nil, false, ErrOver
	case response == nil && !s.asked:
		s.asked = true
		return []byte{}, false, nil
	}
	s.over = true
	var err error
	switch {
	case len(response) > MaxMessage:
		err = ErrTooLong
	case bytes.IndexByte(response, 0) >= 0 || !utf8.Valid(response):
		err = ErrSyntax
	default:
		err = s.check(string(response))
	}
	return nil, err == nil, err
}

// NewExternalClient asks to act as authzid, "" for the identity that the server
// knows from outside SASL.
func NewExternalClient(authzid string) Client { return &externalClient{authzid} }

type externalClient struct{ authzid string }

// Start implements Client.
func (c *externalClient) Start() (string, []byte, error) { return External, []byte(c.authzid), nil }

// Next implements Client.
func (c *externalClient) Next([]byte) ([]byte, error) { return nil, ErrSyntax }

// Done is true: the mechanism has no proof of the server's.
func (c *externalClient) Done() bool { return true }
