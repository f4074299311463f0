package smtp

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func offer(t testing.TB, lines ...string) Offer {
	r, _, err := ParseResponse(AppendLines(nil, 250, lines...))
	if err != nil {
		t.Fatal(err)
	}
	return ParseOffer(r)
}

func TestOffer(t *testing.T) {
	o := offer(t, "Owlry.example.com hello", "8BITMIME", "burl IMAP imap://a.example http://x imap://", "Auth plain SCRAM-SHA-256 x?y", "DSN", "SIZE 1000000",
		"FUTURERELEASE 86400 2026-12-24T18:00:00Z", "DELIVERBY 240,later", "MT-PRIORITY MIXER", "LIMITS RCPTMAX=20 MAILMAX=5", "SIZE 5", "EnhancedStatusCodes")
	if o.Domain != "Owlry.example.com" {
		t.Error(o.Domain)
	}
	for _, e := range []*Extension{&EightBitMIME, &BURL, &Authentication, &DSN, &Size, &FutureRelease, &Deadline, &MTPriority, &SessionLimits, &EnhancedStatusCodes} {
		if !o.Has(e) {
			t.Errorf("%s is offered", e.Keyword)
		}
	}
	for _, e := range []*Extension{&Chunking, &BinaryMIME, &UTF8, &StartTLS, &Pipelining, &RequireTLS} {
		if o.Has(e) {
			t.Errorf("%s is not offered", e.Keyword)
		}
	}
	if got := o.SizeLimit(); got != 1000000 {
		t.Error(got)
	}
	if got := o.Mechanisms(); !cmp.Equal(got, []string{"PLAIN", "SCRAM-SHA-256"}) {
		t.Error(got)
	}
	if got := o.LeastBy(); got != 4*time.Minute { // RFC 2852 §6
		t.Error(got)
	}
	if got := o.Limits(); got != (Limits{Mails: 5, Rcpts: 20}) { // RFC 9422 §5
		t.Error(got)
	}
}

// What a server says that is not so, or no sense.
func TestOfferLies(t *testing.T) {
	o := offer(t, "", "SIZE lots", "AUTH=LOGIN PLAIN", "FUTURERELEASE 0 tomorrow", "DELIVERBY soon", "", "-X", "P\xc3\xbc", "DSN \x01", "BURL", "MT-PRIORITY")
	if o.Domain != "" || !o.Has(&Size) || o.SizeLimit() != 0 || o.Has(&Authentication) || o.Mechanisms() != nil || o.LeastBy() != 0 || o.Has(&DSN) {
		t.Errorf("%+v", o)
	}
	if got := offer(t, "x", "SIZE 99999999999999999999").SizeLimit(); got != math.MaxInt64 {
		t.Error(got)
	}
	if got := offer(t, "x", "SIZE 0").SizeLimit(); got != 0 { // RFC 1870 §4
		t.Error(got)
	}
	if o := (Offer{}); o.Has(&Size) || o.SizeLimit() != 0 || o.Limits() != (Limits{}) {
		t.Errorf("%+v", o)
	}
}

// RFC 9422 §3.7: what a mistake voids.
func TestLimits(t *testing.T) {
	for in, want := range map[string]Limits{
		"mailmax=1 RCPTDOMAINMAX=999999":  {Mails: 1, Domains: 999999},
		"RCPTMAX=0 MAILMAX=5":             {Mails: 5},
		"RCPTMAX=1000000 MAILMAX=5":       {Mails: 5},
		"RCPTMAX MAILMAX=5 FUTUREMAX=x,y": {Mails: 5},
		"RCPTMAX=20 MAIL.MAX=5":           {},
		"RCPTMAX=20 =5":                   {},
		"RCPTMAX=20 OTHER=a;b":            {},
		"RCPTMAX=20 OTHER=":               {},
		"":                                {},
	} {
		if got := offer(t, "x", "LIMITS "+in).Limits(); got != want {
			t.Errorf("%s: %+v", in, got)
		}
	}
	l := Limits{Mails: 5, Rcpts: 20, Domains: 1 << 30}
	if got := l.String(); got != "MAILMAX=5 RCPTMAX=20 RCPTDOMAINMAX=999999" {
		t.Error(got)
	}
	if got := (Limits{}).String(); got != "" {
		t.Error(got)
	}
}

func TestHoldArgs(t *testing.T) {
	latest := time.Date(2026, 12, 24, 19, 0, 0, 0, time.FixedZone("", 3600))
	if got := HoldArgs(24*time.Hour, latest); got != "86400 2026-12-24T18:00:00Z" { // RFC 4865 §3
		t.Error(got)
	}
}

// FuzzOffer: nothing a server says is believed to be what it cannot be.
func FuzzOffer(f *testing.F) {
	f.Add("x\r\n250-SIZE 5\r\n250-LIMITS RCPTMAX=20\r\n250-FUTURERELEASE 86400 2026-12-24T18:00:00Z\r\n250-DELIVERBY 240\r\n250-BURL imap imap://x")
	f.Add("x\r\n250-AUTH PLAIN\r\n250 \r\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, n, err := ParseResponse([]byte("250-" + text + "\r\n250 end\r\n"))
		if err != nil || n == 0 {
			return
		}
		o := ParseOffer(r)
		if o.SizeLimit() < 0 || o.LeastBy() < 0 || len(o.args) > len(r.Lines) {
			t.Fatalf("%q: %+v", text, o)
		}
		for keyword := range o.args {
			if keyword == "" || keyword != strings.ToUpper(keyword) {
				t.Fatalf("%q: keyword %q", text, keyword)
			}
		}
		if l := o.Limits(); l != (Limits{}) && offer(t, "x", "LIMITS "+l.String()).Limits() != l {
			t.Fatalf("%q: %+v", text, l)
		}
		o.Mechanisms()
	})
}
