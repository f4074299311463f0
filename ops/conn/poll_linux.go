package conn

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// poller is the epoll driver: one epoll descriptor with one edge-triggered
// registration for each connection, made once and never changed. Its goroutine
// turns the kernel's events into flags of connections; workers run those that
// have some. A parked connection costs no goroutine.
//
// The epoll descriptor is itself watched by the runtime's poller, so that no
// thread waits in epoll_wait.
type poller struct {
	srv  *Server
	file *os.File // the epoll descriptor
	epfd int

	mu    sync.RWMutex
	conns []*pollConn // by descriptor
	gen   int32

	work  *workers
	times timers
	loops sync.WaitGroup
}

func newPoller(s *Server) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &poller{srv: s, epfd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	rc, err := p.file.SyscallConn()
	if err != nil {
		p.file.Close()
		return nil, err
	}
	p.work = newWorkers(s.opt.Workers, &p.loops)
	p.times.init()
	p.loops.Add(1)
	go p.loop(rc)
	return p, nil
}

// close ends the driver when it has no connections left.
func (p *poller) close() {
	p.file.Close()
	p.times.stop()
	p.work.close()
	p.loops.Wait()
}

// loop collects events until the descriptor is closed, inside a single Read of
// the runtime's poller: an event that comes while others are dispatched makes
// it call again. A batch that is not full has emptied the list of the ready.
func (p *poller) loop(rc syscall.RawConn) {
	defer p.loops.Done()
	events := make([]unix.EpollEvent, 256)
	rc.Read(func(fd uintptr) bool {
		for n := len(events); n == len(events); {
			n = epollNow(int(fd), events)
			p.dispatch(events[:n])
		}
		return false
	})
}

// epollNow returns the number of events there are now.
func epollNow(fd int, events []unix.EpollEvent) int {
	for {
		n, err := unix.EpollWait(fd, events, 0)
		if err != unix.EINTR {
			return max(n, 0)
		}
	}
}

// dispatch posts events to their connections. An event may be older than the
// connection that has its descriptor now: the generations differ then.
func (p *poller) dispatch(events []unix.EpollEvent) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for i := range events {
		e := &events[i]
		if int(e.Fd) >= len(p.conns) {
			continue
		}
		if c := p.conns[e.Fd]; c != nil && c.gen == e.Pad {
			c.post(flagsOf(e.Events))
		}
	}
}

func flagsOf(events uint32) uint32 {
	var f uint32
	if events&unix.EPOLLIN != 0 {
		f |= evInput
	}
	if events&unix.EPOLLOUT != 0 {
		f |= evOutput
	}
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP) != 0 {
		f |= evInput | evOutput | evHangup
	}
	if events&unix.EPOLLERR != 0 {
		f |= evInput | evOutput | evError
	}
	return f
}

// register enters a connection in the table and in epoll.
func (p *poller) register(c *pollConn) error {
	p.mu.Lock()
	for len(p.conns) <= c.fd {
		p.conns = append(p.conns, make([]*pollConn, max(64, len(p.conns)/2))...)
	}
	p.gen++
	c.gen = p.gen
	p.conns[c.fd] = c
	p.mu.Unlock()
	e := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff,
		Fd:     int32(c.fd),
		Pad:    c.gen,
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, c.fd, &e))
}

// forget takes a connection out of the table, before its descriptor is closed
// (which takes it out of epoll).
func (p *poller) forget(c *pollConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.fd < len(p.conns) && p.conns[c.fd] == c {
		p.conns[c.fd] = nil
	}
}

// poller returns the server's epoll driver, started when first needed.
func (s *Server) poller() (*poller, error) {
	s.pollMu.Lock()
	defer s.pollMu.Unlock()
	if s.ctx.Err() != nil {
		return nil, ErrServerClosed
	}
	if s.poll == nil {
		p, err := newPoller(s)
		if err != nil {
			return nil, err
		}
		s.poll = p
	}
	return s.poll, nil
}

func (s *Server) closePoll() {
	s.pollMu.Lock()
	defer s.pollMu.Unlock()
	if s.poll != nil {
		s.poll.close()
		s.poll = nil
	}
}

// servePoll serves a listener by epoll. handled is false if it is not of a kind
// that has a descriptor.
func (s *Server) servePoll(ln net.Listener, on *Listener) (handled bool, err error) {
	fl, ok := ln.(interface{ File() (*os.File, error) })
	if !ok {
		return false, nil
	}
	f, err := fl.File()
	if err != nil {
		return true, err
	}
	defer f.Close()
	p, err := s.poller()
	if err != nil {
		return true, err
	}
	rc, err := f.SyscallConn()
	if err != nil {
		return true, err
	}
	defer s.closeAtEnd(f)()
	return true, p.accept(rc, on, addrPort(ln.Addr()))
}

// accept takes connections until the listener is closed.
func (p *poller) accept(rc syscall.RawConn, on *Listener, local netip.AddrPort) error {
	var pause acceptPause
	for {
		var fd int
		var sa unix.Sockaddr
		var err error
		gone := rc.Read(func(l uintptr) bool {
			fd, sa, err = unix.Accept4(int(l), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			return err != unix.EAGAIN
		})
		switch {
		case p.srv.ctx.Err() != nil:
			if gone == nil && err == nil {
				unix.Close(fd)
			}
			return ErrServerClosed
		case gone != nil:
			return gone
		case err == nil:
			pause.reset()
			p.take(fd, sa, on, local)
		case err == unix.EINTR || err == unix.ECONNABORTED:
		case err == unix.EMFILE || err == unix.ENFILE || err == unix.ENOBUFS || err == unix.ENOMEM || err == unix.EPERM:
			p.srv.opt.Log.Warn("accept", "listener", on.Name, "error", err)
			if !pause.wait(p.srv.ctx) {
				return ErrServerClosed
			}
		default:
			return os.NewSyscallError("accept4", err)
		}
	}
}

// take makes a connection of an accepted descriptor.
func (p *poller) take(fd int, sa unix.Sockaddr, on *Listener, local netip.AddrPort) {
	c := &pollConn{p: p, fd: fd}
	c.srv, c.on, c.self = p.srv, on, c
	c.remote = sockAddrPort(sa)
	c.local = local
	if c.remote.IsValid() {
		tuneTCP(fd, p.srv.opt.UserTimeout)
		if local.Addr().IsUnspecified() {
			if sa, err := unix.Getsockname(fd); err == nil {
				c.local = sockAddrPort(sa)
			}
		}
	}
	c.near = isNear(c.remote)
	if !p.srv.admit(&c.link) {
		unix.Close(fd)
		return
	}
	c.start()
}

// sockAddrPort converts a socket address; zero for Unix sockets.
func sockAddrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// tuneTCP sets what differs from a fresh socket: TCP_NODELAY, since sessions
// send whole answers, and TCP_USER_TIMEOUT. Keep-alive is off already. Failure
// would be of no consequence to the protocol.
func tuneTCP(fd int, userTimeout time.Duration) {
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if userTimeout > 0 {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout/time.Millisecond))
	}
}

// tuneSocket does the same for a connection of package net, whatever its
// listener was configured for.
func tuneSocket(nc net.Conn, userTimeout time.Duration) {
	tc, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	tc.SetKeepAlive(false)
	if rc, err := tc.SyscallConn(); err == nil {
		rc.Control(func(fd uintptr) { tuneTCP(int(fd), userTimeout) })
	}
}
