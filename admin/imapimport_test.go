package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"citron/admin/transfer"
	"citron/store/account"
	"citron/store/uidset"
)

func join(parts ...any) string { return strings.TrimSuffix(fmt.Sprintln(parts...), "\n") }

var (
	then = time.Date(2015, 5, 5, 5, 5, 5, 0, time.UTC)
	now  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// oldServer has mail of all kinds, and holes among its UIDs.
func oldServer(t *testing.T) *Service {
	t.Helper()
	s := newSystem(t, then)
	large := "Subject: large\r\n\r\n" + strings.Repeat("0123456789abcde\r\n", 20000)
	file(t, s, "INBOX", "Subject: one\r\n\r\n1\r\n", "Subject: two\r\n\r\n2\r\n", large, "", "Subject: five\r\n\r\nno end of line")
	file(t, s, "Entwürfe & mehr/2026", "Subject: Ünïcode\r\n\r\n", "x: y\r\n\r\n")
	file(t, s, "Sent", "Subject: gone\r\n\r\n", "Subject: last\r\n\r\n")
	inAccount(t, s, func(a *account.Account, actor account.Actor) {
		for name, uid := range map[string]account.UID{"INBOX": 2, "Sent": 2} {
			box, _ := a.Lookup(name)
			gone := uidset.Ranges{{First: uid, Last: uid}}
			_, err := a.StoreFlags(t.Context(), actor, box.ID, gone, account.FlagChange{Op: account.AddFlags, System: account.Deleted}, nil)
			check(t, err)
			_, _, err = a.Expunge(t.Context(), actor, box.ID, gone)
			check(t, err)
		}
		check(t, a.Subscribe(t.Context(), actor, "Entwürfe & mehr/2026"))
	})
	return s
}

func bring(t *testing.T, at transfer.IMAPAddress, to transfer.Target, o transfer.IMAPOptions) (transfer.Progress, error) {
	t.Helper()
	o.Password = password
	src, err := transfer.OpenIMAP(t.Context(), at, o)
	check(t, err)
	defer src.Close()
	return transfer.Import(t.Context(), src, to, nil)
}

// Into an empty account everything comes as it was: a phone sees no difference.
func TestImportKeepsEverything(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		t.Run(fmt.Sprint("implicit=", implicit), func(t *testing.T) {
			old, here := oldServer(t), newSystem(t, now)
			count, err := bring(t, serveIMAP(t, old, implicit), &Mail{Caller: here, Account: alice}, transfer.IMAPOptions{Insecure: true})
			check(t, err)
			if count.Added != 7 || count.Bad != 0 || len(count.Renumbered) != 0 {
				t.Errorf("%+v", count)
			}
			if diff := cmp.Diff(contents(t, old), contents(t, here)); diff != "" {
				t.Error(diff)
			}
			is := modseqs(t, here)
			for name, was := range modseqs(t, old) {
				if is[name] < was {
					t.Errorf("%s: clients may know modseq %d, and here it is %d", name, was, is[name])
				}
			}
		})
	}
}

func modseqs(t *testing.T, s *Service) map[string]account.ModSeq {
	all := map[string]account.ModSeq{}
	inAccount(t, s, func(a *account.Account, _ account.Actor) {
		for _, box := range a.Mailboxes() {
			all[box.Name] = box.ModSeq
		}
	})
	return all
}

