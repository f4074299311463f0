package main

import (
	"context"
	"fmt"
	"strings"

	"citron/admin"
	"citron/auth/directory"
)

// aliasCmd is `citron account alias …`.
type aliasCmd struct {
	Add    aliasAddCmd    `cmd:"" help:"Deliver mail for an address to an account."`
	Remove aliasRemoveCmd `cmd:"" help:"Take an alias away."`
	List   aliasListCmd   `cmd:"" help:"List aliases."`
}

// aliasFlags name an alias and where it leads.
type aliasFlags struct {
	dataFlags
	Alias   string `arg:"" help:"The other address."`
	Account string `arg:"" help:"Address of the account."`
}

func (c *aliasFlags) call(ctx context.Context, op string) error {
	return c.withCaller(ctx, func(call admin.Caller) error {
		return call.Call(ctx, op, admin.AliasRequest{Alias: c.Alias, Account: c.Account}, nil, nil)
	})
}

type aliasAddCmd struct{ aliasFlags }

// Run adds the alias.
func (c *aliasAddCmd) Run(ctx context.Context) error { return c.call(ctx, "alias.add") }

type aliasRemoveCmd struct{ aliasFlags }

// Run removes the alias.
func (c *aliasRemoveCmd) Run(ctx context.Context) error { return c.call(ctx, "alias.remove") }

type aliasListCmd struct {
	dataFlags
	Domain string `arg:"" optional:"" help:"Only this domain."`
}

// Run prints one alias a line.
func (c *aliasListCmd) Run(ctx context.Context) error {
	return c.withCaller(ctx, func(call admin.Caller) error {
		var list []directory.Alias
		if err := call.Call(ctx, "alias.list", admin.DomainRequest{Name: c.Domain}, nil, &list); err != nil {
			return err
		}
		for _, a := range list {
			fmt.Println(a.Name, "→", strings.Join(a.Targets, " "))
		}
		return nil
	})
}

// domainCmd is `citron domain …`.
type domainCmd struct {
	Add      domainAddCmd      `cmd:"" help:"Add a domain."`
	Remove   domainRemoveCmd   `cmd:"" help:"Remove a domain that has no account."`
	List     domainListCmd     `cmd:"" help:"List domains."`
	Catchall domainCatchAllCmd `cmd:"" name:"catch-all" help:"Deliver mail for unknown addresses of a domain to an account."`
}

// domainFlags name a domain.
type domainFlags struct {
	dataFlags
	Name string `arg:"" help:"Domain, for example example.org."`
}

func (c *domainFlags) call(ctx context.Context, op, account string) error {
	return c.withCaller(ctx, func(call admin.Caller) error {
		return call.Call(ctx, op, admin.DomainRequest{Name: c.Name, Account: account}, nil, nil)
	})
}

type domainAddCmd struct{ domainFlags }

// Run adds the domain.
func (c *domainAddCmd) Run(ctx context.Context) error { return c.call(ctx, "domain.add", "") }

type domainRemoveCmd struct{ domainFlags }

// Run removes the domain.
func (c *domainRemoveCmd) Run(ctx context.Context) error { return c.call(ctx, "domain.remove", "") }

type domainCatchAllCmd struct {
	domainFlags
	Account string `arg:"" optional:"" help:"Address of the account; without it there is no catch-all."`
}

// Run sets the catch-all.
func (c *domainCatchAllCmd) Run(ctx context.Context) error {
	return c.call(ctx, "domain.catchall", c.Account)
}

type domainListCmd struct{ dataFlags }

// Run prints one domain a line.
func (c *domainListCmd) Run(ctx context.Context) error {
	return c.withCaller(ctx, func(call admin.Caller) error {
		var list []directory.Domain
		if err := call.Call(ctx, "domain.list", struct{}{}, nil, &list); err != nil {
			return err
		}
		for _, d := range list {
			if d.CatchAll != "" {
				fmt.Println(d.Name, "catch-all →", d.CatchAll)
				continue
			}
			fmt.Println(d.Name)
		}
		return nil
	})
}
