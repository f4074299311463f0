package imapserver

import (
	"fmt"
	"strings"
	"testing"

	"citron/mail/acl"
)

// What each command needs (RFC 4314 §4, the table and what is said below it).
// bob acts on alice's mailbox "box", which holds one message with \Deleted, and
// has a mailbox "box/child" with the same rights.
var aclTable = []struct {
	name     string
	selects  bool   // the mailbox is selected first, for which "r" is needed
	command  string // BOX is the mailbox, as bob names it
	needs    string // all of these rights
	needsAny string // or one of these
	works    string // what shows that it was done; "": the OK
	always   bool   // it is OK in any case, and works is what differs
}{
	{name: "LIST", command: `LIST "" (BOX)`, needs: "l", works: "* LIST ", always: true},
	{name: "LSUB", command: `LSUB "" BOX`, works: "* LSUB "},
	{name: "SUBSCRIBE", command: "SUBSCRIBE BOX"},
	{name: "UNSUBSCRIBE", command: "UNSUBSCRIBE BOX"},
	{name: "CREATE", command: "CREATE BOX/new", needs: "k"},
	{name: "DELETE", command: "DELETE BOX", needs: "x"},
	{name: "RENAME", command: "RENAME BOX/child BOX/other", needs: "kx"},
	{name: "SELECT", command: "SELECT BOX", needs: "r"},
	{name: "EXAMINE", command: "EXAMINE BOX", needs: "r"},
	{name: "STATUS", command: "STATUS BOX (MESSAGES)", needs: "r"},
	{name: "SETACL", command: "SETACL BOX carol l", needs: "a"},
	{name: "DELETEACL", command: "DELETEACL BOX carol", needs: "a"},
	{name: "GETACL", command: "GETACL BOX", needs: "a"},
	{name: "LISTRIGHTS", command: "LISTRIGHTS BOX carol", needs: "a"},
	{name: "MYRIGHTS", command: "MYRIGHTS BOX", needsAny: "lrikxa"},
	{name: "APPEND", command: "APPEND BOX {3+}\r\nabc", needs: "i"},
	{name: "COPY", command: "COPY 1 BOX", needs: "i"},
	{name: "EXPUNGE", selects: true, command: "EXPUNGE", needs: "e"},
	{name: "UID EXPUNGE", selects: true, command: "UID EXPUNGE 1", needs: "e"},
	{name: "MOVE", selects: true, command: "MOVE 1 Inbox", needs: "te"},
	{name: "CLOSE", selects: true, command: "CLOSE", needs: "e", works: "expunged", always: true},
	{name: "CHECK", selects: true, command: "CHECK"},
	{name: "SEARCH", selects: true, command: "SEARCH ALL", works: "* SEARCH 1"},
	{name: "FETCH", selects: true, command: "FETCH 1 FLAGS"},
	{name: "FETCH BODY[]", selects: true, command: "FETCH 1 BODY[]", needs: "s", works: `\Seen`, always: true},
	{name: `STORE \Deleted`, selects: true, command: `STORE 1 -FLAGS (\Deleted)`, needs: "t"},
	{name: `STORE \Seen`, selects: true, command: `STORE 1 +FLAGS (\Seen)`, needs: "s"},
	{name: "STORE others", selects: true, command: `STORE 1 +FLAGS (\Flagged $Work)`, needs: "w"},
	{name: "STORE some", selects: true, command: `STORE 1 +FLAGS (\Flagged \Seen)`, needsAny: "ws"},
	{name: "STORE FLAGS ()", selects: true, command: "STORE 1 FLAGS ()", needsAny: "wst"},
}

const theirBox = `"Other Users/alice@example.org/box"`

// aclRig is a fresh server on which bob has the rights.
func aclRig(t *testing.T, rights acl.Rights) (f *fixture, alice, bob *peer) {
	f = newFixture(t)
	alice, bob = f.login(), f.loginAs("bob")
	alice.ok(t, "a CREATE box", "a APPEND box (\\Deleted) {18+}\r\nSubject: x\r\n\r\nabc\r", "a CREATE box/child")
	bob.ok(t, "a APPEND INBOX {3+}\r\nabc")
	for _, box := range []string{"box", "box/child"} {
		f.share("alice", box, "bob", rights)
	}
	// Something else is shared, so that bob's answers do not come from sharing
	// nothing.
	f.share("alice", "Drafts", "bob", acl.Lookup)
	return f, alice, bob
}

// do runs a line of the table and says whether it was done, with the answer.
func (p *peer) do(t *testing.T, alice *peer, line int) (done bool, answer string) {
	t.Helper()
	c := aclTable[line]
	name := func(s string) string {
		s = strings.ReplaceAll(s, "BOX/new", `"Other Users/alice@example.org/box/new"`)
		s = strings.ReplaceAll(s, "BOX/child", `"Other Users/alice@example.org/box/child"`)
		s = strings.ReplaceAll(s, "BOX/other", `"Other Users/alice@example.org/box/other"`)
		return strings.ReplaceAll(s, "BOX", theirBox)
	}
	switch {
	case c.selects:
		p.say(t, "s SELECT "+theirBox)
	case c.name == "COPY":
		p.say(t, "s SELECT INBOX")
	case c.name == "LSUB":
		p.say(t, "s SUBSCRIBE "+theirBox)
	}
	out := p.say(t, "c "+name(c.command))
	ok := strings.Contains("\r\n"+out, "\r\nc OK")
	if c.always && !ok {
		t.Errorf("%s: %s", c.name, out)
	}
	switch c.works {
	case "":
		return ok, out
	case "expunged":
		return strings.Contains(alice.say(t, "x STATUS box (MESSAGES)"), "MESSAGES 0"), out
	}
	return ok && strings.Contains(out, c.works), out
}