// An import may break off anywhere and be repeated: it brings what is missing,
// what came meanwhile, and nothing twice.
func TestImportGoesOn(t *testing.T) {
	old, here := oldServer(t), newSystem(t, now)
	at := serveIMAP(t, old, false)
	mail := &Mail{Caller: here, Account: alice}
	plain := transfer.IMAPOptions{Plain: true}
	for fails := 1; ; fails++ {
		_, err := bring(t, at, &failing{Mail: mail, after: 2}, plain)
		if err == nil {
			break
		}
		if !errors.Is(err, errFailing) || fails > 10 {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(contents(t, old), contents(t, here)); diff != "" {
		t.Error(diff)
	}
	file(t, old, "INBOX", "Subject: new\r\n\r\n")
	count, err := bring(t, at, mail, plain)
	check(t, err)
	if count.Added != 1 || count.Known != 7 {
		t.Errorf("%+v", count)
	}
	if diff := cmp.Diff(contents(t, old), contents(t, here)); diff != "" {
		t.Error(diff)
	}
}

var errFailing = errors.New("the disk is full")

// failing takes so many messages and then fails in the middle of the next.
type failing struct {
	*Mail
	after int
}

func (f *failing) Append(ctx context.Context, source string, item *transfer.Item, r io.Reader) (uint32, error) {
	if f.after--; f.after >= 0 {
		return f.Mail.Append(ctx, source, item, r)
	}
	r.Read(make([]byte, 3))
	return 0, errFailing
}

// What the user has since moved, deleted or renamed is not brought again.
func TestImportRespectsTheUser(t *testing.T) {
	old, here := oldServer(t), newSystem(t, now)
	at := serveIMAP(t, old, false)
	mail := &Mail{Caller: here, Account: alice}
	plain := transfer.IMAPOptions{Plain: true}
	_, err := bring(t, at, mail, plain)
	check(t, err)
	inAccount(t, here, func(a *account.Account, actor account.Actor) {
		trash, _ := a.Lookup("Trash")
		_, err := a.Move(t.Context(), actor, account.Inbox, uidset.Ranges{{First: 1, Last: 3}}, trash.ID)
		check(t, err)
		check(t, a.DeleteMailbox(t.Context(), actor, "Sent"))
		check(t, a.RenameMailbox(t.Context(), actor, "Entwürfe & mehr", "Drafts/old"))
	})
	texts := func() (list []string) {
		for _, line := range contents(t, here) {
			if strings.Contains(line, "T03:04:") {
				list = append(list, line)
			}
		}
		slices.Sort(list)
		return list
	}
	before := texts()
	count, err := bring(t, at, mail, plain)
	check(t, err)
	if count.Added != 0 {
		t.Errorf("%+v", count)
	}
	if diff := cmp.Diff(before, texts()); diff != "" {
		t.Error(diff)
	}
}

// Where there was mail already, nothing that clients know changes, and they are
// said to see new UIDs.
func TestImportIntoUsedMailbox(t *testing.T) {
	old, here := oldServer(t), newSystem(t, now)
	file(t, here, "INBOX", "Subject: here before\r\n\r\n")
	before := contents(t, here)[:6]
	count, err := bring(t, serveIMAP(t, old, false), &Mail{Caller: here, Account: alice}, transfer.IMAPOptions{Plain: true})
	check(t, err)
	if diff := cmp.Diff([]string{"INBOX"}, count.Renumbered); diff != "" || count.Added != 7 {
		t.Errorf("%+v %s", count, diff)
	}
	if len(contents(t, here)) != len(contents(t, old))+1 {
		t.Error("not all is there")
	}
	for _, line := range before {
		if strings.Contains(line, "here before") && !slices.Contains(contents(t, here), line) {
			t.Errorf("%s: no longer there", line)
		}
	}
}

// Messages that cannot be taken in are reported; the rest comes.
func TestImportTooLarge(t *testing.T) {
	old, here := newSystem(t, then), newSystem(t, now)
	file(t, old, "INBOX", "a: b\r\n\r\n", strings.Repeat("x", 1<<20), "c: d\r\n\r\n")
	count, err := bring(t, serveIMAP(t, old, false), &Mail{Caller: &capped{here}, Account: alice}, transfer.IMAPOptions{Plain: true})
	check(t, err)
	if count.Added != 2 || count.Bad != 1 || !strings.Contains(count.Problems[0].Error(), "too large") {
		t.Errorf("%+v", count)
	}
}

// capped refuses messages of more than a thousand bytes as a server with a
// lower limit does.
type capped struct{ *Service }

func (c *capped) Call(ctx context.Context, op string, in any, message io.Reader, out any) error {
	if r, ok := in.(MailRequest); ok && op == "import.append" && r.Item.UID == 2 {
		out.(*Appended).Refused = "too large"
		return nil
	}
	return c.Service.Call(ctx, op, in, message, out)
}

// A mailbox with another name for a standard folder's use takes its place.
func TestImportSpecialUses(t *testing.T) {
	old, here := newSystem(t, then), newSystem(t, now)
	inAccount(t, old, func(a *account.Account, actor account.Actor) {
		for from, to := range map[string]string{"Sent": "Sent Items", "Trash": "Deleted Items"} {
			check(t, a.RenameMailbox(t.Context(), actor, from, to))
			check(t, a.Unsubscribe(t.Context(), actor, from))
			check(t, a.Subscribe(t.Context(), actor, to))
		}
	})
	file(t, old, "Sent Items", "Subject: sent\r\n\r\n")
	plain := transfer.IMAPOptions{Plain: true}
	_, err := bring(t, serveIMAP(t, old, false), &Mail{Caller: here, Account: alice}, plain)
	check(t, err)
	if diff := cmp.Diff(contents(t, old), contents(t, here)); diff != "" {
		t.Error(diff)
	}
	inAccount(t, here, func(a *account.Account, _ account.Actor) {
		if got := a.Subscriptions(); slices.Contains(got, "Sent") || !slices.Contains(got, "Sent Items") {
			t.Errorf("subscribed: %v", got)
		}
	})
}

// What files call keywords need not be any.
func TestImportedKeywords(t *testing.T) {
	here := newSystem(t, now)
	item := transfer.NewItem("INBOX", "1", []byte("a: b\n\n"), now)
	item.Flags = transfer.Flags{`\Seen`, `\Strange`, "a b(c)", "ü]", "", "$Work", "$work", strings.Repeat("x", 300)}
	list := []any{&transfer.Mailbox{Name: "INBOX"}, item}
	for i := range 200 {
		more := transfer.NewItem("INBOX", fmt.Sprint("more", i), []byte("a: b\n\n"), now)
		more.Flags = transfer.Flags{fmt.Sprint("label", i)}
		list = append(list, more)
	}
	count, err := transfer.Import(t.Context(), &transfer.Fixed{SourceName: "test", List: list}, &Mail{Caller: here, Account: alice}, nil)
	check(t, err)
	if count.Added != 201 {
		t.Errorf("%+v", count)
	}
	first := contents(t, here)
	if i := slices.IndexFunc(first, func(s string) bool { return strings.HasPrefix(s, "INBOX 1 ") }); !strings.Contains(first[i], `[\Seen a_b_c_ __ $Work]`) {
		t.Error(first[i])
	}
}
