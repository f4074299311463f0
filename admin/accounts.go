package admin

import (
	"context"
	"errors"

	"citron/auth/directory"
	"citron/engine/kv"
	"citron/mail/acl"
	"citron/store/account"
)

// AccountRequest names an account and what is to become of it.
type AccountRequest struct {
	Name string
	// Password, or Hash: an argon2id PHC string brought from elsewhere.
	Password, Hash string
	Quota          uint64 // bytes; 0: none
	// Shared marks a new account as nobody's own. Admin is who gets every right
	// on its mailboxes; on those of any account with account.admin.
	Shared bool
	Admin  string
}

// AccountInfo is a line of `citron account list`.
type AccountInfo struct {
	directory.Account
	Used uint64 // bytes, sum of RFC822.SIZE
}

var accountOperations = []operation{
	on("account.add", (*Service).addAccount),
	on("account.list", (*Service).listAccounts),
	on("account.passwd", (*Service).setPassword),
	on("account.disable", (*Service).disableAccount),
	on("account.enable", (*Service).enableAccount),
	on("account.delete", (*Service).deleteAccount),
	on("account.quota", (*Service).setQuota),
	on("account.admin", (*Service).setAdmin),
}

// secret is the password or hash of a request; nil when it has neither.
func (s *Service) secret(ctx context.Context, r AccountRequest) (*directory.Secret, error) {
	switch {
	case r.Password != "" && r.Hash != "":
		return nil, errors.New("give a password or a hash, not both")
	case r.Hash != "":
		return s.Directory.ImportedHash(r.Hash)
	case r.Password != "":
		return s.Directory.Password(ctx, r.Password)
	}
	return nil, nil
}

func (s *Service) addAccount(ctx context.Context, r AccountRequest) (directory.Account, error) {
	secret, err := s.secret(ctx, r)
	if err != nil {
		return directory.Account{}, err
	}
	if r.Admin != "" { // before anything is made
		if _, err := s.Directory.ByName(ctx, r.Admin); err != nil {
			return directory.Account{}, err
		}
	}
	made, err := s.Directory.AddAccounts(ctx, directory.NewAccount{Name: r.Name, Secret: secret, Quota: r.Quota, Shared: r.Shared})
	if err != nil {
		return directory.Account{}, err
	}
	if r.Admin != "" {
		_, err = s.setAdmin(ctx, r)
	}
	return made[0], err
}

func (s *Service) listAccounts(ctx context.Context, r DomainRequest) ([]AccountInfo, error) {
	list := []AccountInfo{}
	err := s.Directory.Accounts(ctx, r.Name, func(a directory.Account) error {
		used, err := s.used(ctx, a.Number)
		list = append(list, AccountInfo{a, used})
		return err
	})
	return list, err
}

// used is 0 for an account whose mail is still to be made.
func (s *Service) used(ctx context.Context, number uint64) (uint64, error) {
	a, err := s.Store.Account(ctx, kv.Account(number))
	if errors.Is(err, account.ErrNoAccount) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer a.Close()
	return a.Quota().Used, nil
}

func (s *Service) setPassword(ctx context.Context, r AccountRequest) (directory.Account, error) {
	secret, err := s.secret(ctx, r)
	if err != nil {
		return directory.Account{}, err
	}
	if secret == nil {
		return directory.Account{}, errors.New("no password given")
	}
	return s.Directory.SetPassword(ctx, r.Name, secret)
}

func (s *Service) disableAccount(ctx context.Context, r AccountRequest) (directory.Account, error) {
	return s.Directory.Disable(ctx, r.Name)
}

func (s *Service) enableAccount(ctx context.Context, r AccountRequest) (directory.Account, error) {
	return s.Directory.Enable(ctx, r.Name)
}

func (s *Service) deleteAccount(ctx context.Context, r AccountRequest) (directory.Account, error) {
	return s.Directory.Delete(ctx, r.Name)
}

func (s *Service) setQuota(ctx context.Context, r AccountRequest) (directory.Account, error) {
	return s.Directory.SetQuota(ctx, r.Name, r.Quota)
}

// setAdmin gives somebody every right on the mailboxes that an account has;
// what is made below them has the same lists. It is how the first user gets into
// an account that is nobody's own.
func (s *Service) setAdmin(ctx context.Context, r AccountRequest) (directory.Account, error) {
	found, err := s.Directory.Lookup(ctx, r.Name)
	if err != nil {
		return found, err
	}
	admin, err := s.Directory.ByName(ctx, r.Admin)
	if err != nil {
		return found, err
	}
	a, err := s.Store.Account(ctx, kv.Account(found.Number))
	if err != nil {
		return found, err
	}
	defer a.Close()
	by := account.Actor{Account: found.Number, Name: found.Name}
	for _, info := range a.Mailboxes() {
		all := acl.Change{Op: acl.Replace, Rights: acl.All}
		if err := a.SetACL(ctx, by, info.ID, acl.Who{Account: admin.Number}, all, nil); err != nil {
			return found, err
		}
	}
	return found, nil
}
