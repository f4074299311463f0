package burl_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/submission"
	"citron/submission/burl"
)

// withScript tests with a script of its own, under virtual time.
func withScript(t *testing.T, test func(*testing.T, *script)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newScript(t)) })
}

// The whole of a connection: STARTTLS before anything is said (RFC 4468 §8),
// EXTERNAL with the certificate, the URL; and the connection is used again.
func TestDialogueWithStore(t *testing.T) {
	withScript(t, func(t *testing.T, s *script) {
		f := newIMAP(t, s.config())
		for range 3 {
			if text, err := fetch(f, scriptURL); text != "Hello." || err != nil {
				t.Errorf("%q, %v", text, err)
			}
		}
		s.wants("connect", "STARTTLS", "TLS", "CAPABILITY", "AUTHENTICATE EXTERNAL =", "CAPABILITY", "URLFETCH URL", "URLFETCH URL", "URLFETCH URL")
	})
}

// At a store that is not Citron: PLAIN after STARTTLS, as "submit" if nothing
// else is said (RFC 4468 §3.3).
func TestPlain(t *testing.T) {
	withScript(t, func(t *testing.T, s *script) {
		cfg := s.config()
		cfg.Certificate, cfg.Password = nil, func() (string, error) { return "secret", nil }
		s.caps = "IMAP4rev1 AUTH=PLAIN URLAUTH UTF8=ACCEPT"
		s.answer = func(tag, verb, rest string) string {
			switch verb {
			case "AUTHENTICATE":
				return "+ \r\n"
			case "": // the answer has no tag
				if tag != "AHN1Ym1pdABzZWNyZXQ=" {
					t.Errorf("PLAIN said %q", tag)
				}
				return "s3 OK [CAPABILITY IMAP4rev1 URLAUTH UTF8=ACCEPT] in\r\n"
			case "ENABLE":
				return "* ENABLED UTF8=ACCEPT\r\nTAG OK on\r\n"
			}
			return ""
		}
		f := newIMAP(t, cfg)
		if text, err := fetch(f, scriptURL); text != "Hello." || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		s.wants("connect", "STARTTLS", "TLS", "CAPABILITY", "AUTHENTICATE PLAIN", "", "ENABLE UTF8=ACCEPT", "URLFETCH URL")
	})
}

func TestImplicitTLS(t *testing.T) {
	withScript(t, func(t *testing.T, s *script) {
		s.implicit = true
		f := newIMAP(t, s.config())
		if text, err := fetch(f, scriptURL); text != "Hello." || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		s.wants("connect", "TLS", "CAPABILITY", "AUTHENTICATE EXTERNAL =", "CAPABILITY", "URLFETCH URL")
	})
}

// Binary is asked for of whole messages, where it is wanted and the store has it
// (RFC 5524); a store that cannot decode one is asked for it as it is.
func TestBinaryIsAskedFor(t *testing.T) {
	withScript(t, func(t *testing.T, s *script) {
		f := newIMAP(t, s.config())
		defer f.Close()
		section := strings.Replace(scriptURL, ";URLAUTH", "/;SECTION=1;URLAUTH", 1)
		partial := strings.Replace(scriptURL, ";URLAUTH", "/;PARTIAL=1;URLAUTH", 1)
		for _, c := range []struct{ url, want, text string }{
			{scriptURL, "URLFETCH (URL BINARY)", "He\x00lo.\n"}, {section, "URLFETCH " + section, "Hello.\n"}, {partial, "URLFETCH " + partial, "Hello.\n"},
		} {
			content, err := f.Fetch(context.Background(), "", c.url, true)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(content); string(text) != c.text || err != nil {
				t.Errorf("%q, %v", text, err)
			}
			content.Close()
			heard := s.said()
			if last := strings.ReplaceAll(heard[len(heard)-1], scriptURL, "URL"); last != c.want {
				t.Errorf("asked %q", last)
			}
		}
		s.answer = func(tag, verb, rest string) string {
			if strings.HasSuffix(rest, "BINARY)") {
				return `* URLFETCH "` + scriptURL + "\" (BINARY NIL)\r\nTAG OK done\r\n"
			}
			return ""
		}
		content, err := f.Fetch(context.Background(), "", scriptURL, true)
		if err != nil {
			t.Fatal(err)
		}
		content.Close()
		s.wants("URLFETCH (URL BINARY)", "URLFETCH URL")
	})
}

