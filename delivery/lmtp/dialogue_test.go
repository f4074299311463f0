package lmtp

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"citron/auth/directory"
	"citron/engine/kv/memkv"
	"citron/ops/conn"
	"citron/ops/conn/conntest"
	"citron/store"
)

// The part "setup" of a dialogue has one fault a line: see setUp. A part "filed
// NAME" is what the account has in the end, with LF for CRLF, without Received,
// messages parted by a line "=====".
func TestDialogues(t *testing.T) { conntest.Dialogues(t, runDialogue) }

// site is a directory with alice, bob, carol and dave (who is disabled), the
// aliases both (alice, bob) and mixed (alice, dave), and a store in memory.
type site struct {
	dir   *directory.Directory
	boxes *boxes
	ids   map[string]uint64
}

func newSite(t testing.TB) *site {
	engine := memkv.New(memkv.Options{})
	t.Cleanup(func() { engine.Close() })
	dir, err := directory.Open(t.Context(), directory.Options{Engine: engine, DefaultDomain: "example.org"})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{dir: dir, boxes: newBoxes(), ids: map[string]uint64{}}
	for _, name := range []string{"alice", "bob", "carol", "dave", "jürgen"} {
		a, err := dir.AddAccounts(t.Context(), directory.NewAccount{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		s.ids[name] = a[0].Number
	}
	_, err = dir.Disable(t.Context(), "dave")
	for _, alias := range [][2]string{{"both", "alice"}, {"both", "bob"}, {"mixed", "alice"}, {"mixed", "dave"}} {
		err = errors.Join(err, dir.AddAlias(t.Context(), alias[0], alias[1]))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) service(setup string) *Service {
	c := Config{Hostname: "mx.example.org", Resolver: s.dir, Filing: s.boxes}
	for line := range strings.Lines(setup) {
		s.setUp(&c, strings.Fields(line))
	}
	return NewService(context.Background(), c)
}

var faults = map[string]error{
	"overquota": store.ErrOverQuota, "nospace": store.ErrNoSpace, "temporary": store.ErrTemporary,
	"toolarge": store.ErrTooLarge, "gone": store.ErrNoAccount, "bug": errors.New("something else"),
}

// setUp knows "begin FAULT", "write FAULT", "file NAME FAULT", "maxmessage N"
// and "maxrecipients N".
func (s *site) setUp(c *Config, words []string) {
	switch words[0] {
	case "begin":
		s.boxes.begin = faults[words[1]]
	case "write":
		s.boxes.write = faults[words[1]]
	case "file":
		s.boxes.file[s.ids[words[1]]] = faults[words[2]]
	case "maxmessage":
		c.MaxMessage, _ = strconv.ParseInt(words[1], 10, 64)
	case "maxrecipients":
		c.MaxRecipients, _ = strconv.Atoi(words[1])
	default:
		panic("setup: " + words[0])
	}
}

func runDialogue(t *testing.T, a *txtar.Archive, size int) {
	s := newSite(t)
	pipe := conn.NewPipe(s.service(conntest.Part(a, "setup")).NewSession)
	conntest.NewClient(t, pipe, size).Play(conntest.Part(a, "dialogue"))
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, "filed "); ok {
			got := s.boxes.text(s.ids[name])
			if got != string(f.Data) {
				t.Errorf("%s got:\n%s\nwant:\n%s", name, got, f.Data)
			}
			delete(s.boxes.mail, s.ids[name])
		}
	}
	for id, mail := range s.boxes.mail {
		t.Errorf("account %d got %q", id, mail)
	}
	if s.boxes.open != 0 {
		t.Errorf("%d messages neither committed nor aborted", s.boxes.open)
	}
}
