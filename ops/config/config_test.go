package config

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

// The reference in docs/ says what the program does.
func TestReference(t *testing.T) {
	const name = "../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(name, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Reference() {
		t.Error("docs/configuration.md is out of date: go test ./ops/config -update")
	}
}

func TestEmptyFileIsDefault(t *testing.T) {
	c := Default()
	if err := Parse(nil, c); err != nil {
		t.Fatal(err)
	}
	if c.IMAP.Listen[0] != ":143" || c.Submission.Listen[0] != ":587" {
		t.Errorf("listen = %v, %v", c.IMAP.Listen, c.Submission.Listen)
	}
}

func TestParse(t *testing.T) {
	c := Default()
	err := Parse([]byte("data = \"/mail\"\n[store]\ncache = \"1GiB\"\nlog_keep = \"48h\"\n[lmtp]\nsocket_mode = \"0606\"\n"+
		"[imap]\nadmin = \"mailto:postmaster@example.org\"\n[imap.filters]\non-the-road = \"OR SMALLER 5000 FROM boss\"\n"), c)
	if err != nil {
		t.Fatal(err)
	}
	if c.LMTP.SocketMode != 0o606 {
		t.Errorf("socket_mode = %v", c.LMTP.SocketMode)
	}
	if c.IMAP.Admin == "" || c.IMAP.Filters["on-the-road"] != "OR SMALLER 5000 FROM boss" {
		t.Errorf("imap = %+v", c.IMAP)
	}
	if c.Data != "/mail" || c.Store.Cache != 1<<30 || time.Duration(c.Store.LogKeep) != 48*time.Hour {
		t.Errorf("got %+v", c)
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"dta = 1", "no such key"},
		{"[store]\ncache = \"lots\"", "not a size"},
		{"[store]\ncache = \"-1KiB\"", "not a size"},
		{"[imap]\nautologout = \"5m\"", "at least 30m"},
		{"[imap]\nadmin = \"postmaster\"", "a URI"},
		{"[limits]\nmetadata_entries = 9", "RFC 5464"},
		{"[lmtp]\nsocket_mode = \"rw-\"", "octal"},
		{"[lmtp]\nsocket_mode = \"4755\"", "octal"},
		{"[lmtp]\nsocket_mode = 660", "socket_mode"},
		{"[tls]\ncert = \"a.pem\"", "both cert and key"},
		{"[auth]\nscram_iterations = 1", "at least 4096"},
		{"data = ", "data"},
	} {
		err := Parse([]byte(test.text), Default())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.text, err, test.want)
		}
	}
}

// What goes out is written in tables, some of them several times.
func TestParseOutgoing(t *testing.T) {
	c := Default()
	err := Parse([]byte("[submission]\nhosts = [\"imap.example.org\"]\n[[submission.stores]]\nhost = \"mail.example.com\"\n"+
		"user = \"submit\"\npassword_file = \"secret\"\n[queue]\nretry = [\"1m\", \"1h\"]\n"+
		"[[dkim]]\ndomain = \"example.org\"\nselector = \"a\"\nkey = \"a.pem\"\n[[dkim]]\ndomain = \"example.net\"\nselector = \"b\"\nkey = \"b.pem\"\n"), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.DKIM) != 2 || c.DKIM[1].Domain != "example.net" || c.Submission.Stores[0].User != "submit" {
		t.Errorf("got %+v, %+v", c.DKIM, c.Submission)
	}
	if len(c.Queue.Retry) != 2 || time.Duration(c.Queue.Retry[1]) != time.Hour {
		t.Errorf("retry = %v", c.Queue.Retry)
	}
}

func TestErrorsOutgoing(t *testing.T) {
	const store = "[[submission.stores]]\nhost = \"mail.example.com\"\n"
	for _, test := range []struct{ text, want string }{
		{"[submission]\ntimeout = \"4m\"", "at least 5m"},
		{"[submission]\nmax_recipients = 99", "at least 100"},
		{"[submission]\nmax_message = 1000", "65536"},
		{"[submission]\nhold_max = \"-1s\"", "hold_max"},
		{"[submission]\nhourly_messages = -1", "0 or more"},
		{"[submission]\nfetch_timeout = \"0s\"", "fetch_timeout"},
		{"[submission]\nmax_priority = 10", "0 to 9"},
		{store, "how to log in"},
		{store + "cert = \"a\"", "both cert and key"},
		{store + "user = \"a\"", "password_file"},
		{store + "user = \"a\"\npassword_file = \"b\"\ntls = \"none\"", "starttls"},
		{store + "user = \"a\"\npassword_file = \"b\"\naddress = \"10.0.0.1\"", "HOST:PORT"},
		{"[[submission.stores]]\nuser = \"a\"", "host: name one"},
		{"[submission]\nhosts = [\"Mail.example.com\"]\n" + store + "user = \"a\"\npassword_file = \"b\"", "submission.hosts"},
		{"[queue]\nretry = []", "one pause"},
		{"[queue]\nretry = [\"0s\"]", "more than 0s"},
		{"[queue]\nretry = [\"soon\"]", "soon"},
		{"[queue]\ngive_up = \"0s\"", "give_up"},
		{"[queue]\nper_domain = 0", "1 or more"},
		{"[relay]\nworkers = 0", "1 or more"},
		{"[relay]\nslow = 0", "1 or more"},
		{"[relay]\nsmarthost = \"mail.example.com:smtp\"", "HOST:PORT"},
		{"[relay]\nsmarthost = \"a:1\"\nsmarthost_tls = \"none\"\nuser = \"a\"\npassword_file = \"b\"", "without TLS"},
		{"[queue]\nmax_messages = -1", "max_messages"},
		{"[relay]\nsmarthost = \"mail.example.com\"", "HOST:PORT"},
		{"[relay]\nsmarthost_tls = \"maybe\"", "opportunistic"},
		{"[relay]\nuser = \"a\"", "password_file"},
		{"[relay]\nuser = \"a\"\npassword_file = \"b\"", "only a smarthost"},
		{"[relay]\nresolvers = [\"dns.example.com:53\"]", "ADDRESS:PORT"},
		{"[relay]\nport = 0", "65535"},
		{"[relay]\nprivate = [\"10.0.0.1\"]", "10.0.0.0/8"},
		{"[relay]\naddresses = [\"mail.example.org\"]", "not an address"},
		{"[[imap.applications]]\nname = \"submit\"", "ca or fingerprints"},
		{"[[dkim]]\ndomain = \"example.org\"", "selector"},
	} {
		err := Parse([]byte(test.text), Default())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.text, err, test.want)
		}
	}
}

func TestSizeText(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "512": 512, "4KiB": 4096, "3GiB": 3 << 30} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want || s.String() != text {
			t.Errorf("%q: %d %v, back %q", text, s, err, s)
		}
	}
}
