package account_test

import (
	"fmt"
	"strings"
	"testing"

	"citron/store/account"
)

// threads appends messages and gives their THREADIDs.
func (r *rig) threads(headers ...string) (ids []string) {
	r.t.Helper()
	for _, h := range headers {
		h = strings.ReplaceAll(h, ";", "\r\n") + "\r\n\r\ntext\r\n"
		if _, err := r.a.Append(r.ctx, r.by, account.Inbox, []account.AppendItem{{Incoming: r.incoming(h)}}); err != nil {
			r.t.Fatal(err)
		}
	}
	var objects []account.ObjectID
	for _, e := range r.entries(r.view(account.Inbox)) {
		objects = append(objects, e.Object)
	}
	stored, err := r.a.Summaries(r.ctx, objects[len(objects)-len(headers):], 0)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range stored {
		ids = append(ids, s.ThreadID())
	}
	return ids
}

func TestThreads(t *testing.T) {
	r := newRig(t, account.Options{})
	for name, c := range map[string]struct {
		headers []string
		want    string // the same letter: the same thread
	}{
		"an answer":                {[]string{"Message-ID: <1@x>", "Message-ID: <2@x>;In-Reply-To: <1@x>"}, "aa"},
		"the answer came first":    {[]string{"Message-ID: <2@x>;In-Reply-To: <1@x>", "Message-ID: <1@x>"}, "aa"},
		"answers to one not here":  {[]string{"Message-ID: <2@x>;References: <0@x> <1@x>", "Message-ID: <3@x>;References: <1@x>"}, "aa"},
		"strangers":                {[]string{"Message-ID: <1@x>", "Message-ID: <2@x>", "Subject: x"}, "abc"},
		"two copies":               {[]string{"Message-ID: <1@x>", "Message-ID: <1@x>;Subject: list"}, "aa"},
		"the grandparent is known": {[]string{"Message-ID: <1@x>", "Message-ID: <3@x>;References: <1@x> <2@x>", "Message-ID: <2@x>"}, "aaa"},
		"without any identifier":   {[]string{"Subject: a", "Subject: a"}, "ab"},
		"only the root is known":   {[]string{"Message-ID: <1@x>", "Message-ID: <9@x>;References: <1@x> <2@x> <3@x> <4@x> <5@x> <6@x> <7@x>"}, "aa"},
		"In-Reply-To goes before":  {[]string{"Message-ID: <1@x>", "Message-ID: <2@x>", "Message-ID: <3@x>;In-Reply-To: <2@x>;References: <1@x>"}, "abb"},
	} {
		for i := range c.headers {
			c.headers[i] = strings.ReplaceAll(c.headers[i], "@x", fmt.Sprintf("@%x", name))
		}
		letters, got := map[string]string{}, ""
		for _, id := range r.threads(c.headers...) {
			if letters[id] == "" {
				letters[id] = string(rune('a' + len(letters)))
			}
			got += letters[id]
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