// A store that is not Citron may take transfer encodings away for BINARY: it is
// asked for that only where a part has none.
func TestBinaryFromOthers(t *testing.T) {
	const begin = `* URLFETCH "` + scriptURL + `" `
	for structure, binary := range map[string]bool{
		`(BODYPARTSTRUCTURE ("IMAGE" "GIF" NIL NIL NIL "Binary" 7))`:                                                  true,
		`(BODYPARTSTRUCTURE (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 2 1)("IMAGE" "GIF" NIL NIL NIL "BINARY" 7) "MIXED"))`: true,
		`(BODYPARTSTRUCTURE (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 2 1)("IMAGE" "GIF" NIL NIL NIL "BASE64" 7) "MIXED"))`: false,
		`(BODYPARTSTRUCTURE nonsense)`: false, "NIL": false,
	} {
		withScript(t, func(t *testing.T, s *script) {
			cfg := s.config()
			cfg.Certificate, cfg.Password = nil, func() (string, error) { return "secret", nil }
			f := newIMAP(t, cfg)
			s.answer = func(tag, verb, rest string) string {
				if strings.HasSuffix(rest, "BODYPARTSTRUCTURE)") {
					return begin + structure + "\r\nTAG OK done\r\n"
				}
				return ""
			}
			content, err := f.Fetch(context.Background(), "", scriptURL, true)
			check(t, err)
			want := map[bool]string{true: "He\x00lo.\n", false: "Hello.\n"}[binary]
			if text, err := io.ReadAll(content); string(text) != want || err != nil {
				t.Errorf("%s: %q, %v", structure, text, err)
			}
		})
	}
}

