package deflate

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Bursts such as a phone is sent when it looks at its mailbox: some tens of
// FETCH responses each, with addresses, subjects and identifiers of which some
// come again and again.

var words = strings.Fields(`report meeting invoice order ticket weekly update
	review draft minutes agenda holiday question answer offer server backup
	password account family photo dinner birthday train flight hotel release
	contract signature lunch project deadline budget plan notes reminder`)

var people = strings.Fields(`alice bob carol dave erin frank grace heidi ivan
	judy karl laura mallory nina oscar peggy quentin rupert sybil trent ursula
	victor walter xenia yves zoe`)

var sites = []string{"example.org", "example.com", "mail.example.net", "lists.example.org", "shop.example.com"}

type writerOfMail struct{ *rand.Rand }

func (w writerOfMail) of(list []string) string { return list[w.IntN(len(list))] }

func (w writerOfMail) address() string {
	p := w.of(people)
	return fmt.Sprintf(`("%s %s" NIL "%s" "%s")`, p, w.of(people), p, w.of(sites))
}

func (w writerOfMail) subject() string {
	var s []string
	for range 3 + w.IntN(5) {
		s = append(s, w.of(words))
	}
	return strings.Join(s, " ")
}

func (w writerOfMail) messageID() string {
	return fmt.Sprintf("<%x.%d@%s>", w.Uint64(), w.IntN(1e6), w.of(sites))
}

func (w writerOfMail) fetch(n int) string {
	from := w.address()
	return fmt.Sprintf("* %d FETCH (UID %d RFC822.SIZE %d FLAGS (%s) INTERNALDATE \"%02d-Nov-2026 %02d:%02d:%02d +0000\" "+
		"ENVELOPE (\"Mon, %d Nov 2026 %02d:%02d:%02d +0100\" \"%s\" (%s) (%s) (%s) ((NIL NIL \"alice\" \"example.org\")) NIL NIL %q %q))\r\n",
		n, n+17, 900+w.IntN(1<<w.IntN(20)), w.of([]string{`\Seen`, "", `\Seen \Answered`, `\Seen $Forwarded`}),
		1+w.IntN(28), w.IntN(24), w.IntN(60), w.IntN(60),
		1+w.IntN(28), w.IntN(24), w.IntN(60), w.IntN(60), w.subject(), from, from, from, w.messageID(), w.messageID())
}

// bursts are count of them, of about each responses.
func bursts(count, each int) [][]byte {
	w := writerOfMail{rand.New(rand.NewPCG(4978, 1951))}
	var all [][]byte
	for n := 1; len(all) < count; {
		var b strings.Builder
		for range each/2 + w.IntN(each+1) {
			b.WriteString(w.fetch(n))
			n++
		}
		fmt.Fprintf(&b, "a%d OK FETCH completed\r\n", len(all))
		all = append(all, []byte(b.String()))
	}
	return all
}
