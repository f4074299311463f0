package pebblekv

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"citron/engine/kv"
)

// stopper stops the engine at the first failure that it must not survive.
type stopper struct {
	fatal   func(error)
	opened  atomic.Bool
	failure atomic.Pointer[error]
	halted  chan struct{} // closed when stopped
	reads   atomic.Int64  // that failed since
}

func newStopper(fatal func(error)) *stopper {
	return &stopper{fatal: fatal, halted: make(chan struct{})}
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
// the database is being opened, it is Open's error instead of fatal.
func (s *stopper) stop(err error) {
	if !s.failure.CompareAndSwap(nil, &err) {
		return
	}
	close(s.halted)
	if s.opened.Load() {
		s.fatal(fmt.Errorf("storage failed: %w", err))
	}
}

// freeze keeps the caller for ever if the engine has stopped. It stands before
// and after every change of a file: a stopped engine writes nothing more, and
// Pebble is never left to react to a failure in its own way.
func (s *stopper) freeze() {
	if s.failure.Load() != nil {
		select {}
	}
}

// stoppedReads is how many reads may fail after the engine stopped: more than
// there can be Views under way.
const stoppedReads = 1000

// readFailed gives a read's error back. Once the engine has stopped that ends:
// Pebble tries a compaction that cannot read again at once, and for ever.
func (s *stopper) readFailed(err error) error {
	if err != nil && s.failure.Load() != nil && s.reads.Add(1) > stoppedReads {
		s.freeze()
	}
	return err
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

// Fatalf stops the engine. If Options.Fatal returns, so does Fatalf, and then
// Pebble's commit says that all went well: see Engine.commit.
func (l *pebbleLogger) Fatalf(format string, args ...any) {
	failure := &pebbleError{text: fmt.Sprintf(format, args...)}
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			failure.cause = err
		}
	}
	l.stopper.stop(failure)
}

// pebbleError is what Pebble said at the end, and why, if it said so.
type pebbleError struct {
	text  string
	cause error
}

func (e *pebbleError) Error() string { return e.text }
func (e *pebbleError) Unwrap() error { return e.cause }
