package smtp

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var all = NewSyntax(&Size, &EightBitMIME, &BinaryMIME, &Chunking, &UTF8, &Pipelining, &EnhancedStatusCodes,
	&Authentication, &BURL, &DSN, &FutureRelease, &Deadline, &MTPriority, &RequireTLS, &SessionLimits, &AtomicSend)

func TestParseMail(t *testing.T) {
	tests := []struct {
		args string
		want Mail
		code int
	}{
		// RFC 5321 appendix D, RFC 1870 §8, RFC 6152 §4, RFC 3030 §4.
		{"FROM:<Smith@bar.com>", Mail{From: Path{"Smith", "bar.com"}}, 0},
		{"FROM:<JQP@MIT.EDU> SIZE=500000", Mail{From: Path{"JQP", "MIT.EDU"}, Size: 500000}, 0},
		{"FROM:<ned@ymir.claremont.edu> BODY=8BITMIME", Mail{From: Path{"ned", "ymir.claremont.edu"}, Body: Body8Bit}, 0},
		{"FROM:<ned@thor.innosoft.com> BODY=BINARYMIME", Mail{From: Path{"ned", "thor.innosoft.com"}, Body: BodyBinary}, 0},
		{"from:<> size=0 body=7bit", Mail{}, 0},
		{"FROM: <a@b>", Mail{From: Path{"a", "b"}}, 0},
		{"FROM:<a@b>  SIZE=1 ", Mail{From: Path{"a", "b"}, Size: 1}, 0},
		{"FROM:<jürgen@exämple.org> SMTPUTF8", Mail{From: Path{"jürgen", "exämple.org"}, UTF8: true}, 0},
		{"FROM:<@hosta.int,@jkl.org:userc@d.bar.org>", Mail{From: Path{"userc", "d.bar.org"}}, 0},
		{`FROM:<"Joe\,Smith"@x.org>`, Mail{From: Path{"Joe,Smith", "x.org"}}, 0},
		{`FROM:<"a b"@x.org>`, Mail{From: Path{"a b", "x.org"}}, 0},
		{"FROM:<user@[IPv6:2001:db8::1]>", Mail{From: Path{"user", "[IPv6:2001:db8::1]"}}, 0},
		{"FROM:<a..b.@docomo.ne.jp>", Mail{From: Path{"a..b.", "docomo.ne.jp"}}, 0},

		{"FROM:<jürgen@example.org>", Mail{}, 553},
		{"FROM:<a@b> SIZE=1 SIZE=1", Mail{}, 501},
		{"FROM:<a@b> SIZE", Mail{}, 501},
		{"FROM:<a@b> SIZE=", Mail{}, 501},
		{"FROM:<a@b> SIZE=-1", Mail{}, 501},
		{"FROM:<a@b> SIZE=99999999999999999999", Mail{From: Path{"a", "b"}, Size: math.MaxInt64}, 0}, // 20 digits
		{"FROM:<a@b> SIZE=999999999999999999999", Mail{}, 501},
		{"FROM:<a@b> SMTPUTF8=1", Mail{}, 501},
		{"FROM:<a@b> BODY=9BIT", Mail{}, 501},
		{"FROM:<a@b> XUNKNOWN=FULL", Mail{}, 555},
		{"FROM:<a@b>SIZE=1", Mail{}, 501},
		{"FROM:a@b", Mail{}, 501},
		{"FROM:<a@b", Mail{}, 501},
		{"FROM:<a@>", Mail{}, 501},
		{"FROM:<@b>", Mail{}, 501},
		{"FROM:<a>", Mail{}, 501},
		{"FROM:<a@-b>", Mail{}, 501},
		{"FROM:<a@b..c>", Mail{}, 501},
		{"FROM:<a@b c>", Mail{}, 501},
		{"FROM:<a b@c>", Mail{}, 501},
		{"FROM:<\"a@c>", Mail{}, 501},
		{"FROM:<\"\"@c>", Mail{}, 501},
		{"FROM:<\"a\x01\"@c>", Mail{}, 501},
		{"FROM:<a@[]>", Mail{}, 501},
		{"FROM:<\xff@c> SMTPUTF8", Mail{}, 501},
		{"FROM:<" + strings.Repeat("x", 600) + "@c>", Mail{}, 501},
		{"TO:<a@b>", Mail{}, 501},
		{"", Mail{}, 501},
	}
	for _, tt := range tests {
		got, err := all.ParseMail([]byte(tt.args))
		code := 0
		if err != nil {
			code = err.(Reply).Code
		}
		if code != tt.code || !cmp.Equal(got, tt.want) {
			t.Errorf("MAIL %s: %+v, %v; want %+v, %d", tt.args, got, err, tt.want, tt.code)
		}
	}
}

