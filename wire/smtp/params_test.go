package smtp

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The parameters of MAIL, and the line that a client makes of what they say.
func TestMailParameters(t *testing.T) {
	tests := []struct {
		params string
		want   Mail
		line   string // if it differs
	}{
		// RFC 4954 §5.1.
		{"AUTH=e+3Dmc2@example.com", Mail{Auth: Auth{true, "e=mc2@example.com"}}, ""},
		{"AUTH=<>", Mail{Auth: Auth{Said: true}}, ""},
		{"AUTH=j+C3+BCrgen@example.com", Mail{Auth: Auth{true, "jürgen@example.com"}}, ""},
		{"auth=+22a+20b+22@c", Mail{Auth: Auth{true, `"a b"@c`}}, `AUTH="a+20b"@c`},
		{"AUTH=a+2bb@c", Mail{Auth: Auth{true, "a+b@c"}}, "AUTH=a+2Bb@c"}, // RFC 4954 §8
		// RFC 3461 §4.3, §4.4, §10.
		{"RET=HDRS ENVID=QQ314159", Mail{Return: ReturnHeaders, EnvelopeID: "QQ314159"}, ""},
		{"ret=full ENVID=a+20b+2B+3D", Mail{Return: ReturnFull, EnvelopeID: "a b+="}, "RET=FULL ENVID=a+20b+2B+3D"},
		{"ENVID=" + strings.Repeat("x", 100), Mail{EnvelopeID: strings.Repeat("x", 100)}, ""}, // RFC 3461 §5.4
		// RFC 4865 §3.
		{"HOLDFOR=86400", Mail{Hold: Hold{For: 24 * time.Hour}}, ""},
		{"HOLDFOR=999999999", Mail{Hold: Hold{For: 999999999 * time.Second}}, ""},
		{"HOLDUNTIL=2026-12-24T18:00:00Z", Mail{Hold: Hold{Until: time.Date(2026, 12, 24, 18, 0, 0, 0, time.UTC)}}, ""},
		{"HOLDUNTIL=2026-12-24t18:00:00.250z", Mail{Hold: Hold{Until: time.Date(2026, 12, 24, 18, 0, 0, 25e7, time.UTC)}}, "HOLDUNTIL=2026-12-24T18:00:00.25Z"},
		{"HOLDUNTIL=2026-12-24T18:00:00+00:00", Mail{Hold: Hold{Until: time.Date(2026, 12, 24, 18, 0, 0, 0, time.UTC)}}, "HOLDUNTIL=2026-12-24T18:00:00Z"},
		{"HOLDUNTIL=2028-12-31T23:59:60Z", Mail{Hold: Hold{Until: time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)}}, "HOLDUNTIL=2029-01-01T00:00:00Z"},
		// RFC 2852 §4, §6.
		{"BY=120;R", Mail{By: DeliverBy{Mode: ByReturn, Within: 2 * time.Minute}}, ""},
		{"BY=98;R", Mail{By: DeliverBy{Mode: ByReturn, Within: 98 * time.Second}}, ""},
		{"by=+1;rt", Mail{By: DeliverBy{Mode: ByReturn, Trace: true, Within: time.Second}}, "BY=1;RT"},
		{"BY=-999999999;NT", Mail{By: DeliverBy{Mode: ByNotify, Trace: true, Within: -999999999 * time.Second}}, ""},
		{"BY=0;N", Mail{By: DeliverBy{Mode: ByNotify}}, ""},
		// RFC 6710 §7, §8.
		{"MT-PRIORITY=3", Mail{Priority: Priority{true, 3}}, ""},
		{"MT-PRIORITY=-9", Mail{Priority: Priority{true, -9}}, ""},
		{"MT-PRIORITY=0", Mail{Priority: Priority{true, 0}}, ""},
		{"BY=125;R ENVID=QQ314159 MT-PRIORITY=3", Mail{
			By: DeliverBy{Mode: ByReturn, Within: 125 * time.Second}, EnvelopeID: "QQ314159", Priority: Priority{true, 3},
		}, "ENVID=QQ314159 BY=125;R MT-PRIORITY=3"},
		// RFC 8689 §2.
		{"REQUIRETLS", Mail{RequireTLS: true}, ""},
		// docs/atomic-send.md
		{"XATTEMPT=0b7e XSENT=Sent+20&+C3+BC", Mail{Atomic: Atomic{"0b7e", "Sent &ü"}}, ""},
		{"XATTEMPT=+00+FF", Mail{Atomic: Atomic{Attempt: "\x00\xff"}}, ""},
		{"SIZE=1 BODY=BINARYMIME SMTPUTF8", Mail{Size: 1, Body: BodyBinary, UTF8: true}, ""},
	}
	for _, tt := range tests {
		tt.want.From = Path{"a", "b"}
		got, err := all.ParseMail([]byte("FROM:<a@b> " + tt.params))
		if err != nil || !cmp.Equal(got, tt.want) {
			t.Errorf("%s: %+v, %v", tt.params, got, err)
		}
		if tt.line == "" {
			tt.line = tt.params
		}
		if line := string(AppendMail(nil, got)); line != "MAIL FROM:<a@b> "+tt.line+"\r\n" {
			t.Errorf("%s: sent as %q", tt.params, line)
		}
	}
}