// What a store may say to URLFETCH, and what comes of it. After anything but a
// proper answer the connection is not used again.
func TestAnswers(t *testing.T) {
	const begin = `* URLFETCH "` + scriptURL + `" `
	for name, c := range map[string]struct {
		answer string
		text   string // of the content, as far as it can be read
		err    error
		kept   bool
	}{
		"quoted":                 {begin + "\"Hi\"\r\nTAG OK done\r\n", "Hi", nil, true},
		"empty":                  {begin + "{0}\r\n\r\nTAG OK done\r\n", "", nil, true},
		"among others":           {"* 3 EXISTS\r\n* nonsense (\r\n" + begin + "{2}\r\nHi\r\n* OK [URLMECH INTERNAL] x\r\nTAG OK done\r\n", "Hi", nil, true},
		"nothing":                {begin + "NIL\r\nTAG OK done\r\n", "", submission.ErrNoURL, true},
		"refused":                {"TAG BAD no such command\r\n", "", submission.ErrNoURL, false},
		"failed":                 {begin + "NIL\r\nTAG NO [UNAVAILABLE] not now\r\n", "", submission.ErrTemporary, false},
		"failed at once":         {"TAG NO not now\r\n", "", submission.ErrTemporary, false},
		"failed afterwards":      {begin + "{2}\r\nHi\r\nTAG NO not now\r\n", "Hi", submission.ErrTemporary, false},
		"without an answer":      {"TAG OK done\r\n", "", submission.ErrTemporary, false},
		"of another command":     {begin + "{2}\r\nHi\r\nx OK done\r\n", "Hi", submission.ErrTemporary, false},
		"of another URL":         {"* URLFETCH imap://x/ {2}\r\nHi\r\nTAG OK done\r\n", "", submission.ErrTemporary, false},
		"in another form":        {begin + "(BODY {2}\r\nHi)\r\nTAG OK done\r\n", "", submission.ErrTemporary, false},
		"twice":                  {begin + "{2}\r\nHi " + begin[11:] + "{2}\r\nho\r\nTAG OK done\r\n", "Hi", submission.ErrTemporary, false},
		"again":                  {begin + "{2}\r\nHi\r\n" + begin + "{2}\r\nho\r\nTAG OK done\r\n", "Hi", submission.ErrTemporary, false},
		"more than announced":    {begin + "{2}\r\nHi there\r\nTAG OK done\r\n", "Hi", submission.ErrTemporary, false},
		"a line more":            {begin + "{2}\r\nHi\r\n\r\nTAG OK done\r\n", "Hi", submission.ErrTemporary, false},
		"less than announced":    {begin + "{30}\r\nHi\r\nTAG OK done\r\n" + stall, "Hi\r\ns5 OK done", submission.ErrTemporary, false},
		"in the middle, dead":    {begin + "{9}\r\nHi" + hangUp, "Hi", submission.ErrTemporary, false},
		"in the middle, silent":  {begin + "{9}\r\nHi" + stall, "Hi", submission.ErrTemporary, false},
		"at the end, dead":       {begin + "{2}\r\nHi" + hangUp, "Hi", submission.ErrTemporary, false},
		"at the end, silent":     {begin + "{2}\r\nHi\r\n" + stall, "Hi", submission.ErrTemporary, false},
		"at the start, dead":     {hangUp, "", submission.ErrTemporary, false},
		"at the start, silent":   {stall, "", submission.ErrTemporary, false},
		"good bye":               {"* BYE going down\r\n" + hangUp, "", submission.ErrTemporary, false},
		"a question":             {"+ go on\r\n" + stall, "", submission.ErrTemporary, false},
		"nonsense":               {"\x00\xff{\r\n" + stall, "", submission.ErrTemporary, false},
		"no number":              {begin + "{99999999999999999999}\r\nHi\r\n" + stall, "", submission.ErrTemporary, false},
		"a size beyond all":      {begin + "{9223372036854775807}\r\nHi" + hangUp, "Hi", submission.ErrTemporary, false},
		"a name beyond all":      {"* URLFETCH {9223372036854775807}\r\nHi" + stall, "", submission.ErrTemporary, false},
		"too many responses":     {strings.Repeat("* 3 EXISTS\r\n", 200) + begin + "{2}\r\nHi\r\nTAG OK done\r\n", "", submission.ErrTemporary, false},
		"too many in the end":    {begin + "{2}\r\nHi\r\n" + strings.Repeat("* 3 EXISTS\r\n", 200) + "TAG OK done\r\n", "Hi", submission.ErrTemporary, false},
		"a line without end":     {"* X " + strings.Repeat("x", 1<<20) + stall, "", submission.ErrTemporary, false},
		"lines too long":         {strings.Repeat("* X "+strings.Repeat("x", 100_000)+"\r\n", 50) + stall, "", submission.ErrTemporary, false},
		"a structure, too":       {begin + "(BODYPARTSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 2 1)) {2}\r\nHi\r\nTAG OK done\r\n", "", submission.ErrTemporary, false},
		"a structure afterwards": {begin + "{2}\r\nHi (BODYPARTSTRUCTURE NIL)\r\nTAG OK done\r\n", "Hi", submission.ErrTemporary, false},
	} {
		t.Run(name, func(t *testing.T) {
			withScript(t, func(t *testing.T, s *script) {
				f := newIMAP(t, s.config())
				defer f.Close()
				s.answer = func(tag, verb, rest string) string {
					if verb == "URLFETCH" {
						return c.answer
					}
					return ""
				}
				content, err := f.Fetch(context.Background(), "", scriptURL, false)
				text := []byte{}
				if err == nil {
					text, err = io.ReadAll(content)
					if _, again := content.Read(make([]byte, 1)); err == nil && again != io.EOF || err != nil && !errors.Is(again, c.err) {
						t.Errorf("then %v", again)
					}
					content.Close()
				}
				if strings.TrimSpace(string(text)) != c.text || !errors.Is(err, c.err) || errors.Is(err, submission.ErrNoURL) && errors.Is(err, submission.ErrTemporary) {
					t.Errorf("%q, %v", text, err)
				}
				s.said()
				s.answer = nil
				if text, err := fetch(f, scriptURL); text != "Hello." || err != nil {
					t.Errorf("the next one: %q, %v", text, err)
				}
				if kept := s.said()[0] != "connect"; kept != c.kept {
					t.Errorf("the connection was kept: %v", kept)
				}
			})
		})
	}
}