func TestParseRcpt(t *testing.T) {
	tests := []struct {
		args string
		utf8 bool
		want string
		code int
	}{
		{"TO:<Green@foo.com>", false, "Green@foo.com", 0},
		{"TO:<Postmaster>", false, "Postmaster", 0},
		{"TO:<@a,@b:postMASTER@c>", false, "postMASTER@c", 0},
		{"to:<\"quoted\"@c>", false, "quoted@c", 0},
		{"TO:<δοκιμή@παράδειγμα.gr>", true, "δοκιμή@παράδειγμα.gr", 0},
		{"TO:<δοκιμή@παράδειγμα.gr>", false, "", 553},
		{"TO:<>", false, "", 501},
		{"TO:<alice>", false, "", 501},
		{"TO:<a@b> XUNKNOWN", false, "", 555},
		{"<a@b>", false, "", 501},
	}
	for _, tt := range tests {
		got, err := all.ParseRcpt([]byte(tt.args), tt.utf8)
		code := 0
		if err != nil {
			code = err.(Reply).Code
		}
		if code != tt.code || got.To.String() != tt.want {
			t.Errorf("RCPT %s: %q, %v", tt.args, got.To, err)
		}
	}
}

// A parameter is known only with its extension.
func TestSyntaxWithoutExtensions(t *testing.T) {
	if _, err := NewSyntax().ParseMail([]byte("FROM:<a@b> SIZE=1")); err != ErrParamUnknown {
		t.Fatal(err)
	}
}

func TestPathQuoting(t *testing.T) {
	for path, want := range map[Path]string{
		{"a.b", "c"}:         "a.b@c",
		{"a..b", "c"}:        `"a..b"@c`,
		{".a", "c"}:          `".a"@c`,
		{`a"\b`, "c"}:        `"a\"\\b"@c`,
		{"a b", "c"}:         `"a b"@c`,
		{"ü", "c"}:           "ü@c",
		{}:                   "",
		{"postmaster", ""}:   "postmaster",
		{"a", "[127.0.0.1]"}: "a@[127.0.0.1]",
	} {
		if got := path.String(); got != want {
			t.Errorf("%#v: %s, want %s", path, got, want)
		}
	}
}

// FuzzMail: what is parsed, encoded and parsed again is the same.
func FuzzMail(f *testing.F) {
	for _, s := range []string{"FROM:<Smith@bar.com>", "FROM:<> SIZE=12 BODY=8BITMIME SMTPUTF8", "FROM:<@a,@b:c@d>", `FROM:<"a\"b"@[1.2.3.4]>`, "FROM:<ü@ä> SMTPUTF8",
		"FROM:<e=mc2@example.com> AUTH=e+3Dmc2@example.com RET=HDRS ENVID=QQ+20314159", "FROM:<a@b> AUTH=<> HOLDFOR=86400",
		"FROM:<a@b> HOLDUNTIL=2026-12-24T18:00:00.5Z BY=-98;NT MT-PRIORITY=-9", "FROM:<a@b> REQUIRETLS BY=120;R XATTEMPT=a+00 XSENT=Gesendete+20Nachrichten+C3+BC"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, args []byte) {
		m, err := all.ParseMail(args)
		if err != nil {
			_ = err.(Reply)
			return
		}
		line := AppendMail(nil, m)
		command := ParseCommand(line[:len(line)-2])
		again, err := all.ParseMail(command.Args)
		if err != nil || !cmp.Equal(m, again) {
			t.Fatalf("%q: %+v, then %q: %+v, %v", args, m, line, again, err)
		}
	})
}

// FuzzRcpt does the same for RCPT.
func FuzzRcpt(f *testing.F) {
	for _, s := range []string{"TO:<Postmaster>", "TO:<a@b.c>", `TO:<"a b"@c>`, "TO:<ü@ä>", "TO:<a@b> NOTIFY=success,DELAY ORCPT=rfc822;Bob+2B@Example.COM",
		`TO:<a@b> ORCPT=utf-8;\x{E9}\x{10FFFF}\x{5C}@x`, "TO:<a@b> ORCPT=UTF-8;ü@ä NOTIFY=NEVER", "TO:<a@b> ORCPT=utf-8;+C3+BC\\"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, args []byte, utf8 bool) {
		r, err := all.ParseRcpt(args, utf8)
		if err != nil {
			_ = err.(Reply)
			return
		}
		line := AppendRcpt(nil, r, utf8)
		command := ParseCommand(line[:len(line)-2])
		again, err := all.ParseRcpt(command.Args, utf8)
		if err != nil || again != r {
			t.Fatalf("%q: %+v, then %q: %+v, %v", args, r, line, again, err)
		}
	})
}
