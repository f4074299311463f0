package lmtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rogpeppe/go-internal/txtar"

	"citron/auth/directory"
	"citron/engine/kv/memkv"
	"citron/ops/conn"
	"citron/store"
)

// A dialogue is a txtar file. In its part "dialogue" a line
//
//	C: text      is sent with CRLF (lines in a row in one write),
//	C" "text\n"  is sent as the Go string it is,
//	S: pattern   is expected; * stands for anything,
//	EOF          says that the server closes, or, from the client, "C-EOF".
//
// The part "setup" has one fault a line: see setUp. A part "filed NAME" is what
// the account has in the end, with LF for CRLF, without Received, messages
// parted by a line "=====".
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, size := range []int{1 << 20, 1, 7} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				archive, err := txtar.ParseFile(file)
				if err != nil {
					t.Fatal(err)
				}
				synctest.Test(t, func(t *testing.T) { runDialogue(t, archive, size) })
			})
		}
	}
}

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

func part(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func runDialogue(t *testing.T, a *txtar.Archive, size int) {
	s := newSite(t)
	pipe := conn.NewPipe(s.service(part(a, "setup")).NewSession)
	talk(t, pipe, part(a, "dialogue"), size)
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

func talk(t *testing.T, pipe *conn.Pipe, dialogue string, size int) {
	reader := bufio.NewReader(pipe)
	var pending []byte
	flush := func() {
		for ; len(pending) > 0; pending = pending[min(size, len(pending)):] {
			pipe.Write(pending[:min(size, len(pending))])
			synctest.Wait()
		}
	}
	number := 0
	for line := range strings.Lines(dialogue) {
		number++
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
		case line == "C-EOF":
			flush()
			pipe.CloseWrite()
		case line == "EOF":
			flush()
			if rest, err := io.ReadAll(reader); err != nil || len(rest) > 0 {
				t.Fatalf("line %d: want the end, got %q, %v", number, rest, err)
			}
		case strings.HasPrefix(line, "C: "):
			pending = append(append(pending, line[3:]...), '\r', '\n')
		case line == "C:":
			pending = append(pending, '\r', '\n')
		case strings.HasPrefix(line, `C" `):
			text, err := strconv.Unquote(line[3:])
			if err != nil {
				t.Fatalf("line %d: %v", number, err)
			}
			pending = append(pending, text...)
		case strings.HasPrefix(line, "S: "):
			flush()
			got, err := reader.ReadString('\n')
			if err != nil || !match(line[3:]+"\r\n", got) {
				t.Fatalf("line %d: want %q, got %q, %v", number, line[3:], got, err)
			}
		default:
			t.Fatalf("line %d: %q", number, line)
		}
	}
	flush()
}

func match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(text)
}
