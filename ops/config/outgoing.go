package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Submission says where and how mail is taken in from its users.
type Submission struct {
	Listen         []string  `toml:"listen" help:"Addresses for plain connections that become TLS by STARTTLS."`
	ListenTLS      []string  `toml:"listen_tls" help:"Addresses for implicit TLS (RFC 8314), mostly :465."`
	PlaintextLogin bool      `toml:"plaintext_login" help:"Accept AUTH without TLS from this machine (never from elsewhere)."`
	ProxyFrom      []string  `toml:"proxy_from" help:"Networks whose connections begin with a PROXY protocol v2 header."`
	ShowClient     bool      `toml:"show_client" help:"Put the client's name and address into the Received field, for all who get the message to see (RFC 5321 §4.4)."`
	Timeout        Duration  `toml:"timeout" help:"Silence after which a session ends; at least 5m (RFC 5321 §4.5.3.2.7)."`
	MaxMessage     int64     `toml:"max_message" help:"Largest message accepted, in bytes, with all that BURL brings (RFC 1870, RFC 5550 §4.4)."`
	MaxRecipients  int       `toml:"max_recipients" help:"Recipients of one message; at least 100 (RFC 5321 §4.5.3.1.8)."`
	MaxBadCommands int       `toml:"max_bad_commands" help:"Commands in error, in a row, after which the server says 421."`
	FetchTimeout   Duration  `toml:"fetch_timeout" help:"How long the fetch of one URL may take (BURL); clients wait for the reply (RFC 6409 §5.3)."`
	MaxFetches     int       `toml:"max_fetches" help:"URLs fetched at a time, for all sessions."`
	HourlyMessages int       `toml:"hourly_messages" help:"Messages that one account may send in an hour; a stolen password gets no further. 0: no limit."`
	DailyMessages  int       `toml:"daily_messages" help:"The same for 24 hours. 0: no limit."`
	HourlyRcpts    int       `toml:"hourly_recipients" help:"Recipients that one account may write to in an hour. 0: no limit."`
	DailyRcpts     int       `toml:"daily_recipients" help:"The same for 24 hours. 0: no limit."`
	MaxPriority    int8      `toml:"max_priority" help:"Highest priority that users may give a message (MT-PRIORITY, RFC 6710), 0 to 9; lower ones they always may."`
	DeliverByMin   Duration  `toml:"deliver_by_min" help:"Shortest time within which a client may ask for a message to be delivered or returned (DELIVERBY, RFC 2852). 0s: any."`
	HoldMax        Duration  `toml:"hold_max" help:"How long a client may have its message held (FUTURERELEASE, RFC 4865); 0s: not offered."`
	AtomicSend     bool      `toml:"atomic_send" help:"Offer to send a draft, file its copy and set its flags in one step (docs/atomic-send.md)."`
	Hosts          []string  `toml:"hosts" help:"Host names in URLs that mean this server's own mail store, with whatever port. Empty: the host name."`
	Stores         []URLHost `toml:"stores" help:"Other mail stores that BURL (RFC 4468) may fetch from, over IMAP. No host that is named nowhere is ever contacted."`
}

// URLHost is a mail store elsewhere.
type URLHost struct {
	Host         string `toml:"host" help:"Host name in URLs that means this store."`
	Address      string `toml:"address" help:"Where it is, as HOST:PORT; its certificate is that of HOST. Empty: port 143 of the host, or 993 for \"tls\"."`
	TLS          string `toml:"tls" help:"\"starttls\" or \"tls\"; the certificate is verified."`
	CA           string `toml:"ca" help:"PEM file of the authorities that its certificate is verified by. Empty: the system's."`
	Cert         string `toml:"cert" help:"PEM client certificate, by which a Citron store knows submission (SASL EXTERNAL)."`
	Key          string `toml:"key" help:"PEM key of the client certificate."`
	User         string `toml:"user" help:"Name for AUTHENTICATE PLAIN, at stores that know no client certificates."`
	PasswordFile string `toml:"password_file" help:"File that holds the password."`
}

// Queue configures the queue.
type Queue struct {
	Retry       []Duration `toml:"retry" help:"Pauses between tries at a recipient; the last one repeats."`
	GiveUp      Duration   `toml:"give_up" help:"Age at which a message is returned to its sender (RFC 5321 §4.5.4.1)."`
	DelayReport Duration   `toml:"delay_report" help:"Age at which the sender is told that a message is still on its way, unless NOTIFY says no (RFC 3461)."`
	PerDomain   int        `toml:"per_domain" help:"Deliveries to one domain at a time."`
	MaxMessages int        `toml:"max_messages" help:"Messages in the queue beyond which no more are taken. 0: no limit."`
}

