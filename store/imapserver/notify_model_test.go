package imapserver

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"citron/store/account"
)

// A client that listens keeps a picture of all mailboxes, their names,
// subscriptions and numbers, from nothing but what it is told after NOTIFY SET
// STATUS (RFC 5465), while others do random things and it does some itself.
// Whenever all rest the picture must be the truth.

func TestNotifiedClientsSeeTheTruth(t *testing.T) {
	for seed := range histories() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { notifyRandomly(t, seed, 150) })
	}
}

// boxPicture is what a client knows of a mailbox; -1 for what it does not.
type boxPicture struct{ messages, uidNext, unseen int }

type listener struct {
	*peer
	t          *testing.T
	f          *fixture
	flags      bool // FlagChange is asked for
	boxes      map[string]*boxPicture
	subscribed map[string]bool
	selected   string
	selecting  string // the mailbox that CLOSED leads to
	selectedAs string // the group of the selected mailbox
	idle       bool
	done       func() // what the command's OK means
}

func notifyRandomly(t *testing.T, seed uint64, steps int) {
	random := rand.New(rand.NewPCG(seed, 54))
	f := newFixture(t)
	f.deliver("INBOX", nil)
	l := &listener{peer: f.login(), t: t, f: f, boxes: map[string]*boxPicture{}, subscribed: map[string]bool{}}
	other := f.login()
	if enable := []string{"", "CONDSTORE", "QRESYNC"}[seed%3]; enable != "" {
		l.command("ENABLE " + enable)
	}
	l.command(`LIST "" (*) RETURN (SUBSCRIBED)`)
	l.command(`LIST (SUBSCRIBED) "" (*)`)
	l.flags = random.IntN(2) == 0
	l.listen([]string{"", "SELECTED", "SELECTED-DELAYED", "SELECTED-DELAYED"}[random.IntN(4)])
	for step := range steps {
		if random.IntN(4) == 0 {
			l.act(random)
		} else {
			f.stir(other, random)
		}
		if random.IntN(5) == 0 {
			l.compare(fmt.Sprintf("after step %d", step))
		}
	}
	l.compare("at the end")
}

// listen asks for everything, with one of the ways to treat the selected
// mailbox.
func (l *listener) listen(selected string) {
	l.t.Helper()
	events := "MessageNew MessageExpunge"
	if l.flags {
		events += " FlagChange"
	}
	line := "NOTIFY SET STATUS (personal (" + events + " MailboxName SubscriptionChange))"
	if l.selectedAs = selected; selected != "" {
		line += fmt.Sprintf(" (%s (%s))", selected, events)
	}
	l.command(line)
}

// names that mailboxes come to have; below one another, and INBOX among them.
var notifyNames = []string{"INBOX", "Drafts", "Sent", "a", "a/b", "a/b/c", "d", "d/e", "INBOX/f"}

// stir has another client do something.
func (f *fixture) stir(p *peer, random *rand.Rand) {
	pick := func() string { return notifyNames[random.IntN(len(notifyNames))] }
	name, to := pick(), pick()
	if _, there := f.alice().Lookup(name); !there && random.IntN(2) == 0 {
		name = "INBOX"
	}
	flag := []string{`\Seen`, `\Flagged`, `\Deleted`, "$Junk"}[random.IntN(4)]
	lines := [][]string{
		{"APPEND " + name + " {5+}", "hello"}, {"APPEND " + name + " (\\Seen) {5+}", "hello"},
		{"SELECT " + name, "x STORE 1:* +FLAGS (" + flag + ")", "x UNSELECT"},
		{"SELECT " + name, "x STORE 1 -FLAGS (" + flag + ")", "x UNSELECT"},
		{"SELECT " + name, "x STORE 1 +FLAGS (\\Deleted)", "x EXPUNGE", "x UNSELECT"},
		{"SELECT " + name, "x MOVE 1 " + to, "x UNSELECT"},
		{"CREATE " + name}, {"CREATE " + to}, {"DELETE " + name}, {"RENAME " + name + " " + to},
		{"SUBSCRIBE " + name}, {"UNSUBSCRIBE " + name},
	}[random.IntN(12)]
	lines[0] = "x " + lines[0]
	p.say(f.t, lines...)
}