func mustParse(t testing.TB, s string) acl.Rights {
	t.Helper()
	r, err := acl.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRightsOfEveryCommand holds each command against each right: it is done
// with just the rights it needs, and not when any one of them is missing,
// whatever others there are (RFC 4314 §4).
func TestRightsOfEveryCommand(t *testing.T) {
	for line, c := range aclTable {
		t.Run(c.name, func(t *testing.T) {
			needs, anyOf := mustParse(t, c.needs), mustParse(t, c.needsAny)
			base := acl.None
			if c.selects {
				base = acl.Read
			}
			for right := acl.Lookup; right <= acl.Admin; right <<= 1 {
				if base.Has(right) {
					continue
				}
				without, with := acl.All&^right, base|needs
				if anyOf != acl.None {
					without, with = acl.All&^anyOf, base|needs|right
				}
				want := anyOf == acl.None && !needs.Has(right)
				_, alice, bob := aclRig(t, without)
				if done, out := bob.do(t, alice, line); done != want {
					t.Errorf("with %s: %s", without, out)
				}
				_, alice, bob = aclRig(t, with)
				if done, out := bob.do(t, alice, line); done != (anyOf == acl.None || anyOf.Has(right)) {
					t.Errorf("with %s: %s", with, out)
				}
			}
		})
	}
}

// TestHiddenMailboxes: of a mailbox without "l" and without the right that a
// command needs, the answer is what it is for one that does not exist (RFC 4314
// §6).
func TestHiddenMailboxes(t *testing.T) {
	for line, c := range aclTable {
		if c.selects || c.needs == "" && c.needsAny == "" {
			continue
		}
		_, alice, bob := aclRig(t, mustParse(t, "swpte"))
		_, there := bob.do(t, alice, line)
		alice.ok(t, "a DELETE box/child", "a DELETE box")
		_, gone := bob.do(t, alice, line)
		if there != gone {
			t.Errorf("%s: %q, but of a mailbox that is not there %q", c.name, there, gone)
		}
	}
}

// TestFlagsByRights: of the flags of a message that is appended or copied, and of
// those that STORE replaces, just those are set that the rights allow (RFC 4314
// §4).
func TestFlagsByRights(t *testing.T) {
	const all = `(\Seen \Answered \Flagged \Deleted \Draft $Work)`
	for n := range 8 {
		rights, want := acl.Read|acl.Insert, []string{}
		for i, r := range []struct {
			right acl.Rights
			flags string
		}{{acl.Seen, `\Seen`}, {acl.Write, `\Answered \Flagged`}, {acl.DeleteMessages, `\Deleted`}, {acl.Write, `\Draft`}, {acl.Write, "$Work"}} {
			if bit := []int{0, 1, 2, 1, 1}[i]; n>>bit&1 != 0 {
				rights |= r.right
				want = append(want, r.flags)
			}
		}
		flags := "FLAGS (" + strings.Join(want, " ") + ")"
		t.Run(rights.String(), func(t *testing.T) {
			_, alice, bob := aclRig(t, rights)
			bob.ok(t, "a APPEND "+theirBox+" "+all+" {3+}\r\nabc", "s SELECT INBOX", "a STORE 1 FLAGS "+all, "a COPY 1 "+theirBox)
			alice.ok(t, "s EXAMINE box")
			out := strings.ReplaceAll(alice.say(t, "a FETCH 2:3 FLAGS"), ` \Recent`, "")
			out = strings.ReplaceAll(out, `\Recent`, "")
			for i := 2; i <= 3; i++ {
				if !strings.Contains(out, fmt.Sprintf("* %d FETCH (%s)", i, flags)) {
					t.Errorf("message %d should have %s: %s", i, flags, out)
				}
			}
			if n == 0 {
				return
			}
			bob.say(t, "s SELECT "+theirBox, "a STORE 2 FLAGS ()", "a STORE 2 FLAGS "+all)
			out = strings.ReplaceAll(alice.say(t, "a FETCH 2 FLAGS"), ` \Recent`, "")
			if out = strings.ReplaceAll(out, `\Recent`, ""); !strings.Contains(out, flags) {
				t.Errorf("after STORE message 2 should have %s: %s", flags, out)
			}
		})
	}
}

// TestReadWriteByRights is RFC 4314 §5.2: all flags are shared here.
func TestReadWriteByRights(t *testing.T) {
	for right := acl.Lookup; right <= acl.Admin; right <<= 1 {
		_, _, bob := aclRig(t, acl.Read|right)
		want := "[READ-ONLY]"
		if right&(acl.Insert|acl.Expunge|acl.Write|acl.Seen|acl.DeleteMessages) != 0 {
			want = "[READ-WRITE]"
		}
		if out := bob.say(t, "a SELECT "+theirBox); !strings.Contains(out, "\r\na OK "+want) {
			t.Errorf("with %s: %s", acl.Read|right, out)
		}
	}
}
