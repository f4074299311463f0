//go:build !linux

package conn

import (
	"net"
	"time"
)

// poller exists on Linux only.
type poller struct{}

func (s *Server) servePoll(net.Listener, *Listener) (bool, error) { return false, nil }
func (s *Server) closePoll()                                      {}

// tuneSocket sets what there is besides the defaults of package net, which
// turns TCP_NODELAY on.
func tuneSocket(net.Conn, time.Duration) {}
