package sasl

import (
	"bytes"
	"unicode/utf8"
)

// The prompts of LOGIN, which was never standardised
// (draft-murchison-sasl-login-00 §2.1.1); clients look at their order only.
const (
	loginName     = "Username:"
	loginPassword = "Password:"
)

// NewLoginServer asks for a name and a password. An initial response, which
// some clients send, is the name.
func NewLoginServer(check CheckPassword) Server { return &loginServer{check: check} }

type loginServer struct {
	check CheckPassword
	state loginState
	name  string
}

type loginState uint8

const (
	loginStart loginState = iota
	loginWantName
	loginWantPassword
	loginOver
)

func (s *loginServer) Next(response []byte) ([]byte, bool, error) {
	switch {
	case s.state == loginOver:
		return nil, false, ErrOver
	case s.state == loginStart && response == nil:
		s.state = loginWantName
		return []byte(loginName), false, nil
	}
	if err := validLogin(response); err != nil {
		s.state = loginOver
		return nil, false, err
	}
	if s.state != loginWantPassword {
		s.name, s.state = string(response), loginWantPassword
		return []byte(loginPassword), false, nil
	}
	s.state = loginOver
	err := s.check("", s.name, string(response))
	return nil, err == nil, err
}

func validLogin(p []byte) error {
	switch {
	case len(p) > MaxMessage:
		return ErrTooLong
	case len(p) == 0 || bytes.IndexByte(p, 0) >= 0 || !utf8.Valid(p):
		return ErrSyntax
	}
	return nil
}
