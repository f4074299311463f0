package conn

import (
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStaleEvents: an event of a connection that had the descriptor before is
// not taken for one of its successor.
func TestStaleEvents(t *testing.T) {
	r := newRig(t, "tcp", &Options{}, &Listener{})
	c := r.dial()
	until(t, "parked", func() bool { return r.srv.Stats().Parked == 1 })
	pc := r.log.all()[0].c.(*pollConn)
	e := unix.EpollEvent{Events: unix.EPOLLERR | unix.EPOLLHUP, Fd: int32(pc.fd), Pad: pc.gen - 1}
	pc.p.dispatch([]unix.EpollEvent{e, {Events: unix.EPOLLIN, Fd: 1 << 20}})
	c.say("ECHO alive")
	c.want("alive")
	e.Pad = pc.gen
	pc.p.dispatch([]unix.EpollEvent{e})
	if err := r.cause(); err == nil || err == io.EOF {
		t.Errorf("Close was given %v", err)
	}
}

// TestHangupWithData: the end of input that came together with input is seen,
// though no further event tells of it.
func TestHangupWithData(t *testing.T) {
	each(t, Options{}, &Listener{}, func(t *testing.T, r *rig) {
		for i := range 50 {
			c := r.dial()
			c.say("WAIT")
			s := r.log.all()[i]
			until(t, "parked", func() bool { return r.srv.Stats().Parked == 1 })
			c.say("ECHO last")
			c.Conn.(interface{ CloseWrite() error }).CloseWrite()
			s.wake()
			c.want("woken", "last")
			if err := r.cause(); err != io.EOF {
				t.Fatalf("Close was given %v", err)
			}
			c.Close()
			until(t, "closed", func() bool { return r.srv.Stats().Open == 0 })
		}
	})
}

// shifty waits for a far deadline, then, after input, for a near one, which it
// reports.
type shifty struct{ till time.Time }

func (s *shifty) Step(t *Turn) Wait {
	switch {
	case s.till.IsZero():
		s.till = t.Now.Add(time.Hour)
		t.Out = append(t.Out, "HELLO\n"...)
	case len(t.In) > 0:
		t.Consume(len(t.In))
		s.till = t.Now.Add(2 * time.Millisecond)
	case !t.Now.Before(s.till):
		s.till = t.Now.Add(time.Hour)
		t.Out = append(t.Out, "now\n"...)
	}
	return Wait{Input: true, Until: s.till}
}

func (s *shifty) Close(error) {}

// TestDeadlineMoves: nearer and farther, with other connections' deadlines
// around it.
func TestDeadlineMoves(t *testing.T) {
	on := &Listener{NewSession: func(Conn) Session { return new(shifty) }}
	each(t, Options{}, on, func(t *testing.T, r *rig) {
		var all []*client
		for range 20 {
			all = append(all, r.dial())
		}
		for range 5 {
			for _, c := range all {
				c.say("nearer")
			}
			for _, c := range all {
				c.want("now")
			}
		}
	})
}
