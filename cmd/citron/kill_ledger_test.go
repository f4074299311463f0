package main

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"citron/wire/imap"
)

// fate is what may have become of a message.
type fate struct {
	gone  bool
	box   string
	uid   uint32 // 0: whichever it got
	flags string
}

func (f fate) String() string {
	if f.gone {
		return "gone"
	}
	return fmt.Sprintf("%s/%d (%s)", f.box, f.uid, f.flags)
}

// letter is a message of the test. Only one worker at a time touches it. Before
// a command is sent, what it would lead to is added to may; when it is
// acknowledged nothing else remains.
type letter struct {
	id  string
	may []fate
}

// text is that of the letter, the same whenever it is asked for: small ones,
// which live in the engine, and large ones, which do not.
func (l *letter) text() []byte {
	h := fnv.New64a()
	h.Write([]byte(l.id))
	random := rand.New(rand.NewPCG(h.Sum64(), 1))
	var b bytes.Buffer
	fmt.Fprintf(&b, "X-Letter: %s\r\nSubject: letter %s\r\n\r\n", l.id, l.id)
	size := random.IntN(3000)
	switch random.IntN(8) {
	case 0:
		size = 30_000
	case 1:
		size = 300_000
	}
	for b.Len() < size {
		fmt.Fprintf(&b, "%x\r\n", random.Uint64())
	}
	return b.Bytes()
}

// attempt adds what a command under way may lead to.
func (l *letter) attempt(f fate) { l.may = append(l.may, f) }

// settle is the acknowledgement: it was f and nothing else.
func (l *letter) settle(f fate) { l.may = []fate{f} }

// now is the one thing known of a letter that is at rest.
func (l *letter) now() fate { return l.may[0] }

// floor is what a mailbox showed and must never fall below.
type floor struct {
	validity, uidNext uint32
	modseq            uint64
}

// ledger is everything that was acknowledged or attempted.
type ledger struct {
	mu      sync.Mutex
	acks    int           // acknowledged commands
	target  int           // of acks, at which enough is closed
	enough  chan struct{} // also closed at a fault; nil when closed
	letters map[string]*letter
	count   int
	uids    map[string]map[uint32]string // mailbox, UID: the letter that had it
	floors  map[string]floor
	faults  []string
}

func newLedger() *ledger {
	return &ledger{letters: map[string]*letter{}, uids: map[string]map[uint32]string{}, floors: map[string]floor{}}
}

func (l *ledger) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
	l.close()
}

// expect gives a channel that is closed after n more acknowledgements.
func (l *ledger) expect(n int) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target, l.enough = l.acks+n, make(chan struct{})
	return l.enough
}

// ack counts one.
func (l *ledger) ack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acks++; l.acks == l.target {
		l.close()
	}
}

func (l *ledger) close() {
	if l.enough != nil {
		close(l.enough)
		l.enough = nil
	}
}

func id(n int) string { return strconv.Itoa(n) }

// write makes a letter that may come to be.
func (l *ledger) write(f fate) *letter {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	n := &letter{id: id(l.count), may: []fate{{gone: true}, f}}
	l.letters[n.id] = n
	return n
}

// saw notes that a letter has a UID, for all time.
func (l *ledger) saw(box string, uid uint32, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.uids[box] == nil {
		l.uids[box] = map[uint32]string{}
	}
	if had := l.uids[box][uid]; had != "" && had != id {
		l.faults = append(l.faults, fmt.Sprintf("UID %d of %s was letter %s and is now letter %s", uid, box, had, id))
	}
	l.uids[box][uid] = id
}

// highest is the highest UID acknowledged so far.
func (l *ledger) highest(box string) (uid uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for u := range l.uids[box] {
		uid = max(uid, u)
	}
	return uid
}

// level notes what STATUS says and that it never goes back, nor to a UID that
// was acknowledged before it was asked for.
func (l *ledger) level(s *imap.StatusDataResponse, highest uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, is := l.floors[s.Mailbox], floor{s.UIDValidity, s.UIDNext, s.HighestModSeq}
	if was.validity != 0 && (is.validity != was.validity || is.uidNext < was.uidNext || is.modseq < was.modseq) {
		l.faults = append(l.faults, fmt.Sprintf("%s was at %+v and is now at %+v", s.Mailbox, was, is))
	}
	if highest >= is.uidNext {
		l.faults = append(l.faults, fmt.Sprintf("%s: UID %d was given out and UIDNEXT is %d", s.Mailbox, highest, is.uidNext))
	}
	l.floors[s.Mailbox] = is
}

// check compares a letter with where it was found, and takes that for granted
// from now on.
func (l *ledger) check(n *letter, found []fate) {
	switch len(found) {
	case 0:
		found = []fate{{gone: true}}
	case 1:
		l.saw(found[0].box, found[0].uid, n.id)
	default:
		l.fault("letter %s is there %d times: %v", n.id, len(found), found)
	}
	possible := slices.ContainsFunc(n.may, func(f fate) bool {
		return f.gone == found[0].gone && f.box == found[0].box && f.flags == found[0].flags && (f.uid == 0 || f.uid == found[0].uid)
	})
	if !possible {
		l.fault("letter %s is %v; it was acknowledged or attempted to be %v", n.id, found[0], n.may)
	}
	n.settle(found[0])
}

// spell is one form for a set of flags.
func spell(list *imap.FlagList) string {
	names := strings.Fields(string(imap.AppendSystemFlags(nil, list.System&^imap.FlagRecent)))
	names = append(names, list.Keywords...)
	sort.Strings(names)
	return strings.Join(names, " ")
}

// flagSets are what letters are given; spelled as spell does.
var flagSets = []string{"", `\Seen`, `\Flagged \Seen`, `$Forwarded \Answered`, "Work", `Work \Draft`}

func flagList(flags string) (list imap.FlagList) {
	for _, name := range strings.Fields(flags) {
		switch name {
		case `\Seen`:
			list.System |= imap.FlagSeen
		case `\Flagged`:
			list.System |= imap.FlagFlagged
		case `\Answered`:
			list.System |= imap.FlagAnswered
		case `\Deleted`:
			list.System |= imap.FlagDeleted
		case `\Draft`:
			list.System |= imap.FlagDraft
		default:
			list.Keywords = append(list.Keywords, name)
		}
	}
	return list
}

// letterID is the number in a letter's own header field.
func letterID(text []byte) string {
	_, rest, ok := bytes.Cut(text, []byte("X-Letter: "))
	if !ok {
		return ""
	}
	number, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return string(number)
}
