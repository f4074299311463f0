package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"citron/ops/config"
	"citron/store/account"
	"citron/submission/relay"
	smtpclient "citron/submission/relay/client"
	"citron/submission/relay/policies"
	"citron/submission/relay/route"
	"citron/submission/sign"
)

// newRelay makes the relay. With relay.hold it is given nothing for other
// domains, and has no way to them.
func (s *server) newRelay(ctx context.Context) (err error) {
	c := &s.cfg.Relay
	o := relay.Options{
		Hostname: cmp.Or(c.Hostname, s.cfg.Hostname), Work: s.node.queue, Resolver: s.node.directory,
		Filing: account.Filing{Store: s.node.accounts}, Workers: c.Workers, Slow: c.Slow, PerHost: c.PerHost,
		Grace: shutdownTime, Log: s.log,
	}
	if c.CA != "" {
		if o.Roots, err = authorities(c.CA); err != nil {
			return fmt.Errorf("relay.ca: %w", err)
		}
	}
	if !c.Hold {
		if o.Router, err = s.router(ctx, o.Hostname); err != nil {
			return err
		}
	}
	if c.User != "" {
		password, err := readSecret(c.PasswordFile)
		if err != nil {
			return fmt.Errorf("relay.password_file: %w", err)
		}
		warnOfOpenFile(s.log, c.PasswordFile)
		o.Login = &smtpclient.Login{Username: c.User, Password: password}
	}
	if o.Signer, err = s.signer(); err != nil {
		return err
	}
	s.relay = relay.New(o)
	return nil
}

// router says where mail for other domains goes: to a smarthost, or to their own
// hosts.
func (s *server) router(ctx context.Context, hostname string) (relay.Router, error) {
	c := &s.cfg.Relay
	o := route.Options{
		Own: []string{hostname, s.cfg.Hostname}, Port: uint16(c.Port), NoIPv6: !c.IPv6, NoPolicies: !c.MTASTS,
		Policies: policies.New(s.node.engine, s.log), Log: s.log,
	}
	var err error
	if o.Servers, err = parseAll(c.Resolvers, netip.ParseAddrPort); err != nil {
		return nil, fmt.Errorf("relay.resolvers: %w", err)
	}
	if o.Private, err = parseAll(c.Private, netip.ParsePrefix); err != nil {
		return nil, fmt.Errorf("relay.private: %w", err)
	}
	if o.OwnAddresses, err = parseAll(c.Addresses, netip.ParseAddr); err != nil {
		return nil, fmt.Errorf("relay.addresses: %w", err)
	}
	if c.Smarthost != "" && (smarthostTLS[c.SmarthostTLS].Verified || !c.MTASTS) {
		return smarthost(c, o.Servers, nil)
	}
	r, err := route.New(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("relay.resolvers, relay.mta_sts: %w", err)
	}
	if c.Smarthost != "" {
		return smarthost(c, o.Servers, r)
	}
	return r, nil
}

// smarthost is the way through one host. resolver, if not nil, finds the policy
// of its name, which counts where its certificate is not verified anyway (RFC
// 8461 §3.4).
func smarthost(c *config.Relay, servers []netip.AddrPort, resolver *route.Resolver) (relay.Router, error) {
	host, port, err := net.SplitHostPort(c.Smarthost)
	if err != nil {
		return nil, fmt.Errorf("relay.smarthost: %w", err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("relay.smarthost: %w", err)
	}
	return route.NewSmarthost(route.SmarthostOptions{
		Host: host, Port: uint16(number), Login: c.User != "", Servers: servers, TLS: smarthostTLS[c.SmarthostTLS], Resolver: resolver,
	}), nil
}

// smarthostTLS are the words of relay.smarthost_tls.
var smarthostTLS = map[string]route.TLS{
	"starttls":      {Required: true, Verified: true},
	"tls":           {Implicit: true, Required: true, Verified: true},
	"opportunistic": {},
	"none":          {Never: true},
}

// signer is nil where there are no keys.
func (s *server) signer() (relay.Signer, error) {
	if len(s.cfg.DKIM) == 0 {
		return nil, nil
	}
	o := sign.Options{Log: s.log}
	for _, k := range s.cfg.DKIM {
		o.Keys = append(o.Keys, sign.Key{Domain: k.Domain, Selector: k.Selector, File: k.Key})
	}
	signer, err := sign.New(o)
	if err != nil {
		return nil, fmt.Errorf("dkim: %w", err)
	}
	return signer, nil
}

// parseAll parses each text of a list.
func parseAll[T any](list []string, parse func(string) (T, error)) (out []T, err error) {
	for _, text := range list {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