// A store that is not as it should be before URLFETCH is not told who one is,
// where it has not yet shown who it is; and it does not use up the places.
func TestBadStores(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*script, *burl.IMAPConfig)
		told   bool // AUTHENTICATE was said
	}{
		"not there": {func(s *script, cfg *burl.IMAPConfig) { s.greeting = hangUp }, false},
		"silent":    {func(s *script, cfg *burl.IMAPConfig) { s.greeting = stall }, false},
		"busy":      {func(s *script, cfg *burl.IMAPConfig) { s.greeting = "* BYE too many\r\n" }, false},
		"of SMTP":   {func(s *script, cfg *burl.IMAPConfig) { s.greeting = "220 hello\r\n" + stall }, false},
		"PREAUTH":   {func(s *script, cfg *burl.IMAPConfig) { s.greeting = "* PREAUTH hello\r\n" }, false},
		"STARTTLS refused": {func(s *script, cfg *burl.IMAPConfig) {
			s.answer = func(_, verb, _ string) string { return map[string]string{"STARTTLS": "TAG BAD what\r\n"}[verb] }
		}, false},
		"more than the answer to STARTTLS": {func(s *script, cfg *burl.IMAPConfig) {
			s.answer = func(_, verb, _ string) string {
				return map[string]string{"STARTTLS": "TAG OK go on\r\n* CAPABILITY AUTH=PLAIN\r\n"}[verb]
			}
		}, false},
		"unknown authority": {func(s *script, cfg *burl.IMAPConfig) { cfg.TLS = nil }, false},
		"another name": {func(s *script, cfg *burl.IMAPConfig) {
			cfg.TLS.ServerName = "elsewhere.example.org"
		}, false},
		"TLS 1.1 at most": {func(s *script, cfg *burl.IMAPConfig) {
			cfg.TLS.MinVersion, cfg.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}, false},
		"without EXTERNAL": {func(s *script, cfg *burl.IMAPConfig) { s.caps = "IMAP4rev1 SASL-IR AUTH=PLAIN URLAUTH" }, false},
		"refuses the login": {func(s *script, cfg *burl.IMAPConfig) {
			s.answer = func(_, verb, _ string) string { return map[string]string{"AUTHENTICATE": "TAG NO who\r\n"}[verb] }
		}, true},
		"asks and asks": {func(s *script, cfg *burl.IMAPConfig) {
			s.answer = func(_, verb, _ string) string {
				return map[string]string{"AUTHENTICATE": "+ \r\n+ \r\n+ \r\n" + stall}[verb]
			}
		}, true},
		"without URLAUTH": {func(s *script, cfg *burl.IMAPConfig) { s.caps = "IMAP4rev1 SASL-IR AUTH=EXTERNAL" }, true},
		"capabilities without end": {func(s *script, cfg *burl.IMAPConfig) {
			s.answer = func(_, verb, _ string) string {
				return map[string]string{"CAPABILITY": strings.Repeat("* CAPABILITY X\r\n", 101) + "TAG OK done\r\n"}[verb]
			}
		}, false},
		"no certificate at hand": {func(s *script, cfg *burl.IMAPConfig) {
			cfg.Certificate = func() (*tls.Certificate, error) { return nil, errors.New("no file") }
		}, false},
		"no password at hand": {func(s *script, cfg *burl.IMAPConfig) {
			cfg.Certificate, cfg.Password = nil, func() (string, error) { return "", errors.New("no file") }
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			withScript(t, func(t *testing.T, s *script) {
				cfg := s.config()
				cfg.MaxConnections = 1
				c.change(s, &cfg)
				f := newIMAP(t, cfg)
				began := time.Now()
				for range 2 {
					if _, err := fetch(f, scriptURL); !errors.Is(err, submission.ErrTemporary) {
						t.Error(err)
					}
				}
				if took := time.Since(began); took > 2*30*time.Second {
					t.Errorf("took %v", took)
				}
				if told := strings.Contains(strings.Join(s.said(), "\n"), "AUTHENTICATE"); told != c.told {
					t.Errorf("AUTHENTICATE was said: %v", told)
				}
			})
		})
	}
}