// act has the client itself do something.
func (l *listener) act(random *rand.Rand) {
	l.t.Helper()
	name, to := notifyNames[random.IntN(len(notifyNames))], notifyNames[random.IntN(len(notifyNames))]
	if l.idle {
		l.in = append(l.in, "DONE\r\n"...)
		l.idle = false
		l.hear()
	}
	switch random.IntN(10) {
	case 0, 1:
		if l.selecting = name; l.selected == "" {
			l.selected = name
		}
		if out := l.command("SELECT " + name); !strings.Contains(out, "\nt OK") {
			l.selected = ""
		}
	case 2:
		if l.selected != "" {
			l.command("UNSELECT")
			l.selected = ""
		}
	case 3:
		if l.selected != "" {
			l.command(`UID STORE 1:* +FLAGS (\Deleted)`)
			l.command("EXPUNGE")
		}
	case 4:
		l.done = func() { l.boxes[name] = &boxPicture{0, -1, 0} }
		l.command("CREATE " + name)
	case 5:
		l.done = func() { l.renamed(name, to) }
		l.command("RENAME " + name + " " + to)
	case 6:
		l.done = func() { l.subscribed[name] = true }
		l.command("SUBSCRIBE " + name)
	case 7:
		l.listen([]string{"", "SELECTED", "SELECTED-DELAYED"}[random.IntN(3)])
	case 8:
		l.in = append(l.in, "t APPEND "+name+" {5+}\r\nhello\r\n"...)
		l.hear()
		if b := l.boxes[name]; b != nil && name != l.selected { // it is not told of its own
			*b = boxPicture{-1, -1, -1}
		}
		l.hear()
	case 9:
		l.in = append(l.in, "t IDLE\r\n"...)
		l.idle = true
		l.hear()
	}
}

// command runs a command and takes in what is said.
func (l *listener) command(line string) string {
	l.t.Helper()
	defer func() { l.done = nil }()
	l.in = append(l.in, "t "+line+"\r\n"...)
	return l.hear()
}

func (l *listener) hear() string {
	l.t.Helper()
	l.run(l.t)
	out := string(l.out)
	l.out = nil
	if out != "" {
		l.t.Logf("listener: %q", out)
	}
	for line := range strings.Lines(out) {
		l.takeIn(strings.TrimSuffix(line, "\r\n"))
	}
	return out
}

var (
	saysList    = regexp.MustCompile(`^\* LIST \((.*?)\) "/" "?(.*?)"?(?: \("OLDNAME" \("?(.*?)"?\)\))?$`)
	saysStatus  = regexp.MustCompile(`^\* STATUS ("[^"]*"|\S+) \((.*)\)$`)
	statusItems = regexp.MustCompile(`(MESSAGES|UIDNEXT|UNSEEN) (\d+)`)
)

func (l *listener) takeIn(line string) {
	l.t.Helper()
	if a := saysList.FindStringSubmatch(line); a != nil {
		l.list(a[1], a[2], a[3])
	} else if takeInStatus(l.t, l.boxes, line) {
		return
	} else if strings.HasPrefix(line, "t OK") && l.done != nil {
		l.done()
	} else if strings.HasPrefix(line, "* OK [CLOSED]") {
		l.selected = l.selecting
	} else if b := l.boxes[l.selected]; b != nil {
		l.takeInSelected(line, b)
	}
}

// takeInStatus notes what a line says of a mailbox, if it is a STATUS response.
func takeInStatus(t *testing.T, boxes map[string]*boxPicture, line string) bool {
	t.Helper()
	a := saysStatus.FindStringSubmatch(line)
	if a == nil {
		return false
	}
	b := boxes[strings.Trim(a[1], `"`)]
	if b == nil {
		t.Fatalf("STATUS of %s, which there is not", a[1])
	}
	for _, item := range statusItems.FindAllStringSubmatch(a[2], -1) {
		*map[string]*int{"MESSAGES": &b.messages, "UIDNEXT": &b.uidNext, "UNSEEN": &b.unseen}[item[1]] = int(number(item[2]))
	}
	return true
}

