package pebblekv

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"citron/engine/kv"
)

// stopper remembers the failure that stopped the engine.
type stopper struct {
	fatal   func(error)
	opened  atomic.Bool
	wedged  atomic.Bool // a panic left Pebble's locks held
	failure atomic.Pointer[error]
}

// Stopped gives kv.ErrStopped once the engine has seen a failure after which
// it must not go on.
func (s *stopper) Stopped() error {
	if s.failure.Load() != nil {
		return kv.ErrStopped
	}
	return nil
}

// cause is the failure that stopped the engine, or nil.
func (s *stopper) cause() error {
	if err := s.failure.Load(); err != nil {
		return fmt.Errorf("%w: %w", kv.ErrStopped, *err)
	}
	return nil
}

// stop stops the engine for good; the first failure is the one kept. While
// the database is being opened, the error goes to the caller of Open instead.
func (s *stopper) stop(err error) {
	if s.failure.CompareAndSwap(nil, &err) && s.opened.Load() {
		s.fatal(fmt.Errorf("storage failed: %w", err))
	}
}

// pebbleLogger is where Pebble's own words go.
type pebbleLogger struct {
	log     *slog.Logger
	stopper *stopper
}

func (l *pebbleLogger) Infof(format string, args ...any) {
	l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
}

func (l *pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf stops the engine. It may return, and Pebble's commit then says that
// all went well: see Engine.commit.
func (l *pebbleLogger) Fatalf(format string, args ...any) {
	l.stopper.stop(fmt.Errorf(format, args...))
}
