package sasl

import (
	"bytes"
	"unicode/utf8"
)

// NewPlainServer awaits RFC 4616's one message.
func NewPlainServer(check CheckPassword) Server { return &plainServer{check: check} }

type plainServer struct {
	check CheckPassword
	asked bool
	over  bool
}

func (s *plainServer) Next(response []byte) ([]byte, bool, error) {
	if s.over {
		return nil, false, ErrOver
	}
	if response == nil && !s.asked {
		s.asked = true
		return []byte{}, false, nil
	}
	s.over = true
	authzid, authcid, password, err := parsePlain(response)
	if err == nil {
		err = s.check(authzid, authcid, password)
	}
	return nil, err == nil, err
}

// parsePlain takes apart
//
//	message   = [authzid] UTF8NUL authcid UTF8NUL passwd
//
// where authcid and passwd are not empty (RFC 4616 §2).
func parsePlain(p []byte) (authzid, authcid, password string, err error) {
	if len(p) > MaxMessage {
		return "", "", "", ErrTooLong
	}
	z, rest, ok := bytes.Cut(p, []byte{0})
	c, pw, ok2 := bytes.Cut(rest, []byte{0})
	if !ok || !ok2 || len(c) == 0 || len(pw) == 0 || bytes.IndexByte(pw, 0) >= 0 || !utf8.Valid(p) {
		return "", "", "", ErrSyntax
	}
	return string(z), string(c), string(pw), nil
}

// NewPlainClient sends the password with the initial response.
func NewPlainClient(authzid, authcid, password string) Client {
	return &plainClient{authzid + "\x00" + authcid + "\x00" + password}
}

type plainClient struct{ message string }

func (c *plainClient) Start() (string, []byte, error) { return Plain, []byte(c.message), nil }

func (c *plainClient) Next([]byte) ([]byte, error) { return nil, ErrSyntax }

// Done is true: PLAIN has no proof of the server's.
func (c *plainClient) Done() bool { return true }
