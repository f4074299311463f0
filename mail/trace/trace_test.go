package trace

import (
	"net/netip"
	"regexp"
	"testing"
	"time"

	"citron/wire/smtp"
)

// RFC 5321 §4.4: what each clause looks like, and that each may be missing.
func TestReceived(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 3600))
	for want, r := range map[string]Received{
		"Received: from mta.example.net ([IPv6:2001:db8::7])\r\n\tby mx.example.org with UTF8LMTPS id X\r\n\tfor <\"a b\"@example.org>; Mon, 23 Nov 2026 12:00:00 +0100\r\n": {
			From: "mta.example.net", Remote: netip.MustParseAddrPort("[2001:db8::7%eth0]:9"), By: "mx.example.org", With: "UTF8LMTPS", ID: "X",
			For: smtp.Path{Local: "a b", Domain: "example.org"}},
		"Received: from [192.0.2.7] ([192.0.2.7])\r\n\tby mx.example.org with ESMTPSA id X; Mon, 23 Nov 2026 12:00:00 +0100\r\n": {
			From: "[192.0.2.7]", Remote: netip.MustParseAddrPort("[::ffff:192.0.2.7]:9"), By: "mx.example.org", With: "ESMTPSA", ID: "X"},
		"Received: from x\r\n\tby mx.example.org with LMTP id X; Mon, 23 Nov 2026 12:00:00 +0100\r\n": {
			From: "x", By: "mx.example.org", With: "LMTP", ID: "X"},
		"Received: by mx.example.org id X\r\n\tfor <Postmaster>; Mon, 23 Nov 2026 12:00:00 +0100\r\n": {
			By: "mx.example.org", ID: "X", For: smtp.Path{Local: "Postmaster"}},
		// RFC 6710 §4.1, §7: a clause of its own.
		"Received: by mx.example.org id X\r\n\tPRIORITY -3; Mon, 23 Nov 2026 12:00:00 +0100\r\n": {
			By: "mx.example.org", ID: "X", Priority: smtp.Priority{Said: true, Level: -3}},
	} {
		r.Date = noon
		if got := string(r.Append(nil)); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestDelivery(t *testing.T) {
	to := smtp.Path{Local: "alice", Domain: "example.org"}
	if got, want := string(AppendDelivery(nil, smtp.Path{}, to)), "Return-Path: <>\r\nDelivered-To: alice@example.org\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIDs(t *testing.T) {
	a, b := NewID(), NewID()
	if a == b || !regexp.MustCompile("^[0-9A-V]{13}$").MatchString(a) {
		t.Errorf("%s, %s", a, b)
	}
}
