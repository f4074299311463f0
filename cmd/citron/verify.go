package main

import (
	"context"
	"errors"
	"fmt"

	"citron/store/account"
	"citron/submission/queue"
	"citron/submission/relay/policies"
)

// verifyCmd is `citron verify`.
type verifyCmd struct {
	dataFlags
	Repair bool `help:"Rebuild what can be derived from the rest; messages that nothing refers to come into the mailbox lost+found. Nothing that can be read is deleted."`
}

// Run prints what is wrong, a line each; anything that is still wrong at the
// end is an error.
func (c *verifyCmd) Run(ctx context.Context) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	n, err := openUnqueued(ctx, cfg, quietLog())
	if errors.Is(err, errInUse) {
		return fmt.Errorf("%w; stop the server first", err)
	}
	if err != nil {
		return err
	}
	found, err := c.check(ctx, n)
	switch err = errors.Join(err, n.Close()); {
	case err != nil:
		return err
	case found > 0 && c.Repair:
		return fmt.Errorf("%d findings are left that cannot be mended", found)
	case found > 0:
		return fmt.Errorf("%d findings; copy the data directory, then run citron verify --repair", found)
	}
	fmt.Println("all is as it should be")
	return nil
}

// check counts what is wrong, after the repair if one is asked for.
func (c *verifyCmd) check(ctx context.Context, n *node) (found int, err error) {
	mail := func(f account.Finding) {
		found++
		fmt.Printf("account %d: %s\n", f.Account, f.Text)
	}
	queued := func(f queue.Finding) {
		found++
		fmt.Printf("queue: %s\n", f.Text)
	}
	policy := func(f policies.Finding) {
		found++
		fmt.Printf("policies: %s\n", f.Text)
	}
	if c.Repair {
		err := errors.Join(account.Repair(ctx, n.engine, n.bodies, mail), queue.Repair(ctx, n.engine, n.queueBodies, queued),
			policies.Repair(ctx, n.engine, policy))
		if err != nil {
			return found, err
		}
		if found > 0 {
			fmt.Println("after the repair:")
		}
		found = 0 // a repair does not read the bodies of the queue
	}
	err = errors.Join(account.Verify(ctx, n.engine, n.bodies, mail), queue.Verify(ctx, n.engine, n.queueBodies, queued),
		policies.Verify(ctx, n.engine, policy))
	return found, err
}
