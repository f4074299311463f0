package admin

import (
	"context"

	"citron/auth/directory"
)

// DomainRequest names a domain, and an account where one is concerned.
type DomainRequest struct{ Name, Account string }

// AliasRequest names an alias and an account it leads to.
type AliasRequest struct{ Alias, Account string }

var domainOperations = []operation{
	on("domain.add", (*Service).addDomain),
	on("domain.remove", (*Service).removeDomain),
	on("domain.list", (*Service).listDomains),
	on("domain.catchall", (*Service).setCatchAll),
	on("alias.add", (*Service).addAlias),
	on("alias.remove", (*Service).removeAlias),
	on("alias.list", (*Service).listAliases),
}

func (s *Service) addDomain(ctx context.Context, r DomainRequest) (nothing, error) {
	return nothing{}, s.Directory.AddDomain(ctx, r.Name)
}

func (s *Service) removeDomain(ctx context.Context, r DomainRequest) (nothing, error) {
	return nothing{}, s.Directory.RemoveDomain(ctx, r.Name)
}

func (s *Service) listDomains(ctx context.Context, _ nothing) ([]directory.Domain, error) {
	return s.Directory.Domains(ctx)
}

func (s *Service) setCatchAll(ctx context.Context, r DomainRequest) (nothing, error) {
	return nothing{}, s.Directory.SetCatchAll(ctx, r.Name, r.Account)
}

func (s *Service) addAlias(ctx context.Context, r AliasRequest) (nothing, error) {
	return nothing{}, s.Directory.AddAlias(ctx, r.Alias, r.Account)
}

func (s *Service) removeAlias(ctx context.Context, r AliasRequest) (nothing, error) {
	return nothing{}, s.Directory.RemoveAlias(ctx, r.Alias, r.Account)
}

func (s *Service) listAliases(ctx context.Context, r DomainRequest) ([]directory.Alias, error) {
	list := []directory.Alias{}
	err := s.Directory.Aliases(ctx, r.Name, func(a directory.Alias) error {
		list = append(list, a)
		return nil
	})
	return list, err
}
