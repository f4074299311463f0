package smtp

import (
	"strings"
	"testing"
)

func TestParseBURL(t *testing.T) {
	const url = "imap://harry@gryffindor.example.com/outbox;uidvalidity=1078863300/;uid=25;urlauth=submit+harry:internal:91354a473744909de610943775f92038"
	for args, want := range map[string]URLChunk{
		// RFC 4468 §3.4, RFC 5550 §8.4.1.
		url + " LAST":    {url, true},
		url:              {url, false},
		url + "  last":   {url, true},
		"imap:/%41?a[b]": {"imap:/%41?a[b]", false},
	} {
		if got, err := ParseBURL([]byte(args)); got != want || err != nil {
			t.Errorf("%s: %+v, %v", args, got, err)
		}
	}
	for _, args := range []string{
		"", "LAST", "imap:", ":x", "1map:x", "im_ap:x", "/outbox/;uid=25", "//host/outbox LAST", url + " FIRST", url + " LAST x", url + " BLAST x LAST", url + "\"  LAST",
		"imap://h/a#fragment", "imap://h/a%4", "imap://h/a%zz", "imap://h/ü", "imap://h/a\"b", "imap://h/<a>", "imap://h/a\\b", "imap://h/a\x00",
	} {
		// That it was meant to be the last is known all the same.
		want := URLChunk{Last: strings.HasSuffix(args, "LAST")}
		if got, err := ParseBURL([]byte(args)); err != ErrURLChunk || got != want {
			t.Errorf("%s: %+v, %v", args, got, err)
		}
	}
}

func FuzzBURL(f *testing.F) {
	f.Add([]byte("imap://harry@gryffindor.example.com/outbox;uid=25;urlauth=submit+harry:internal:91354a47 LAST"))
	f.Add([]byte("imap:%20?[::1]"))
	f.Fuzz(func(t *testing.T, args []byte) {
		c, err := ParseBURL(args)
		if err != nil {
			return
		}
		line := "BURL " + c.URL
		if c.Last {
			line += " LAST"
		}
		command := ParseCommand([]byte(line))
		if again, err := ParseBURL(command.Args); again != c || err != nil || string(command.Verb()) != "BURL" {
			t.Fatalf("%q: %+v, again %+v, %v", args, c, again, err)
		}
	})
}
