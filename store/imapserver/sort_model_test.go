package imapserver

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"citron/mail/collate"
	"citron/mail/message"
	"citron/wire/imap"
)

// TestSortIsOfWhatIsFetched plays random histories of several sessions and holds
// what SORT says (RFC 5256 §3, RFC 5957 §4) against what each session computes
// from the envelopes, dates and sizes that FETCH gives it.
func TestSortIsOfWhatIsFetched(t *testing.T) {
	for seed := range histories() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 5256))
			f := newFixture(t, func(c *Config) {
				if seed%3 == 0 {
					c.SortMemory = 1 // nothing is kept
				}
			})
			clients := []*peer{f.login(), f.login(), f.login()}
			for _, p := range clients {
				p.say(t, "e ENABLE UTF8=ACCEPT", "s SELECT INBOX")
			}
			for range 60 {
				*f.clock = f.clock.Add(time.Duration(random.IntN(3)) * time.Second)
				disturbMailbox(f, clients[random.IntN(len(clients))], random)
				if random.IntN(3) == 0 {
					checkSort(t, clients[random.IntN(len(clients))], random, nil)
				}
			}
		})
	}
}

func disturbMailbox(f *fixture, p *peer, random *rand.Rand) {
	n := 1 + random.IntN(8)
	switch random.IntN(8) {
	case 0:
		p.say(f.t, fmt.Sprintf(`d STORE %d +FLAGS.SILENT (\Deleted)`, n), "e EXPUNGE")
	case 1:
		p.say(f.t, fmt.Sprintf("c COPY %d:%d INBOX", n, n+2))
	case 2:
		p.say(f.t, fmt.Sprintf(`a APPEND INBOX "%2d-Feb-2024 00:00:00 +0000" {14+}`, n), "Subject: old\r\n")
	default:
		f.deliver("INBOX", crlf([]byte(randomMail(random))))
	}
}

func randomMail(random *rand.Rand) string {
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	address := func() string {
		return one("a@x", "B@x", `"b"@y`, "Zoe <a@x>", "=?utf-8?q?=C3=89mile?= <e@x>", "friends: c@x, d@x;", "=?utf-8?q?Fr=C3=A9d?=: c@x;", "émile <é@x>", "<>", "no address at all", `"" <q@x>`)
	}
	var b strings.Builder
	for _, field := range []string{"From", "To", "Cc"} {
		if random.IntN(4) > 0 {
			fmt.Fprintf(&b, "%s: %s, %s\n", field, address(), address())
		}
	}
	if random.IntN(5) > 0 {
		fmt.Fprintf(&b, "Subject: %s%s%s\n", one("", "Re: ", "[list] re: ", "Fwd: Re: "), one("hello", "Hello", "  hello  there", "=?iso-8859-1?q?h=E9llo?=", "[a] [b]", "", "ß"), one("", " (fwd)", " "))
	}
	if random.IntN(5) > 0 {
		fmt.Fprintf(&b, "Date: %s\n", one("Mon, 23 Nov 2026 11:59:59 +0000", "Mon, 23 Nov 2026 12:59:59 +0100", "23 Nov 26 07:00 EST", "yesterday", "Mon, 23 Nov 2026 99:99:99 +0000", "1 Jan 1969 00:00:00 +0000"))
	}
	return b.String() + "\n" + strings.Repeat("x", random.IntN(3)) + "\n"
}

// shown is a message as a client sees it, and its strings as sort keys.
type shown struct {
	uid     uint32
	numbers map[imap.SortKey]int64
	strings map[imap.SortKey]string
}

