package imapserver

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"citron/mail/acl"
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// What the phones of TestProfileAgainstModel ask, and the plain rules that the
// answers must follow.

var everyUID = uidset.Ranges{{First: 1, Last: uidset.MaxUID}}

// check asks something at rest.
func (p *phone) check() {
	p.t.Helper()
	switch p.h.rng.IntN(8) {
	case 0:
		p.checkFlags()
	case 1: // the index, and the scan: what NOT encloses is not narrowed
		key := p.h.key(2)
		charset := "CHARSET UTF-8 "
		if p.utf8() { // RFC 6855 §3
			charset = ""
		}
		p.same(charset+key, charset+"NOT NOT ("+key+")")
	case 2:
		if p.filter != "" {
			p.same("FILTER f", p.filter)
			p.same("NOT FILTER F", "NOT ("+p.filter+")")
		}
	case 3:
		p.checkOrder()
	case 4:
		p.checkThread()
	case 5:
		p.checkViews()
	case 6:
		for range 3 {
			p.fetchURL()
		}
	case 7:
		p.checkMany()
	}
}

// checkOrder holds SORT against what is fetched, by a phone that is shown
// addresses as they are.
func (p *phone) checkOrder() {
	p.t.Helper()
	if !p.utf8() {
		return
	}
	sizes := map[uint32]int64{}
	a, info := p.h.truthOf("alice", "INBOX")
	p.h.entries(a, info, func(e *account.Entry) { sizes[uint32(e.UID)] = e.Size })
	checkSort(p.t, p.peer, p.h.rng, sizes)
	p.command(`COMPARATOR "i;unicode-casemap"`)
}

func (p *phone) utf8() bool { return strings.Contains(p.enable, "UTF8") }

// found asks for the UIDs that a search finds.
func (p *phone) found(keys string) []uint32 {
	p.t.Helper()
	uids := p.results("UID SEARCH RETURN (ALL) " + keys)
	if !strings.Contains(p.lastOut, "t OK") {
		p.t.Fatalf("%s: %s: %q", p.name, keys, p.lastOut)
	}
	return uids
}

// same holds that two searches find the same.
func (p *phone) same(a, b string) {
	p.t.Helper()
	if x, y := p.found(a), p.found(b); !slices.Equal(x, y) {
		p.t.Fatalf("%s: %s finds %v, %s %v", p.name, a, x, b, y)
	}
}

// checkFlags holds searches for flags, and for results that were saved
// (RFC 5182), against the truth.
func (p *phone) checkFlags() {
	p.t.Helper()
	for key, flag := range map[string]string{"FLAGGED": `\Flagged`, "SEEN": `\Seen`, "KEYWORD kw2": "kw2", "DELETED": `\Deleted`} {
		want := p.h.flagged("alice", "INBOX", flag)
		if got := p.found(key); !slices.Equal(got, want) {
			p.t.Fatalf("%s: %s finds %v, not %v", p.name, key, got, want)
		}
		p.command("UID SEARCH RETURN (SAVE) " + key)
		if got := p.found("$"); !slices.Equal(got, want) {
			p.t.Fatalf("%s: %s was saved as %v, not %v", p.name, key, got, want)
		}
	}
}

// checkMany searches other mailboxes (RFC 7377).
func (p *phone) checkMany() {
	p.t.Helper()
	boxes := otherBoxes[p.user]
	for key, flag := range map[string]string{"FLAGGED": `\Flagged`, "SEEN": `\Seen`} {
		p.command(fmt.Sprintf(`ESEARCH IN (mailboxes ("%s")) RETURN (ALL) %s`, strings.Join(boxes, `" "`), key))
		for _, name := range boxes {
			want := p.h.flagged(p.user, name, flag)
			var got []uint32
			about := regexp.MustCompile(`\* ESEARCH \(TAG "t" MAILBOX "?` + regexp.QuoteMeta(name) + `"? UIDVALIDITY \d+\) UID ALL (\S+)`)
			if a := about.FindStringSubmatch(p.lastOut); a != nil {
				got = expand(a[1])
			}
			if !slices.Equal(got, want) {
				p.t.Fatalf("%s: %s in %s is %v, not %v: %q", p.name, key, name, got, want, p.lastOut)
			}
		}
	}
}

