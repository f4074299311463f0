package main

import (
	"context"
	"errors"
	"fmt"

	"citron/store/account"
)

// verifyCmd is `citron verify`.
type verifyCmd struct{ dataFlags }

// Run prints what is wrong, a line each; finding anything is an error.
func (c *verifyCmd) Run(ctx context.Context) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	n, err := openNode(ctx, cfg, nil, quietLog())
	if errors.Is(err, errInUse) {
		return fmt.Errorf("%w; stop the server first", err)
	}
	if err != nil {
		return err
	}
	found := 0
	err = account.Verify(ctx, n.engine, n.bodies, func(f account.Finding) {
		found++
		fmt.Printf("account %d: %s\n", f.Account, f.Text)
	})
	switch err = errors.Join(err, n.Close()); {
	case err != nil:
		return err
	case found > 0:
		return fmt.Errorf("%d findings; keep a copy of the data directory before anything else", found)
	}
	fmt.Println("all is as it should be")
	return nil
}
