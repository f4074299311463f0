package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"citron/admin"
	"citron/auth/directory"
	"citron/ops/config"
)

// accountCmd is `citron account …`.
type accountCmd struct {
	Add     accountAddCmd     `cmd:"" help:"Add an account; the domain is added with it."`
	List    accountListCmd    `cmd:"" help:"List accounts, their quota and use."`
	Passwd  accountPasswdCmd  `cmd:"" help:"Set the password."`
	Disable accountDisableCmd `cmd:"" help:"Refuse logins and mail for the time being."`
	Enable  accountEnableCmd  `cmd:"" help:"Take back disable."`
	Delete  accountDeleteCmd  `cmd:"" help:"Delete an account and all its mail."`
	Quota   accountQuotaCmd   `cmd:"" help:"Set the quota."`
	Admin   accountAdminCmd   `cmd:"" help:"Give somebody every right on an account's mailboxes."`
	Alias   aliasCmd          `cmd:"" help:"Other addresses of an account."`
}

// passwordFlags are ways to give a password.
type passwordFlags struct {
	Password string `help:"The password; seen by other users of this machine while the command runs. Without it the command asks." env:"CITRON_PASSWORD"`
	Hash     string `help:"An argon2id hash ($argon2id$…) instead of a password; such an account has no SCRAM."`
}

// ask asks for the password if none was given and there is a use for it.
func (p *passwordFlags) ask(data dataFlags) error {
	if p.Password != "" || p.Hash != "" {
		return nil
	}
	if err := data.exists(); err != nil {
		return err
	}
	password, err := newPassword()
	p.Password = password
	return err
}

type accountAddCmd struct {
	dataFlags
	passwordFlags
	Name  string      `arg:"" help:"Address, for example alice@example.org."`
	Quota config.Size `help:"Limit, for example 5GiB; 0 for none." default:"0"`

	Shared bool   `help:"Nobody's own: its mailboxes are shared ones, nobody needs to log in, and no password is asked for."`
	Admin  string `help:"Who gets every right on its mailboxes, for example alice@example.org."`
}

// Run adds the account.
func (c *accountAddCmd) Run(ctx context.Context) error {
	if !c.Shared {
		if err := c.ask(c.dataFlags); err != nil {
			return err
		}
	}
	return c.withCaller(ctx, func(call admin.Caller) error {
		request := admin.AccountRequest{Name: c.Name, Password: c.Password, Hash: c.Hash, Quota: uint64(c.Quota), Shared: c.Shared, Admin: c.Admin}
		var made directory.Account
		if err := call.Call(ctx, "account.add", request, nil, &made); err != nil {
			return err
		}
		fmt.Println(made.Name)
		return nil
	})
}

type accountListCmd struct {
	dataFlags
	Domain string `arg:"" optional:"" help:"Only this domain."`
}

// Run prints a table.
func (c *accountListCmd) Run(ctx context.Context) error {
	return c.withCaller(ctx, func(call admin.Caller) error {
		var list []admin.AccountInfo
		if err := call.Call(ctx, "account.list", admin.DomainRequest{Name: c.Domain}, nil, &list); err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "ACCOUNT\tUSED\tQUOTA\tCREATED\tSTATE")
		for _, a := range list {
			state, quota := "", "-"
			switch {
			case a.Disabled:
				state = "disabled"
			case a.Shared:
				state = "shared"
			}
			if a.Quota > 0 {
				quota = config.Size(a.Quota).String()
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", a.Name, a.Used, quota, a.Created.Format("2006-01-02"), state)
		}
		return w.Flush()
	})
}

// accountName is the flags of a command on one account.
type accountName struct {
	dataFlags
	Name string `arg:"" help:"Address of the account."`
}

func (c *accountName) call(ctx context.Context, op string, r admin.AccountRequest) error {
	r.Name = c.Name
	return c.withCaller(ctx, func(call admin.Caller) error { return call.Call(ctx, op, r, nil, nil) })
}

type accountPasswdCmd struct {
	accountName
	passwordFlags
}

// Run sets the password.
func (c *accountPasswdCmd) Run(ctx context.Context) error {
	if err := c.ask(c.dataFlags); err != nil {
		return err
	}
	return c.call(ctx, "account.passwd", admin.AccountRequest{Password: c.Password, Hash: c.Hash})
}

type accountDisableCmd struct{ accountName }

// Run disables the account.
func (c *accountDisableCmd) Run(ctx context.Context) error {
	return c.call(ctx, "account.disable", admin.AccountRequest{})
}

type accountEnableCmd struct{ accountName }

// Run enables the account.
func (c *accountEnableCmd) Run(ctx context.Context) error {
	return c.call(ctx, "account.enable", admin.AccountRequest{})
}

type accountDeleteCmd struct {
	accountName
	Yes bool `help:"Needed, because the mail is gone for good."`
}

// Run deletes the account.
func (c *accountDeleteCmd) Run(ctx context.Context) error {
	if !c.Yes {
		return errors.New("this deletes all mail of " + c.Name + " for good; say --yes if that is meant")
	}
	return c.call(ctx, "account.delete", admin.AccountRequest{})
}

type accountQuotaCmd struct {
	accountName
	Quota config.Size `arg:"" help:"Limit, for example 5GiB; 0 for none."`
}

// Run sets the quota.
func (c *accountQuotaCmd) Run(ctx context.Context) error {
	return c.call(ctx, "account.quota", admin.AccountRequest{Quota: uint64(c.Quota)})
}

type accountAdminCmd struct {
	accountName
	Admin string `arg:"" help:"Who gets the rights."`
}

// Run grants the rights.
func (c *accountAdminCmd) Run(ctx context.Context) error {
	return c.call(ctx, "account.admin", admin.AccountRequest{Admin: c.Admin})
}
