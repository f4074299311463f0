package mailbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"citron/mail/mailbox"
	"citron/wire/imap"
)

// hierarchy makes mailboxes of names; "+" before one subscribes to it, "-" says
// that it does not exist.
func hierarchy(names string) []mailbox.Mailbox {
	var all []mailbox.Mailbox
	for _, n := range strings.Fields(names) {
		bare := strings.TrimLeft(n, "+-")
		marks := n[:len(n)-len(bare)]
		name, use, _ := strings.Cut(bare, "=")
		m := mailbox.Mailbox{Name: name, Exists: !strings.Contains(marks, "-"), Subscribed: strings.Contains(marks, "+")}
		if use != "" {
			m.SpecialUse = []string{`\` + use}
		}
		all = append(all, m)
	}
	return all
}

// show writes what is listed as name:attributes{childinfo}.
func show(listed []mailbox.Listed, selection imap.ListSelect, returns imap.ListReturn) []string {
	var out []string
	for i := range listed {
		l := &listed[i]
		s := l.Name
		for _, a := range mailbox.Attributes(l, true, selection, returns) {
			if a == `\Subscribed` || a == `\NonExistent` || returns&imap.ReturnChildren != 0 && a == `\HasChildren` {
				s += ":" + a[1:]
			}
		}
		if l.ChildInfo != nil {
			s += "{" + strings.Join(l.ChildInfo, " ") + "}"
		}
		out = append(out, s)
	}
	return out
}

const (
	fruit = "+INBOX Fruit Fruit/Apple +Fruit/Banana +-Fruit/Peach Tofu +Vegetable +Vegetable/Broccoli Vegetable/Corn"
	foo   = "INBOX Foo Foo/Bar +Foo/Baz Moo"
	two   = "INBOX foo2 +foo2/bar1 +foo2/bar2 baz2 +baz2/bar2 +baz2/bar22 +baz2/bar222 +eps2 +eps2/mamba +qux2/bar2"

	sub  = imap.SelectSubscribed
	rec  = imap.SelectRecursiveMatch
	kids = imap.ReturnChildren
)

// TestList has the examples of RFC 5258 §5.
func TestList(t *testing.T) {
	for _, c := range []struct {
		name, all, patterns string
		selection           imap.ListSelect
		returns             imap.ListReturn
		want                string
	}{
		{"1", fruit, "*", 0, 0, "INBOX Fruit Fruit/Apple Fruit/Banana Tofu Vegetable Vegetable/Broccoli Vegetable/Corn"},
		{"2", fruit, "*", sub, 0, "INBOX:Subscribed Fruit/Banana:Subscribed Fruit/Peach:NonExistent:Subscribed Vegetable:Subscribed Vegetable/Broccoli:Subscribed"},
		{"3", fruit, "%", 0, kids, "INBOX Fruit:HasChildren Tofu Vegetable:HasChildren"},
		{"4", fruit, "%", imap.SelectRemote, kids, "INBOX Fruit:HasChildren Tofu Vegetable:HasChildren"},
		{"6", fruit, "*", 0, imap.ReturnSubscribed, "INBOX:Subscribed Fruit Fruit/Apple Fruit/Banana:Subscribed Tofu Vegetable:Subscribed Vegetable/Broccoli:Subscribed Vegetable/Corn"},
		{"7", "INBOX Drafts Sent Sent/March2004 Sent/a/b", "INBOX Drafts Sent/%", 0, 0, "INBOX Drafts Sent/March2004 Sent/a:NonExistent"},
		{"8 CA3", foo, "%", 0, kids, "INBOX Foo:HasChildren Moo"},
		{"8 C02", foo, "*", sub, 0, "Foo/Baz:Subscribed"},
		{"8 none", foo, "%", sub, 0, ""},
		{"8 C04", foo, "%", sub | rec, 0, "Foo{SUBSCRIBED}"},
		{"8 A1", "INBOX +Foo Foo/Bar +Foo/Baz Moo", "%", sub | rec, 0, "Foo:Subscribed{SUBSCRIBED}"},
		{"8 A2", "INBOX Foo/Bar +Foo/Baz Moo", "%", sub | rec, 0, "Foo:NonExistent{SUBSCRIBED}"},
		{"8 B", "INBOX Foo Foo/Bar Foo/Baz Moo", "%", sub | rec, 0, ""},
		{"8 C", "INBOX +Foo Foo/Bar Foo/Baz +Moo", "%", sub | rec, kids, "Foo:HasChildren:Subscribed Moo:Subscribed"},
		{"9 D03", two, "*2", sub | rec, 0, "baz2/bar2:Subscribed baz2/bar22:Subscribed baz2/bar222:Subscribed eps2:Subscribed{SUBSCRIBED} foo2{SUBSCRIBED} foo2/bar2:Subscribed qux2/bar2:Subscribed"},
		{"10 a1", "foo +-foo/bar", "foo foo/*", 0, 0, "foo"},
		{"10 a2", "foo +-foo/bar", "foo/*", sub, 0, "foo/bar:NonExistent:Subscribed"},
		{"10 a3", "foo +-foo/bar", "foo", sub | rec, kids, "foo{SUBSCRIBED}"},
		{"11 a1", "music/rock", "*", 0, 0, "music/rock"},
		{"11 a2", "music/rock", "%", 0, kids, "music:NonExistent:HasChildren"},
		{"levels", "a/b/c/d", "a/%/%", 0, 0, "a/b/c:NonExistent"},
		{"special use", "INBOX Sent=Sent a/Junk=Junk x", "*", imap.SelectSpecialUse, 0, "Sent a/Junk"},
		{"special use, recursive", "INBOX a a/Junk=Junk x", "%", imap.SelectSpecialUse | rec, 0, "a{SPECIAL-USE}"},
		{"both", "+Sent=Sent Junk=Junk +x", "*", imap.SelectSpecialUse | sub, 0, "Sent:Subscribed"},
		{"empty pattern", "a", "", 0, 0, ""},
		{"order", "b a.x a/y a INBOX/z INBOX", "*", 0, 0, "INBOX INBOX/z a a/y a.x b"},
	} {
		listed := mailbox.List(hierarchy(c.all), strings.Split(c.patterns, " "), c.selection)
		got := show(listed, c.selection, c.returns)
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestLsub has the example of RFC 3501 §6.3.9 and its rule for "%".
func TestLsub(t *testing.T) {
	all := hierarchy("INBOX +news/comp/mail/mime +-news/comp/mail/misc news/x")
	for pattern, want := range map[string]string{
		"news/comp/mail/*": "news/comp/mail/mime news/comp/mail/misc",
		"*":                "news/comp/mail/mime news/comp/mail/misc",
		"%":                "news",
		"news/%":           "news/comp",
		"news/comp":        "",
	} {
		got := ""
		for _, l := range mailbox.Lsub(all, pattern) {
			got += " " + l.Name
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%s: %s", pattern, got)
		}
	}
}

func TestAttributes(t *testing.T) {
	l := mailbox.Listed{Mailbox: mailbox.Mailbox{Name: "a"}}
	if got := mailbox.Attributes(&l, false, 0, 0); !slices.Equal(got, []string{`\Noselect`, `\HasNoChildren`}) {
		t.Error(got)
	}
	l = mailbox.Listed{Mailbox: mailbox.Mailbox{Exists: true, Subscribed: true, SpecialUse: []string{`\Sent`}}, HasChildren: true}
	if got := mailbox.Attributes(&l, true, 0, imap.ReturnSubscribed); !slices.Equal(got, []string{`\HasChildren`, `\Subscribed`, `\Sent`}) {
		t.Error(got)
	}
	if got := mailbox.Attributes(&l, true, 0, 0); slices.Contains(got, `\Subscribed`) {
		t.Error(got)
	}
}

func BenchmarkList(b *testing.B) {
	var all []mailbox.Mailbox
	for i := range 10000 {
		all = append(all, mailbox.Mailbox{Name: fmt.Sprintf("Projects/%d/%d", i%100, i), Exists: true, Subscribed: i%3 == 0})
	}
	for b.Loop() {
		mailbox.List(all, []string{"*"}, 0)
	}
}