// checkThread holds that every message found is in one thread, once.
func (p *phone) checkThread() {
	p.t.Helper()
	key := []string{"ALL", "FLAGGED", "NOT DELETED", "SUBJECT zitr"}[p.h.rng.IntN(4)]
	want := p.found(key)
	for _, algorithm := range []string{"REFERENCES", "ORDEREDSUBJECT"} {
		p.command("UID THREAD " + algorithm + " UTF-8 " + key)
		var got []uint32
		for line := range strings.Lines(p.lastOut) {
			if strings.HasPrefix(line, "* THREAD") {
				for _, n := range regexp.MustCompile(`\d+`).FindAllString(line, -1) {
					got = append(got, number(n))
				}
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			p.t.Fatalf("%s: threads of %s hold %v, not %v: %q", p.name, key, got, want, p.lastOut)
		}
	}
}

// sections gives parts of a message, by what stands in BODY[…].
func (p *phone) sections(uid uint32, names ...string) (size int64, parts map[string]string) {
	p.t.Helper()
	line := fmt.Sprintf("UID FETCH %d (RFC822.SIZE", uid)
	for _, name := range names {
		line += " BODY.PEEK[" + name + "]"
	}
	p.command(line + ")")
	r := imap.NewResponseReader(strings.NewReader(p.lastOut))
	for {
		response, err := r.Next()
		if err != nil {
			return size, parts
		}
		if f, ok := response.(*imap.FetchResponse); ok && f.UID == uid && len(f.Sections) == len(names) {
			size, parts = f.Size.Value, map[string]string{}
			for i, name := range names {
				parts[name] = string(f.Sections[i].Literal.Data)
			}
		}
	}
}

// checkViews holds the parts of a message against one another.
func (p *phone) checkViews() {
	p.t.Helper()
	uid := p.someUID()
	if uid == 0 {
		return
	}
	size, parts := p.sections(uid, "", "HEADER", "TEXT")
	if parts == nil || int64(len(parts[""])) != size || parts["HEADER"]+parts["TEXT"] != parts[""] {
		p.t.Fatalf("%s: UID %d has %d octets, and they are %q", p.name, uid, size, parts)
	}
}

// catenate makes a message of the header of one and a text (RFC 4469), in this
// mailbox or another.
func (p *phone) catenate() {
	p.t.Helper()
	uid := p.someUID()
	if uid == 0 {
		return
	}
	_, parts := p.sections(uid, "HEADER")
	if strings.Contains(parts["HEADER"], "binary") {
		return // shown encoded, and with another text not
	}
	url := fmt.Sprintf("/%s/;UID=%d/;SECTION=HEADER", inURL(p.box), uid)
	if other := otherBoxes[p.user][0]; p.h.rng.IntN(3) == 0 {
		p.command(fmt.Sprintf(`APPEND %s CATENATE (URL "%s" TEXT {5+}`+"\r\nlemon)", other, url))
		p.forget(other)
		return
	}
	p.command(fmt.Sprintf(`APPEND %s CATENATE (URL "%s" TEXT {5+}`+"\r\nlemon)", p.box, url))
	made := regexp.MustCompile(`t OK \[APPENDUID \d+ (\d+)\]`).FindStringSubmatch(p.lastOut)
	if made == nil {
		if p.h.there(uid) && (p.user == "alice" || p.h.rights.Has(acl.Insert)) {
			p.t.Fatalf("%s: no message was made: %q", p.name, p.lastOut)
		}
		return
	}
	if _, all := p.sections(number(made[1]), ""); all[""] != parts["HEADER"]+"lemon" {
		p.t.Fatalf("%s: of %q was made %q", p.name, parts["HEADER"], all[""])
	}
}

// someUID is one that the client knows, or 0.
func (p *phone) someUID() uint32 {
	if len(p.uids) == 0 {
		return 0
	}
	return p.uids[p.h.rng.IntN(len(p.uids))]
}

// mintedURL is a URL that somebody has authorized (RFC 4467).
type mintedURL struct {
	user    string
	uid     uint32
	url     string
	section string
	from    int       // of the section; with n
	n       int       // 0: all
	expires time.Time // zero: never
	reset   bool      // the key that it was made with is no more
}

// mint authorizes a URL of a part of a message.
func (p *phone) mint() {
	p.t.Helper()
	u := &mintedURL{user: p.user, uid: p.someUID(), section: []string{"", "HEADER", "TEXT"}[p.h.rng.IntN(3)]}
	if u.uid == 0 || !p.h.there(u.uid) {
		return
	}
	u.url = fmt.Sprintf("imap://%s@h/%s/;UID=%d", p.user, inURL(p.box), u.uid)
	if u.section != "" {
		u.url += "/;SECTION=" + u.section
	}
	if k := p.h.rng.IntN(20); k > 10 {
		u.from, u.n = k-10, k
		u.url += fmt.Sprintf("/;PARTIAL=%d.%d", u.from, u.n)
	}
	if p.h.rng.IntN(3) == 0 {
		u.expires = p.h.clock.Add(2 * time.Minute)
		u.url += ";EXPIRE=" + u.expires.Format(time.RFC3339)
	}
	p.command(`GENURLAUTH "` + u.url + `;URLAUTH=anonymous" INTERNAL`)
	a := regexp.MustCompile(`(?m)^\* GENURLAUTH "(.*)"\r$`).FindStringSubmatch(p.lastOut)
	if a == nil {
		p.t.Fatalf("%s: no URL: %q", p.name, p.lastOut)
	}
	u.url = a[1]
	p.h.urls = append(p.h.urls, u)
}

// resetKeys makes the URLs of a user worthless.
func (p *phone) resetKeys() {
	p.t.Helper()
	p.command([]string{"RESETKEY", "RESETKEY " + p.box}[p.h.rng.IntN(2)])
	for _, u := range p.h.urls {
		u.reset = u.reset || u.user == p.user && strings.Contains(p.lastOut, "t OK")
	}
}

// octets are what a URL points to, as the phone sees it when it fetches the
// section itself.
func (u *mintedURL) octets(p *phone) string {
	p.t.Helper()
	_, parts := p.sections(u.uid, u.section)
	text := parts[u.section]
	if u.n > 0 {
		text = text[min(u.from, len(text)):min(u.from+u.n, len(text))]
	}
	return text
}

// fetchURL fetches one of the URLs, of whomever it is. Who authorized it must
// still have the right to read (RFC 4467 §8).
func (p *phone) fetchURL() {
	p.t.Helper()
	if len(p.h.urls) == 0 {
		return
	}
	u := p.h.urls[len(p.h.urls)-1-p.h.rng.IntN(min(6, len(p.h.urls)))]
	alive := !u.reset && p.h.there(u.uid) && (u.user == "alice" || p.h.rights.Has(acl.Read)) &&
		(u.expires.IsZero() || !p.h.clock.After(u.expires))
	want := "NIL\r\nt OK"
	if alive {
		octets := u.octets(p)
		want = fmt.Sprintf("{%d}\r\n%s\r\nt OK", len(octets), octets)
	}
	p.command(`URLFETCH "` + u.url + `"`)
	_, answer, _ := strings.Cut(p.lastOut, `* URLFETCH "`+u.url+`" `)
	if !strings.HasPrefix(answer, want) {
		p.t.Fatalf("%s: %+v gives %q, not %q", p.name, *u, answer, want)
	}
}

// noteKey names an annotation of the mailbox in the model: private ones are each
// user's own.
func (p *phone) noteKey(entry string) string {
	if strings.HasPrefix(entry, "/private") {
		return p.user + entry
	}
	return entry
}

var saysNote = regexp.MustCompile(`(/[a-z/]+) (?:NIL|"([^"]*)")`)

// takeInNotes notes values, or that there are others.
func (p *phone) takeInNotes(said string) {
	if !strings.HasPrefix(said, "(") {
		for entry := range strings.FieldsSeq(said) {
			delete(p.notes, entry)
		}
		return
	}
	for _, a := range saysNote.FindAllStringSubmatch(said, -1) {
		p.notes[a[1]] = a[2]
	}
}

// annotate changes an annotation of the mailbox.
func (p *phone) annotate(n int) {
	p.t.Helper()
	entry := []string{"/private/comment", "/shared/comment"}[p.h.rng.IntN(2)]
	value, literal := fmt.Sprint("v", n), fmt.Sprintf(`"v%d"`, n)
	if p.h.rng.IntN(4) == 0 {
		value, literal = "", "NIL"
	}
	p.command(fmt.Sprintf("SETMETADATA %s (%s %s)", p.box, entry, literal))
	switch {
	case strings.Contains(p.lastOut, "t OK"):
		p.h.notes[p.noteKey(entry)], p.notes[entry] = value, value
	case p.user == "alice" || p.h.rights == acl.All:
		p.t.Fatalf("%s may not annotate: %q", p.name, p.lastOut)
	}
}

// compareNotes holds what the phone knows of annotations against the truth. A
// phone that is not told of changes asks.
func (p *phone) compareNotes() {
	p.t.Helper()
	for _, entry := range []string{"/private/comment", "/shared/comment"} {
		if _, known := p.notes[entry]; !known || !p.annotates {
			p.command(fmt.Sprintf("GETMETADATA %s %s", p.box, entry))
		}
		if have, known := p.notes[entry]; !known || have != p.h.notes[p.noteKey(entry)] {
			p.t.Fatalf("%s: %s is %q, not %q: %q", p.name, entry, p.h.notes[p.noteKey(entry)], have, p.lastOut)
		}
	}
}

// setFilter gives the user's phones another filter (RFC 5466).
func (p *phone) setFilter() {
	p.t.Helper()
	filter := []string{"FLAGGED", "OR SEEN KEYWORD kw1", "NOT DELETED BODY lemon", "SUBJECT zitrone SMALLER 500"}[p.h.rng.IntN(4)]
	p.command(`SETMETADATA "" (/private/filters/values/f "` + filter + `")`)
	for _, q := range p.h.phones {
		if q.user == p.user {
			q.filter = filter
		}
	}
}
