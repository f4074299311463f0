// Package config is the configuration file: one struct that says what there
// is, with its defaults, and whose tags the reference in docs/configuration.md
// is generated from. The file is TOML and strict: a key that does not exist is
// an error drawn with its line. An empty file is a working configuration.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Config is the whole of citron.toml.
type Config struct {
	Hostname   string     `toml:"hostname" help:"Name this server goes by in greetings and self-signed certificates. Empty: the machine's host name."`
	Data       string     `toml:"data" help:"Directory of everything durable: mail, accounts, the self-signed certificate, the command socket."`
	IMAP       IMAP       `toml:"imap" help:"IMAP (RFC 3501, RFC 9051)."`
	LMTP       LMTP       `toml:"lmtp" help:"Delivery of mail by LMTP (RFC 2033)."`
	Submission Submission `toml:"submission" help:"Mail from users, on its way out (RFC 6409)."`
	Queue      Queue      `toml:"queue" help:"What waits to be delivered."`
	Relay      Relay      `toml:"relay" help:"How mail for other domains leaves."`
	DKIM       []DKIM     `toml:"dkim" help:"Keys that mail of one's own domains is signed with (RFC 6376); one table for each."`
	TLS        TLS        `toml:"tls" help:"Certificate for STARTTLS and implicit TLS."`
	Auth       Auth       `toml:"auth" help:"Passwords."`
	Store      Store      `toml:"store" help:"The message store."`
	Limits     Limits     `toml:"limits" help:"What one peer or account may use."`
}

// IMAP says where and how IMAP is spoken.
type IMAP struct {
	Listen         []string          `toml:"listen" help:"Addresses for plain connections that become TLS by STARTTLS."`
	ListenTLS      []string          `toml:"listen_tls" help:"Addresses for implicit TLS (RFC 8314)."`
	PlaintextLogin bool              `toml:"plaintext_login" help:"Accept LOGIN and AUTHENTICATE without TLS from this machine (never from elsewhere)."`
	ProxyFrom      []string          `toml:"proxy_from" help:"Networks whose connections begin with a PROXY protocol v2 header."`
	LoginTimeout   Duration          `toml:"login_timeout" help:"How long a connection may stay unauthenticated."`
	Autologout     Duration          `toml:"autologout" help:"Silence after which a session that is neither in IDLE nor has a NOTIFY active ends; at least 30m (RFC 3501 §5.4)."`
	MaxLine        int               `toml:"max_line" help:"Longest command, in bytes, literals that are not messages included."`
	AppendLimit    int64             `toml:"append_limit" help:"Largest message accepted by APPEND and LMTP, in bytes (RFC 7889)."`
	Compress       bool              `toml:"compress" help:"Offer COMPRESS=DEFLATE (RFC 4978). Who can send mail to a user and watch that user's connection may learn a little from the sizes."`
	SortMemory     Size              `toml:"sort_memory" help:"Memory for what SORT and THREAD have read of mailboxes, kept for the next ones; those least recently sorted go first. A message takes about 150 bytes."`
	MaxContexts    int               `toml:"max_contexts" help:"Results of SEARCH and SORT that one session may have kept up to date (RFC 5267). A sorted one takes 100 to 200 bytes a message, shared by the sessions that have the same."`
	AllContexts    int               `toml:"max_account_contexts" help:"The same for all sessions of an account together; the first one of each session does not count against it."`
	MaxBadCommands int               `toml:"max_bad_commands" help:"Commands in error, in a row, after which the server says BYE."`
	Unauthenticate bool              `toml:"unauthenticate" help:"Let a client go on as somebody else on the same connection (RFC 8437). Switch it off behind a proxy that checks nothing once a session is logged in."`
	URLMaxAge      Duration          `toml:"url_max_age" help:"How long URLs authorized by GENURLAUTH (RFC 4467) are valid at most, whatever they say themselves; 0s: until their own EXPIRE, or RESETKEY. Submission fetches what phones forward by them within minutes."`
	ShareWithAll   bool              `toml:"share_with_all" help:"Let users grant rights on mailboxes of their own to \"anyone\" (RFC 4314): all users of this server then list them. Those of shared accounts may in any case."`
	Admin          string            `toml:"admin" help:"URI by which users reach the administrator, as in mailto:postmaster@example.org: /shared/admin of the server (RFC 5464)."`
	Filters        map[string]string `toml:"filters" help:"Searches that all users may name in SEARCH FILTER (RFC 5466), by name, as in unread = \"UNSEEN\"."`
	Applications   []Application     `toml:"applications" help:"Applications that log in by a client certificate (EXTERNAL) and may fetch what URLs name that are meant for them; no mailbox opens to them."`
	Comment        string            `toml:"comment" help:"A note to all users: /shared/comment of the server (RFC 5464)."`
}

