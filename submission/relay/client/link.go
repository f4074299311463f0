package client

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"citron/wire/smtp"
)

// link reads replies and writes commands, each within its time, and not beyond
// that of the ctx it obeys.
type link struct {
	in []byte // received and not yet taken

	mu      sync.Mutex
	nc      net.Conn
	stopped error     // why ctx is done; nil: it is not
	end     time.Time // of all waits, whatever each may take; zero: none
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// obey ends all waits when ctx is done, until the function it returns is called.
func (l *link) obey(ctx context.Context) (release func()) {
	over := false
	l.mu.Lock()
	l.stopped = nil
	l.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !over {
			l.stopped = context.Cause(ctx)
			l.nc.SetDeadline(longAgo)
		}
	})
	return func() {
		stop()
		l.mu.Lock()
		over = true
		l.mu.Unlock()
	}
}

// readWithin sets until when reading may wait; 0: as long as all waits may.
func (l *link) readWithin(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nc.SetReadDeadline(l.deadline(d))
}

// writeWithin does so for writing.
func (l *link) writeWithin(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nc.SetWriteDeadline(l.deadline(d))
}

func (l *link) deadline(d time.Duration) time.Time {
	if l.stopped != nil {
		return longAgo
	}
	if d == 0 {
		return l.end
	}
	at := time.Now().Add(d)
	if !l.end.IsZero() && l.end.Before(at) {
		return l.end
	}
	return at
}

// endWithin bounds all waits that begin from now on together; 0: no longer.
func (l *link) endWithin(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end = (time.Time{}); d > 0 {
		l.end = time.Now().Add(d)
	}
}

// interrupt ends a write that waits now. Who writes again closes a channel
// first, which write looks at.
func (l *link) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nc.SetWriteDeadline(longAgo)
}

// replace puts another connection, made of the old one, into its place. What
// was received before is forgotten.
func (l *link) replace(nc net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nc, l.in = nc, nil
}

// receive takes the next reply, within the time that was set before.
func (l *link) receive() (smtp.Response, error) {
	var piece [4 << 10]byte
	for {
		r, n, err := smtp.ParseResponse(l.in)
		if err != nil {
			return smtp.Response{}, ErrProtocol
		}
		if n > 0 {
			if l.in = l.in[n:]; len(l.in) == 0 {
				l.in = nil
			}
			return r, nil
		}
		n, err = l.nc.Read(piece[:])
		l.in = append(l.in, piece[:n]...)
		if n == 0 && err != nil {
			return smtp.Response{}, l.why(err)
		}
	}
}

// write writes p, within d for each block of it, unless stop is closed.
func (l *link) write(p []byte, d time.Duration, stop <-chan struct{}) error {
	for len(p) > 0 {
		n := min(len(p), blockSize)
		l.writeWithin(d)
		select {
		case <-stop: // after the deadline: interrupt comes after the closing
			return errStopped
		default:
		}
		if _, err := l.nc.Write(p[:n]); err != nil {
			return l.why(err)
		}
		p = p[n:]
	}
	return nil
}

// errStopped is of a write that nobody wants any more.
var errStopped = errors.New("stopped")

// blockSize is how much of a message is read and written at a time, in octets.
const blockSize = 32 << 10

// errSlow is of a host that kept to the timeout of each wait, but not to that of
// all.
var errSlow = errors.New("the host took too long, all in all")

// why names the end of ctx, or of the time for all waits, where that is behind an
// error.
func (l *link) why(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.stopped != nil:
		return l.stopped
	case errors.Is(err, os.ErrDeadlineExceeded) && !l.end.IsZero() && !time.Now().Before(l.end):
		return errSlow
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}
