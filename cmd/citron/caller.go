package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"citron/admin"
	"citron/ops/config"
)

// dataFlags say which data a command works on.
type dataFlags struct {
	Config string `help:"Configuration file." type:"existingfile"`
	Data   string `help:"Data directory, instead of the configuration's." type:"path"`
}

// load reads the configuration.
func (f dataFlags) load() (*config.Config, error) {
	c, err := config.Load(f.Config)
	if err == nil && f.Data != "" {
		c.Data = f.Data
	}
	return c, err
}

// exists says what to do if there is no data yet.
func (f dataFlags) exists() error {
	c, err := f.load()
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.Data); err != nil {
		return fmt.Errorf("data directory: %w; give --data or --config, or start the server once", err)
	}
	return nil
}

// withCaller runs fn with the running server or, where none runs, with the
// data opened by this process (architecture decision 18).
func (f dataFlags) withCaller(ctx context.Context, fn func(admin.Caller) error) error {
	if err := f.exists(); err != nil {
		return err
	}
	c, err := f.load()
	if err != nil {
		return err
	}
	socket := (&dataDir{path: c.Data}).file(admin.SocketName)
	if client, err := admin.Dial(socket); err == nil {
		return fn(client)
	}
	n, err := openNode(ctx, c, nil, quietLog())
	if errors.Is(err, errInUse) {
		return fmt.Errorf("%w, and does not answer on %s", err, socket)
	}
	if err != nil {
		return err
	}
	err = fn(admin.NewService(n.directory, n.accounts, n.queue))
	return errors.Join(err, n.Close())
}

// quietLog is for commands: what goes wrong comes back as an error.
func quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}
