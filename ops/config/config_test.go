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
	if c.IMAP.Listen[0] != ":143" {
		t.Errorf("listen = %v", c.IMAP.Listen)
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

func TestSizeText(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "512": 512, "4KiB": 4096, "3GiB": 3 << 30} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want || s.String() != text {
			t.Errorf("%q: %d %v, back %q", text, s, err, s)
		}
	}
}