func TestMailParametersRefused(t *testing.T) {
	for _, params := range []string{
		"AUTH", "AUTH=", "AUTH=+", "AUTH=+2", "AUTH=+2x", "AUTH=alice", "AUTH=postmaster", "AUTH=a@b>", "AUTH=a@b+20", "AUTH=@x:a@b",
		"AUTH=jürgen@c SMTPUTF8", "AUTH=+FF@c", "AUTH=a=b@c",
		"RET", "RET=ALL", "RET=FULL RET=FULL", "ENVID=", "ENVID=+", "ENVID=a+00", "ENVID=+C3+BC", "ENVID=a ENVID=a", // RFC 3461 §4.5, §5.1
		"ENVID=+0D+0A", "ENVID=" + strings.Repeat("x", 101),
		"HOLDFOR=0", "HOLDFOR=01", "HOLDFOR=-1", "HOLDFOR=1000000000", "HOLDFOR=1h", "HOLDFOR=",
		"HOLDFOR=1 HOLDFOR=1", "HOLDFOR=1 HOLDUNTIL=2026-12-24T18:00:00Z", "HOLDUNTIL=2026-12-24T18:00:00Z HOLDFOR=1", // RFC 4865 §4.2
		"HOLDUNTIL=2026-12-24T18:00:00", "HOLDUNTIL=2026-12-24T18:00:00+01:00", "HOLDUNTIL=2026-12-24", "HOLDUNTIL=2026-12-24T18:00:60Z", "HOLDUNTIL=2026-02-30T18:00:00Z",
		"BY=120", "BY=120;", "BY=;R", "BY=120;X", "BY=120;RN", "BY=120;TR", "BY=0;R", "BY=-1;R", "BY=--1;N", "BY=+-1;N", "BY=1000000000;N", // RFC 2852 §4
		"MT-PRIORITY", "MT-PRIORITY=10", "MT-PRIORITY=-10", "MT-PRIORITY=+1", "MT-PRIORITY=-0", "MT-PRIORITY=01", "MT-PRIORITY=x", // RFC 6710 §4.1
		"MT-PRIORITY=1 MT-PRIORITY=1",
		"REQUIRETLS=1", "REQUIRETLS=",
		"XSENT=Sent", "XATTEMPT=", "XATTEMPT=" + strings.Repeat("x", 65), "XATTEMPT=a XSENT=+FF", "XATTEMPT=a XSENT=a+0Ab", "XATTEMPT=a XSENT=" + strings.Repeat("x", 1001),
	} {
		if m, err := all.ParseMail([]byte("FROM:<a@b> " + params)); err == nil || err.(Reply).Code != 501 {
			t.Errorf("%s: %+v, %v", params, m, err)
		}
	}
}