// checkSort holds one order against FETCH. The sizes, if there are any, stand
// for those of FETCH: SIZE is of the message as it is stored, and that of a
// binary one is shown as it is fetched.
func checkSort(t *testing.T, p *peer, random *rand.Rand, sizes map[uint32]int64) {
	t.Helper()
	p.say(t, "n NOOP")
	order := "i;unicode-casemap"
	if random.IntN(3) == 0 {
		order = []string{"i;octet", "i;ascii-casemap", "i;ascii-numeric", "-i;unicode-casemap"}[random.IntN(4)]
	}
	p.say(t, "c COMPARATOR "+order)
	by := collate.Match(order)[0]
	all := fetchShown(t, p)
	for i := range all {
		if size, ok := sizes[all[i].uid]; ok {
			all[i].numbers[imap.SortSize] = size
		}
	}
	var criteria []imap.SortCriterion
	var names []string
	for range 1 + random.IntN(3) {
		k := imap.SortCriterion{Key: imap.SortKey(1 + random.IntN(int(imap.SortDisplayTo))), Reverse: random.IntN(2) == 0}
		criteria = append(criteria, k)
		if name := k.Key.String(); k.Reverse {
			names = append(names, "REVERSE "+name)
		} else {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(all, func(a, b shown) int { return compareShown(&a, &b, criteria, by) })
	want := "* SORT"
	for _, m := range all {
		want += fmt.Sprint(" ", m.uid)
	}
	command := fmt.Sprintf("s UID SORT (%s) UTF-8 ALL", strings.Join(names, " "))
	if got, _, _ := strings.Cut(p.say(t, command), "\r\n"); got != want {
		t.Fatalf("%s with %s:\n%s, want\n%s\n%+v", command, order, got, want, all)
	}
}

func compareShown(a, b *shown, criteria []imap.SortCriterion, by collate.Comparator) int {
	for _, k := range criteria {
		x, y := a, b
		c := cmp.Compare(x.numbers[k.Key], y.numbers[k.Key])
		if s, ok := x.strings[k.Key]; ok {
			switch r := y.strings[k.Key]; {
			case s == "" || r == "":
				c = cmp.Compare(min(len(s), 1), min(len(r), 1))
			case by.Reverse:
				c = bytes.Compare(by.Key(r), by.Key(s))
			default:
				c = bytes.Compare(by.Key(s), by.Key(r))
			}
		}
		if k.Reverse {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func fetchShown(t *testing.T, p *peer) (all []shown) {
	t.Helper()
	r := imap.NewResponseReader(strings.NewReader(p.say(t, "f UID FETCH 1:* (INTERNALDATE RFC822.SIZE ENVELOPE)")))
	for {
		response, err := r.Next()
		if err != nil {
			return all
		}
		f, ok := response.(*imap.FetchResponse)
		if !ok || f.Envelope == nil {
			continue
		}
		e := f.Envelope
		sent := f.InternalDate.Unix()
		if d, ok := message.ParseDate([]byte(e.Date.Value)); ok {
			sent = d.Unix
		}
		subject, _ := message.BaseSubject(message.DecodeHeader([]byte(e.Subject.Value)))
		all = append(all, shown{uid: f.UID,
			numbers: map[imap.SortKey]int64{imap.SortArrival: f.InternalDate.Unix(), imap.SortDate: sent, imap.SortSize: f.Size.Value},
			strings: map[imap.SortKey]string{imap.SortSubject: subject,
				imap.SortFrom: firstMailbox(e.From), imap.SortTo: firstMailbox(e.To), imap.SortCc: firstMailbox(e.Cc),
				imap.SortDisplayFrom: firstDisplay(e.From), imap.SortDisplayTo: firstDisplay(e.To)}})
	}
}

func firstMailbox(list []imap.Address) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].Mailbox.Value
}

// firstDisplay is RFC 5957 §3.
func firstDisplay(list []imap.Address) string {
	if len(list) == 0 {
		return ""
	}
	a := list[0]
	if name := message.DecodeHeader([]byte(a.Name.Value)); a.Name.Valid && name != "" {
		return name
	}
	if a.Mailbox.Valid && a.Host.Valid {
		return a.Mailbox.Value + "@" + a.Host.Value
	}
	return a.Mailbox.Value
}
