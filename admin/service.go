package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"citron/auth/directory"
	"citron/store/account"
	"citron/submission/queue"
)

// Service runs operations on the data of this process.
type Service struct {
	Directory *directory.Directory
	Store     *account.Store
	Queue     *queue.Queue
	table     map[string]operation
}

// NewService makes a Service.
func NewService(d *directory.Directory, s *account.Store, q *queue.Queue) *Service {
	svc := &Service{Directory: d, Store: s, Queue: q, table: map[string]operation{}}
	for _, family := range [][]operation{accountOperations, domainOperations, mailOperations, queueOperations} {
		for _, op := range family {
			svc.table[op.name] = op
		}
	}
	return svc
}

func (s *Service) run(ctx context.Context, name string, in []byte, message io.Reader) (any, error) {
	op, ok := s.table[name]
	if !ok {
		return nil, fmt.Errorf("this server knows no operation %q: client and server are of different versions", name)
	}
	return op.run(ctx, s, in, message)
}

// Call implements Caller.
func (s *Service) Call(ctx context.Context, op string, in any, message io.Reader, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if message == nil {
		message = bytes.NewReader(nil)
	}
	result, err := s.run(ctx, op, raw, message)
	if err != nil || out == nil {
		return err
	}
	if raw, err = json.Marshal(result); err != nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

// Read implements Caller.
func (s *Service) Read(ctx context.Context, op string, in any) (io.ReadCloser, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	result, err := s.run(ctx, op, raw, bytes.NewReader(nil))
	if err != nil {
		return nil, err
	}
	octets, ok := result.(io.ReadCloser)
	if !ok {
		return nil, errors.New(op + " gives no octets")
	}
	return octets, nil
}