func TestRcptParameters(t *testing.T) {
	tests := []struct {
		params string
		utf8   bool
		want   Rcpt
		line   string // if it differs
	}{
		// RFC 3461 §4.2, §10.1.
		{"NOTIFY=SUCCESS ORCPT=rfc822;Bob@Example.COM", false, Rcpt{Notify: NotifySuccess, Original: OriginalRecipient{"rfc822", "Bob@Example.COM"}}, ""},
		{"NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Dana@Ivory.EDU", false, Rcpt{Notify: NotifySuccess | NotifyFailure, Original: OriginalRecipient{"rfc822", "Dana@Ivory.EDU"}}, ""},
		{"NOTIFY=NEVER", false, Rcpt{Notify: NotifyNever}, ""},
		{"notify=delay,Success,FAILURE", false, Rcpt{Notify: NotifySuccess | NotifyFailure | NotifyDelay}, "NOTIFY=SUCCESS,FAILURE,DELAY"},
		{"NOTIFY=NEVER ORCPT=X400;/S+3Dx/+20+2B", false, Rcpt{Notify: NotifyNever, Original: OriginalRecipient{"X400", "/S=x/ +"}}, ""}, // RFC 3461 §5.2.1: the case stays,
		{"ORCPT=rfc822;", false, Rcpt{Original: OriginalRecipient{Type: "rfc822"}}, ""},
		// RFC 6533 §3.
		{`ORCPT=utf-8;caf\x{E9}@\x{5C}\x{2B}\x{10FFFF}`, false, Rcpt{Original: OriginalRecipient{"utf-8", "café@\\+\U0010ffff"}}, ""},
		{`ORCPT=UTF-8;caf\x{e9}@x`, true, Rcpt{Original: OriginalRecipient{"UTF-8", "café@x"}}, "ORCPT=UTF-8;café@x"},
		{`ORCPT=utf-8;a\x{20}\x{3D}ü`, true, Rcpt{Original: OriginalRecipient{"utf-8", "a =ü"}}, ""},
		{"ORCPT=utf-8;caf+C3+A9@x", false, Rcpt{Original: OriginalRecipient{"utf-8", "café@x"}}, `ORCPT=utf-8;caf\x{E9}@x`},
		{`ORCPT=utf-8;\x{D800}`, false, Rcpt{Original: OriginalRecipient{"utf-8", `\x{D800}`}}, `ORCPT=utf-8;\x{5C}x{D800}`},         // no unitext, but xtext
		{"ORCPT=utf-8;" + strings.Repeat("x", 488), false, Rcpt{Original: OriginalRecipient{"utf-8", strings.Repeat("x", 488)}}, ""}, // RFC 3461 §5.4
	}
	for _, tt := range tests {
		tt.want.To = Path{"a", "b"}
		got, err := all.ParseRcpt([]byte("TO:<a@b> "+tt.params), tt.utf8)
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v", tt.params, got, err)
		}
		if tt.line == "" {
			tt.line = tt.params
		}
		if line := string(AppendRcpt(nil, got, tt.utf8)); line != "RCPT TO:<a@b> "+tt.line+"\r\n" {
			t.Errorf("%s: sent as %q", tt.params, line)
		}
	}
}

func TestRcptParametersRefused(t *testing.T) {
	for _, params := range []string{
		"NOTIFY", "NOTIFY=", "NOTIFY=ALWAYS", "NOTIFY=NEVER,SUCCESS", "NOTIFY=NEVER,NEVER", "NOTIFY=SUCCESS,", "NOTIFY=SUCCESS,,DELAY",
		"NOTIFY=NEVER NOTIFY=NEVER", "ORCPT=rfc822;a ORCPT=rfc822;a", // RFC 3461 §4.5
		"ORCPT=", "ORCPT=a@b", "ORCPT=;a@b", "ORCPT=rfc.822;a@b", "ORCPT=rfc822;a+", "ORCPT=rfc822;a+0D+0ATo:+20b", "ORCPT=rfc822;+C3+BC",
		"ORCPT=rfc822;ü", "ORCPT=utf-8;ü", // without SMTPUTF8
		`ORCPT=utf-8;+FF\x{E9}`, `ORCPT=utf-8;\x{0D}\x{0A}`, "ORCPT=utf-8;+FF",
		"ORCPT=rfc822;" + strings.Repeat("x", 501),
	} {
		if r, err := all.ParseRcpt([]byte("TO:<a@b> "+params), false); err == nil || err.(Reply).Code != 501 {
			t.Errorf("%s: %+v, %v", params, r, err)
		}
	}
}

// Every command of every parameter at its longest fits into MaxLine.
func TestMaxLine(t *testing.T) {
	long := strings.Repeat("ü", MaxPath/2-10)
	m := Mail{
		From: Path{long, "b"}, Size: 1<<63 - 1, Body: BodyBinary, UTF8: true, Auth: Auth{true, long + "@b"},
		Return: ReturnHeaders, EnvelopeID: strings.Repeat(" ", maxEnvelopeID),
		Hold: Hold{Until: time.Date(2026, 1, 1, 0, 0, 0, 123456789, time.UTC)}, By: DeliverBy{Mode: ByNotify, Trace: true, Within: -999999999 * time.Second},
		Priority: Priority{true, -9}, RequireTLS: true, Atomic: Atomic{strings.Repeat(" ", maxAttempt), strings.Repeat("ü", maxSentMailbox/2)},
	}
	r := Rcpt{To: Path{long, "b"}, Notify: NotifySuccess | NotifyFailure | NotifyDelay, Original: OriginalRecipient{"utf-8", strings.Repeat("\\", maxOriginal)}}
	for _, line := range [][]byte{AppendMail(nil, m), AppendRcpt(nil, r, false), []byte("BURL imap:" + strings.Repeat("x", 8<<10-5) + " LAST\r\n")} {
		if len(line) > MaxLine {
			t.Errorf("%d octets: %.40q", len(line), line)
		}
	}
	if got, err := all.ParseMail(AppendMail(nil, m)[5 : len(AppendMail(nil, m))-2]); err != nil || !cmp.Equal(got, m) {
		t.Errorf("%+v, %v", got, err)
	}
}