// takeInSelected follows the number of messages in the selected mailbox; what
// else STATUS would say the client does not know any more.
func (l *listener) takeInSelected(line string, b *boxPicture) {
	if a := saysExists.FindStringSubmatch(line); a != nil {
		*b = boxPicture{int(number(a[1])), -1, -1}
	} else if saysExpunge.MatchString(line) {
		*b = boxPicture{b.messages - 1, b.uidNext, -1}
	} else if a := saysVanished.FindStringSubmatch(line); a != nil {
		for part := range strings.SplitSeq(a[1], ",") {
			first, last, isRange := strings.Cut(part, ":")
			if !isRange {
				last = first
			}
			*b = boxPicture{b.messages - int(number(last)-number(first)) - 1, b.uidNext, -1}
		}
	} else if saysFetch.MatchString(line) {
		b.unseen = -1
	}
}

func (l *listener) list(attributes, name, old string) {
	has := strings.Fields(attributes)
	if old != "" {
		l.renamed(old, name)
	}
	switch {
	case slices.Contains(has, `\NonExistent`):
		delete(l.boxes, name)
	case l.boxes[name] == nil:
		l.boxes[name] = &boxPicture{0, -1, 0}
	}
	l.subscribed[name] = slices.Contains(has, `\Subscribed`)
}

// renamed moves a hierarchy. Of INBOX the messages go, and what is below it
// stays.
func (l *listener) renamed(from, to string) {
	if from == "INBOX" {
		l.boxes[to] = &boxPicture{0, -1, 0}
		return
	}
	moved := map[string]*boxPicture{}
	for name, b := range l.boxes {
		if name == from || strings.HasPrefix(name, from+"/") {
			moved[to+name[len(from):]] = b
			delete(l.boxes, name)
		}
	}
	if l.selected == from || strings.HasPrefix(l.selected, from+"/") {
		l.selected = to + l.selected[len(from):]
	}
	for name, b := range moved {
		l.boxes[name] = b
	}
}

// compare holds the picture against the truth.
func (l *listener) compare(when string) {
	l.t.Helper()
	l.hear()
	if l.closed {
		l.again()
	}
	a := l.f.alice()
	there := map[string]bool{}
	for _, info := range a.Mailboxes() {
		there[info.Name] = true
		b := l.boxes[info.Name]
		if b == nil {
			l.t.Fatalf("%s: does not know of %s", when, info.Name)
		}
		if info.Name != l.selected {
			b.compare(l.t, when, info, l.flags)
		}
		if info.Subscribed != l.subscribed[info.Name] {
			l.t.Fatalf("%s: %s is subscribed: %v", when, info.Name, info.Subscribed)
		}
	}
	for name := range l.boxes {
		if !there[name] {
			l.t.Fatalf("%s: there is no %s", when, name)
		}
	}
}

// compare holds what is known of a mailbox against the truth; flags says
// whether UNSEEN is told.
func (b *boxPicture) compare(t *testing.T, when string, info *account.MailboxInfo, flags bool) {
	t.Helper()
	truth := boxPicture{int(info.Messages), int(info.UIDNext), int(info.Unseen)}
	know := *b
	if know.messages < 0 {
		know.messages = truth.messages
	}
	if know.uidNext < 0 {
		know.uidNext = truth.uidNext
	}
	if know.unseen < 0 || !flags {
		know.unseen = truth.unseen
	}
	if know != truth {
		t.Fatalf("%s: %s is %+v, not %+v", when, info.Name, truth, *b)
	}
}

// again connects anew.
func (l *listener) again() {
	l.t.Helper()
	l.peer, l.selected, l.idle = l.f.login(), "", false
	l.boxes, l.subscribed = map[string]*boxPicture{}, map[string]bool{}
	l.command(`LIST "" (*) RETURN (SUBSCRIBED)`)
	l.command(`LIST (SUBSCRIBED) "" (*)`)
	l.listen(l.selectedAs)
}