// A connection that was idle for a while is tried before it is used; one that
// the store ended is replaced without anybody noticing; one that nobody needs
// is ended.
func TestIdleConnections(t *testing.T) {
	withScript(t, func(t *testing.T, s *script) {
		f := newIMAP(t, s.config())
		get := func() {
			t.Helper()
			if text, err := fetch(f, scriptURL); text != "Hello." || err != nil {
				t.Errorf("%q, %v", text, err)
			}
		}
		anew := []string{"connect", "STARTTLS", "TLS", "CAPABILITY", "AUTHENTICATE EXTERNAL =", "CAPABILITY", "URLFETCH URL"}
		get()
		s.wants(anew...)
		time.Sleep(9 * time.Second)
		get()
		s.wants("URLFETCH URL")
		time.Sleep(11 * time.Second)
		get()
		s.wants("NOOP", "URLFETCH URL")

		s.hangUpAll() // found out by the fetch itself
		get()
		s.wants(anew...)
		time.Sleep(11 * time.Second)
		s.hangUpAll() // found out by NOOP
		get()
		s.wants(anew...)
		s.answer = func(_, verb, _ string) string { return map[string]string{"NOOP": stall}[verb] }
		time.Sleep(11 * time.Second)
		get() // NOOP has no answer
		s.wants(append([]string{"NOOP"}, anew...)...)
		s.answer = func(_, verb, _ string) string {
			return map[string]string{"URLFETCH": "* BYE restarting\r\n" + hangUp}[verb]
		}
		if _, err := fetch(f, scriptURL); !errors.Is(err, submission.ErrTemporary) {
			t.Error(err)
		}
		s.wants(append([]string{"URLFETCH URL"}, anew...)...) // twice, and no more
		s.answer = nil

		get()
		s.wants(anew...)
		time.Sleep(5*time.Minute + time.Second)
		s.wants("LOGOUT")
		get()
		s.wants(anew...)
		f.Close()
		synctest.Wait()
		s.wants("LOGOUT")
		get() // what comes after Close is served, and not kept
		synctest.Wait()
		s.wants(append(anew, "LOGOUT")...)
	})
}

// No more connections than there may be; who waits for one too long is told to
// come again, and none is lost.
func TestPlacesAreBounded(t *testing.T) {
	withScript(t, func(t *testing.T, s *script) {
		cfg := s.config()
		cfg.MaxConnections = 2
		f := newIMAP(t, cfg)
		ctx := context.Background()
		one, err := f.Fetch(ctx, "", scriptURL, false)
		if err != nil {
			t.Fatal(err)
		}
		two, err := f.Fetch(ctx, "", scriptURL, false)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := f.Fetch(ctx, "", scriptURL, false); !errors.Is(err, submission.ErrTemporary) || time.Since(began) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := f.Fetch(short, "", scriptURL, false); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, submission.ErrTemporary) {
			t.Error(err)
		}
		read := make(chan struct{})
		time.AfterFunc(time.Second, func() { // read to its end, it is free before it is closed
			io.Copy(io.Discard, one)
			close(read)
		})
		if text, err := fetch(f, scriptURL); text != "Hello." || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		<-read
		one.Close()
		two.Close()
		two.Close()
		for range 5 {
			if text, err := fetch(f, scriptURL); text != "Hello." || err != nil {
				t.Errorf("%q, %v", text, err)
			}
		}
		n := 0
		for _, what := range s.said() {
			if what == "connect" {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d connections were made", n)
		}
	})
}

// ctx ends a fetch wherever it is.
func TestFetchEndsWithContext(t *testing.T) {
	for _, stage := range []string{"STARTTLS", "CAPABILITY", "AUTHENTICATE", "URLFETCH"} {
		withScript(t, func(t *testing.T, s *script) {
			f := newIMAP(t, s.config())
			s.answer = func(_, verb, _ string) string { return map[string]string{stage: stall}[verb] }
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			began := time.Now()
			_, err := f.Fetch(ctx, "", scriptURL, false)
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, submission.ErrTemporary) || time.Since(began) != 3*time.Second {
				t.Errorf("%s: after %v: %v", stage, time.Since(began), err)
			}
		})
	}
}

func TestBadIMAPConfig(t *testing.T) {
	certificate, password := func() (*tls.Certificate, error) { return nil, nil }, func() (string, error) { return "", nil }
	for _, cfg := range []burl.IMAPConfig{
		{Certificate: certificate}, {Address: "imap://h", Certificate: certificate}, {Address: "joe@h", Certificate: certificate},
		{Address: "h"}, {Address: "h", Certificate: certificate, Password: password},
	} {
		if _, err := burl.NewIMAP(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}
