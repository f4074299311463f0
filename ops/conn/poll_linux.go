package conn

import (
	"net"
	"time"
)

type poller struct{}

func (s *Server) servePoll(net.Listener, *Listener) (bool, error) { return false, nil }
func (s *Server) closePoll()                                      {}
func tuneSocket(net.Conn, time.Duration)                          {}