// Application is a peer known by its certificate (RFC 5593 §3.3).
type Application struct {
	Name         string   `toml:"name" help:"What it is in URLs: \"submit\" is submission (RFC 4467 §3)."`
	CA           string   `toml:"ca" help:"PEM file of the authorities of its certificate."`
	DNSNames     []string `toml:"dns_names" help:"Names of which a certificate of ca must have one. Empty: every one of ca's will do, which is for an authority of your own."`
	Fingerprints []string `toml:"fingerprints" help:"SHA-256 hashes of certificates that are known themselves, as openssl x509 -fingerprint -sha256 prints them."`
}

// LMTP says where mail is delivered to.
type LMTP struct {
	Listen      []string `toml:"listen" help:"Loopback addresses, or unix:PATH. A public address is refused unless client_ca is set."`
	ClientCA    string   `toml:"client_ca" help:"PEM file: with it LMTP is spoken over TLS, and only with clients that show a certificate of this authority."`
	SocketMode  FileMode `toml:"socket_mode" help:"Permissions of a Unix socket, in octal: who may write to it may deliver."`
	SocketGroup string   `toml:"socket_group" help:"Group of a Unix socket, by name or number. Empty: as the system makes it."`
	Subaddress  bool     `toml:"subaddress" help:"Deliver alice+detail@ to alice@ (RFC 5233)."`
}

// TLS names the certificate.
type TLS struct {
	Cert string `toml:"cert" help:"PEM certificate chain; read again when the file changes. Empty: a self-signed one is made in the data directory."`
	Key  string `toml:"key" help:"PEM private key."`
}

// Auth configures password verifiers.
type Auth struct {
	ChannelBinding  bool `toml:"channel_binding" help:"Offer SCRAM-SHA-256-PLUS, which binds a login to its TLS connection (RFC 9266, RFC 5929), for IMAP and submission. Switch it off for clients that choose it and cannot do it."`
	ScramIterations int  `toml:"scram_iterations" help:"Iteration count of new SCRAM-SHA-256 verifiers, at least 4096 (RFC 7677 §4)."`
}

// Store configures the message store.
type Store struct {
	Cache         Size     `toml:"cache" help:"Memory for the key-value engine's block cache."`
	FreeFloor     Size     `toml:"free_floor" help:"Free space on the volume below which writing is refused for the time being."`
	DeleteFloor   Size     `toml:"delete_floor" help:"The same for what makes room: deleting, expunging and what is done of it in the background. 0: half of free_floor."`
	InlineLimit   Size     `toml:"inline_limit" help:"Messages up to this size live in the key-value engine, larger ones in segment files."`
	BodyBuffer    Size     `toml:"body_buffer" help:"Memory that one incoming message may take before it goes to disk."`
	ExpungedGrace Duration `toml:"expunged_grace" help:"How long an expunged message stays readable for sessions not yet told of it."`
	LogKeep       Duration `toml:"log_keep" help:"How long the log of changes is kept for clients that resynchronise (QRESYNC)."`
	SweepEvery    Duration `toml:"sweep_every" help:"Pause between two rounds of background maintenance."`
}

// Limits bounds what peers and accounts use.
type Limits struct {
	Connections     int      `toml:"connections" help:"Connections in all."`
	Unauthenticated int      `toml:"unauthenticated" help:"Connections not logged in; beyond it the oldest of the busiest /24 or /56 goes first."`
	PerAccount      int      `toml:"per_account" help:"Connections of one account."`
	Handshakes      int      `toml:"handshakes" help:"TLS handshakes that may compute at a time; 0: one for each core."`
	TCPUserTimeout  Duration `toml:"tcp_user_timeout" help:"How long sent data may stay unacknowledged (TCP_USER_TIMEOUT)."`
	Mailboxes       int      `toml:"mailboxes" help:"Mailboxes in one account."`
	MetadataValue   Size     `toml:"metadata_value" help:"Longest value of an annotation (RFC 5464); at least 1KiB."`
	MetadataEntries int      `toml:"metadata_entries" help:"Annotations of one mailbox, for each user and for those that all share; at least 10."`
	MetadataSize    Size     `toml:"metadata_size" help:"Annotations of one user in all mailboxes of one account."`
	WriteMemory     Size     `toml:"write_memory" help:"Bytes held for all clients that do not read; beyond it the costliest goes first."`
	PortableDriver  bool     `toml:"portable_driver" help:"A goroutine per connection even where epoll exists."`
}

