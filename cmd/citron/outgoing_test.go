package main

import (
	"strings"
	"testing"
	"time"
)

// sendingServer is a server on ports of its own that takes mail from users.
func sendingServer(t *testing.T) *server {
	t.Helper()
	cfg := privateConfig(t)
	cfg.IMAP.Listen, cfg.IMAP.PlaintextLogin = []string{"127.0.0.1:0"}, true
	cfg.Submission.Listen, cfg.Submission.PlaintextLogin = []string{"127.0.0.1:0"}, true
	srv := serving(t, cfg)
	withAccounts(t, srv, "alice@example.org", "bob@example.org")
	return srv
}

// A password that is changed, or an account that is disabled, ends sessions of
// submission as it does those of IMAP; the message under way is not sent.
func TestRevokedWhileSubmitting(t *testing.T) {
	srv := sendingServer(t)
	s, err := dialSender(srv.at("submission"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.say("MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n", "250", "250", "354"); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.node.directory.Disable(t.Context(), "alice@example.org"); err != nil {
		t.Fatal(err)
	}
	s.SetDeadline(time.Now().Add(time.Minute)) // a failure rather than a hang
	if line, err := s.r.ReadString('\n'); !strings.HasPrefix(line, "421 ") {
		t.Errorf("the session goes on: %q, %v", line, err)
	}
	if n := srv.node.queue.Totals().Messages; n != 0 {
		t.Errorf("%d messages in the queue", n)
	}
}