// Relay says how mail for other domains leaves.
type Relay struct {
	Hostname     string   `toml:"hostname" help:"Name said in EHLO; the address that the connection comes from should have it in DNS. Empty: the server's host name."`
	Hold         bool     `toml:"hold" help:"Keep mail for other domains in the queue and send none."`
	Smarthost    string   `toml:"smarthost" help:"HOST:PORT that takes all mail for other domains. Empty: each domain's own hosts, by MX (RFC 5321 §5)."`
	SmarthostTLS string   `toml:"smarthost_tls" help:"\"starttls\": required and verified; \"tls\": implicit TLS, verified; \"opportunistic\": whatever there is, unverified; \"none\"."`
	CA           string   `toml:"ca" help:"PEM file of the authorities by which certificates of next hops are verified. Empty: the system's."`
	User         string   `toml:"user" help:"Name for AUTH at the smarthost."`
	PasswordFile string   `toml:"password_file" help:"File that holds the password."`
	Resolvers    []string `toml:"resolvers" help:"DNS servers, as ADDRESS:PORT. Empty: those of /etc/resolv.conf."`
	Private      []string `toml:"private" help:"Networks that are not of the public Internet and to which mail may go by MX all the same, as in 10.0.0.0/8."`
	Addresses    []string `toml:"addresses" help:"Addresses at which mail for this server's domains is taken by SMTP: a domain whose MX leads there loops."`
	MTASTS       bool     `toml:"mta_sts" help:"Follow the policies that domains publish on how they are to be reached (MTA-STS, RFC 8461)."`
	Port         int      `toml:"port" help:"Port of hosts found by MX."`
	Workers      int      `toml:"workers" help:"Connections to other hosts at a time in all, slow ones apart."`
	Slow         int      `toml:"slow" help:"Connections beside those that have been busy for more than a minute. Where there are more, the last are ended as soon as other mail wants their place, and tried again later."`
	PerHost      int      `toml:"per_host" help:"Connections to one host, and to one address, at a time."`
	IPv6         bool     `toml:"ipv6" help:"Try IPv6 addresses of hosts, and first."`
}

// DKIM is a key that mail of one domain is signed with (RFC 6376).
type DKIM struct {
	Domain   string `toml:"domain" help:"Domain of the author's address."`
	Selector string `toml:"selector" help:"Name below _domainkey of the domain where the public key stands."`
	Key      string `toml:"key" help:"PEM private key, RSA or Ed25519 (citron dkim makes one)."`
}

// defaultOutgoing fills in what an empty file has of these sections.
func defaultOutgoing(c *Config) {
	c.Submission = Submission{
		Listen: []string{":587"}, Timeout: Duration(10 * time.Minute),
		MaxMessage: 100 << 20, MaxRecipients: 1000, MaxBadCommands: 20,
		FetchTimeout: Duration(110 * time.Second), MaxFetches: 64,
		HourlyMessages: 500, DailyMessages: 2000, HourlyRcpts: 2000, DailyRcpts: 5000, HoldMax: Duration(30 * 24 * time.Hour), AtomicSend: true,
	}
	c.Queue = Queue{
		Retry:  []Duration{Duration(10 * time.Minute), Duration(30 * time.Minute), Duration(time.Hour), Duration(2 * time.Hour), Duration(4 * time.Hour)},
		GiveUp: Duration(5 * 24 * time.Hour), DelayReport: Duration(4 * time.Hour), PerDomain: 10, MaxMessages: 1_000_000,
	}
	c.Relay = Relay{SmarthostTLS: "starttls", MTASTS: true, Port: 25, Workers: 100, Slow: 200, PerHost: 20, IPv6: true}
}

// validateOutgoing finds what cannot be, each error with its key.
func (c *Config) validateOutgoing() error {
	return errors.Join(c.Submission.validate(), c.Queue.validate(), c.Relay.validate(), validateKeys(c.DKIM))
}