// Duration is a time.Duration written as in "30m".
type Duration time.Duration

// UnmarshalText parses "90s", "30m", "48h".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// MarshalText writes the shortest form.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Duration) String() string { return shortDuration(time.Duration(d)) }

// Default is the configuration of an empty file.
func Default() *Config {
	c := &Config{
		Data: "/var/lib/citron",
		LMTP: LMTP{SocketMode: 0o660, Subaddress: true},
		IMAP: IMAP{
			Listen:         []string{":143"},
			LoginTimeout:   Duration(time.Minute),
			Autologout:     Duration(30 * time.Minute),
			MaxLine:        64 << 10,
			AppendLimit:    100 << 20,
			Compress:       true,
			SortMemory:     128 << 20,
			MaxContexts:    32,
			AllContexts:    256,
			MaxBadCommands: 20,
			Unauthenticate: true,
		},
		Auth: Auth{ChannelBinding: true, ScramIterations: 4096},
		Store: Store{
			Cache: 128 << 20, FreeFloor: 512 << 20, InlineLimit: 4 << 10, BodyBuffer: 256 << 10,
			ExpungedGrace: Duration(time.Hour), LogKeep: Duration(30 * 24 * time.Hour), SweepEvery: Duration(time.Minute),
		},
		Limits: Limits{
			Connections: 1_000_000, Unauthenticated: 10_000, PerAccount: 100,
			TCPUserTimeout: Duration(130 * time.Minute), Mailboxes: 10_000, WriteMemory: 512 << 20,
			MetadataValue: 64 << 10, MetadataEntries: 100, MetadataSize: 1 << 20,
		},
	}
	defaultOutgoing(c)
	return c
}

// Load reads a file over the defaults; name "" gives the defaults.
func Load(name string) (*Config, error) {
	c := Default()
	if name == "" {
		return c, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := Parse(b, c); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// Parse lays the TOML text over c and validates the whole.
func Parse(text []byte, c *Config) error {
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) {
			return fmt.Errorf("no such key:\n%s", strict.String())
		}
		var where *toml.DecodeError
		if errors.As(err, &where) {
			return errors.New(where.String())
		}
		return err
	}
	return c.validate()
}

func (c *Config) validate() error {
	switch {
	case c.Data == "":
		return errors.New("data: name a directory")
	case c.IMAP.URLMaxAge < 0:
		return errors.New("imap.url_max_age: 0s or more")
	case time.Duration(c.IMAP.Autologout) < 30*time.Minute:
		return errors.New("imap.autologout: at least 30m (RFC 3501 §5.4)")
	case (c.TLS.Cert == "") != (c.TLS.Key == ""):
		return errors.New("tls: give both cert and key, or neither")
	case c.LMTP.SocketMode > 0o777: // 660 instead of "0660"
		return errors.New("lmtp.socket_mode: write it in octal, as in \"0660\"")
	case c.Auth.ScramIterations < 4096:
		return errors.New("auth.scram_iterations: at least 4096 (RFC 7677 §4)")
	case c.Limits.MetadataValue < 1024 || c.Limits.MetadataEntries < 10:
		return errors.New("limits: metadata_value at least 1KiB, metadata_entries at least 10 (RFC 5464 §4.1)")
	case c.IMAP.Admin != "" && !isURI(c.IMAP.Admin):
		return errors.New("imap.admin: a URI, as in mailto:postmaster@example.org (RFC 5464 §3.2.1.1)")
	case c.Store.DeleteFloor > c.Store.FreeFloor:
		return errors.New("store.delete_floor: at most free_floor")
	case c.IMAP.MaxLine < 8192:
		return errors.New("imap.max_line: at least 8192 (RFC 7162 §4)")
	}
	for _, a := range c.IMAP.Applications {
		if a.Name == "" || a.CA == "" && len(a.Fingerprints) == 0 {
			return errors.New("imap.applications: each needs a name, and ca or fingerprints")
		}
	}
	return c.validateOutgoing()
}

// isURI says whether a text is a URI with its scheme.
func isURI(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.IsAbs()
}
