// Package admin is the commands' way to the data: the operations behind
// `citron account`, `citron import` and the like, run in this process or asked
// of the running server over its Unix socket (architecture decision 18). Both
// ways run the same operations through the same encoding, so that a command
// cannot tell them apart.
//
// # On the socket
//
// One operation is one HTTP request: POST /NAME with a JSON object, a line
// feed and, for operations that take a message, its octets. The answer is a
// JSON object, or octets, or for status 4xx and 5xx {"error": text}. The
// socket belongs to the server's user and nobody else may open it: who can
// open it may do everything.
package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// Caller runs operations.
type Caller interface {
	// Call runs the operation with the arguments in, a message's octets
	// (nil: none), and decodes what it gives into out (nil: nothing).
	Call(ctx context.Context, op string, in any, message io.Reader, out any) error
	// Read runs an operation that gives octets.
	Read(ctx context.Context, op string, in any) (io.ReadCloser, error)
}

// operation is one line of the table.
type operation struct {
	name string
	run  func(ctx context.Context, s *Service, in []byte, message io.Reader) (any, error)
}

// on makes an operation of a method with its own argument and result.
func on[In, Out any](name string, run func(*Service, context.Context, In) (Out, error)) operation {
	return operation{name, func(ctx context.Context, s *Service, raw []byte, _ io.Reader) (any, error) {
		in, err := arguments[In](name, raw)
		if err != nil {
			return nil, err
		}
		return run(s, ctx, in)
	}}
}

// taking is on for operations that take a message.
func taking[In, Out any](name string, run func(*Service, context.Context, In, io.Reader) (Out, error)) operation {
	return operation{name, func(ctx context.Context, s *Service, raw []byte, message io.Reader) (any, error) {
		in, err := arguments[In](name, raw)
		if err != nil {
			return nil, err
		}
		return run(s, ctx, in, message)
	}}
}

func arguments[In any](name string, raw []byte) (in In, err error) {
	if err := json.Unmarshal(raw, &in); err != nil {
		return in, fmt.Errorf("%s: arguments not understood: %w", name, err)
	}
	return in, nil
}

// nothing is the result of operations that give none.
type nothing struct{}