func (s *Submission) validate() error {
	switch {
	case time.Duration(s.Timeout) < 5*time.Minute:
		return errors.New("submission.timeout: at least 5m (RFC 5321 §4.5.3.2.7)")
	case s.MaxRecipients < 100:
		return errors.New("submission.max_recipients: at least 100 (RFC 5321 §4.5.3.1.8)")
	case s.MaxMessage < 64<<10:
		return errors.New("submission.max_message: at least 65536 (RFC 5321 §4.5.3.1.7)")
	case min(s.HourlyMessages, s.DailyMessages, s.HourlyRcpts, s.DailyRcpts) < 0:
		return errors.New("submission: limits of messages and recipients are 0 or more")
	case min(s.HoldMax, s.DeliverByMin) < 0:
		return errors.New("submission: hold_max and deliver_by_min are 0s or more")
	case s.FetchTimeout <= 0 || s.MaxFetches < 1:
		return errors.New("submission: fetch_timeout of more than 0s, max_fetches of 1 or more")
	case s.MaxPriority < 0 || s.MaxPriority > 9:
		return errors.New("submission.max_priority: 0 to 9")
	}
	for i := range s.Stores {
		if err := s.Stores[i].validate(); err != nil {
			return fmt.Errorf("submission.stores: %w", err)
		}
		if slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, s.Stores[i].Host) }) {
			return fmt.Errorf("submission.stores: %s is one of submission.hosts, too", s.Stores[i].Host)
		}
	}
	return nil
}

func (u *URLHost) validate() error {
	switch {
	case u.Host == "":
		return errors.New("host: name one")
	case u.TLS != "" && u.TLS != "starttls" && u.TLS != "tls":
		return fmt.Errorf("%s: tls: \"starttls\" or \"tls\"", u.Host)
	case (u.Cert == "") != (u.Key == ""):
		return fmt.Errorf("%s: give both cert and key, or neither", u.Host)
	case (u.User == "") != (u.PasswordFile == ""):
		return fmt.Errorf("%s: give both user and password_file, or neither", u.Host)
	case (u.Cert == "") == (u.User == ""):
		return fmt.Errorf("%s: say how to log in, by cert and key or by user and password_file", u.Host)
	case u.Address != "" && !isHostPort(u.Address):
		return fmt.Errorf("%s: address: HOST:PORT", u.Host)
	}
	return nil
}

func (q *Queue) validate() error {
	for _, pause := range q.Retry {
		if pause <= 0 {
			return errors.New("queue.retry: pauses of more than 0s")
		}
	}
	switch {
	case len(q.Retry) == 0:
		return errors.New("queue.retry: one pause at least")
	case q.GiveUp <= 0 || q.DelayReport < 0:
		return errors.New("queue: give_up of more than 0s, delay_report of 0s or more")
	case q.PerDomain < 1:
		return errors.New("queue.per_domain: 1 or more")
	case q.MaxMessages < 0:
		return errors.New("queue.max_messages: 0 or more")
	}
	return nil
}

func (r *Relay) validate() error {
	for _, network := range r.Private {
		if _, err := netip.ParsePrefix(network); err != nil {
			return fmt.Errorf("relay.private: %q is not a network, as in 10.0.0.0/8", network)
		}
	}
	for _, address := range r.Addresses {
		if _, err := netip.ParseAddr(address); err != nil {
			return fmt.Errorf("relay.addresses: %q is not an address", address)
		}
	}
	for _, server := range r.Resolvers {
		if _, err := netip.ParseAddrPort(server); err != nil {
			return fmt.Errorf("relay.resolvers: %q is not ADDRESS:PORT", server)
		}
	}
	switch {
	case r.Smarthost != "" && !isHostPort(r.Smarthost):
		return errors.New("relay.smarthost: HOST:PORT")
	case !slices.Contains([]string{"starttls", "tls", "opportunistic", "none"}, r.SmarthostTLS):
		return errors.New("relay.smarthost_tls: \"starttls\", \"tls\", \"opportunistic\" or \"none\"")
	case (r.User == "") != (r.PasswordFile == ""):
		return errors.New("relay: give both user and password_file, or neither")
	case r.User != "" && r.Smarthost == "":
		return errors.New("relay.user: only a smarthost is logged in to")
	case r.User != "" && r.SmarthostTLS == "none":
		return errors.New("relay.user: a password is not sent without TLS; set smarthost_tls")
	case min(r.Workers, r.Slow, r.PerHost) < 1:
		return errors.New("relay: workers, slow and per_host are 1 or more")
	case r.Port < 1 || r.Port > 65535:
		return errors.New("relay.port: 1 to 65535")
	}
	return nil
}

func validateKeys(keys []DKIM) error {
	for _, k := range keys {
		if k.Domain == "" || k.Selector == "" || k.Key == "" {
			return errors.New("dkim: each needs domain, selector and key")
		}
	}
	return nil
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
