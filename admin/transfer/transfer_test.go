package transfer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// memory is a Target and, read back, a Source.
type memory struct {
	boxes []string
	items map[string][]*Item
	known map[string]bool
	text  map[*Item][]byte
}

func newMemory() *memory {
	return &memory{items: map[string][]*Item{}, known: map[string]bool{}, text: map[*Item][]byte{}}
}

func (m *memory) Ensure(_ context.Context, box Mailbox) (bool, error) {
	if _, ok := m.items[box.Name]; !ok {
		m.boxes = append(m.boxes, box.Name)
		m.items[box.Name] = nil
	}
	return false, nil
}

func (m *memory) Complete(context.Context, Mailbox) error { return nil }

func (m *memory) Known(_ context.Context, source string, ids []string) ([]bool, error) {
	known := make([]bool, len(ids))
	for i, id := range ids {
		known[i] = m.known[source+" "+id]
	}
	return known, nil
}

func (m *memory) Append(_ context.Context, source string, item *Item, r io.Reader) (uint32, error) {
	text, err := io.ReadAll(r)
	m.known[source+" "+item.ID] = true
	m.items[item.Mailbox] = append(m.items[item.Mailbox], item)
	m.text[item] = text
	return item.UID, err
}

// source gives all of it, as an account does for an export.
func (m *memory) source() Source {
	var all []any
	for _, box := range m.boxes {
		all = append(all, &Mailbox{Name: box})
		for i, item := range m.items[box] {
			out := *item
			out.ID = fmt.Sprint(i + 1)
			out.Open = func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(m.text[item])), nil
			}
			all = append(all, &out)
		}
	}
	return &Fixed{List: all}
}

// said is what a memory holds, in a form that can be compared.
func (m *memory) said() []string {
	var said []string
	for _, box := range m.boxes {
		for _, item := range m.items[box] {
			slices.Sort(item.Flags)
			said = append(said, fmt.Sprintf("%s %v %s %q", box, item.Flags,
				item.InternalDate.UTC().Format(time.RFC3339), m.text[item]))
		}
	}
	return said
}

func imported(t *testing.T, m *memory, src Source, err error) Progress {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	count, err := Import(t.Context(), src, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

const twoMessages = "From a@example.org Mon Nov 23 09:00:00 2026\n" +
	"Subject: one\nStatus: RO\nX-Status: AF\n\n" +
	">From here on\n>>From quoted twice\nplain\n\n\n" +
	"From b@example.org Mon Nov 23 10:00:00 2026\n" +
	"Subject: two\n\nFrom within a paragraph is no separator:\nFrom it\n"

func writeTemp(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "mail.mbox")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestMbox(t *testing.T) {
	name := writeTemp(t, twoMessages)
	m := newMemory()
	src, err := OpenMbox(name, "INBOX")
	if count := imported(t, m, src, err); count.Added != 2 {
		t.Fatalf("added %d", count.Added)
	}
	want := []string{
		`INBOX [\Answered \Flagged \Seen] 2026-11-23T09:00:00Z "Subject: one\r\nStatus: RO\r\nX-Status: AF\r\n\r\nFrom here on\r\n>From quoted twice\r\nplain\r\n\r\n"`,
		`INBOX [] 2026-11-23T10:00:00Z "Subject: two\r\n\r\nFrom within a paragraph is no separator:\r\nFrom it\r\n"`,
	}
	if diff := cmp.Diff(want, m.said()); diff != "" {
		t.Error(diff)
	}
	src, err = OpenMbox(name, "INBOX")
	if count := imported(t, m, src, err); count.Added != 0 || count.Known != 2 {
		t.Errorf("second run: %+v", count)
	}
}

func TestMboxKeepsIdenticalMessages(t *testing.T) {
	one := "From a Mon Nov 23 09:00:00 2026\nSubject: same\n\ntext\n\n"
	m := newMemory()
	src, err := OpenMbox(writeTemp(t, one+one+one), "INBOX")
	if count := imported(t, m, src, err); count.Added != 3 {
		t.Errorf("added %d of three", count.Added)
	}
}

// A line may be longer than any buffer; only a whole line parts messages.
func TestMboxLongLines(t *testing.T) {
	long := strings.Repeat("x", 64<<10-6)
	m := newMemory()
	src, err := OpenMbox(writeTemp(t, "From a Mon Nov 23 09:00:00 2026\n\n"+long+"From b Mon Nov 23 09:00:00 2026\n"+long+long+"\r\n\nend"), "INBOX")
	imported(t, m, src, err)
	want := "\r\n" + long + "From b Mon Nov 23 09:00:00 2026\r\n" + long + long + "\r\n\r\nend"
	if items := m.items["INBOX"]; len(items) != 1 || string(m.text[items[0]]) != want {
		t.Errorf("%d messages", len(items))
	}
}

func TestNoMbox(t *testing.T) {
	if _, err := OpenMbox(writeTemp(t, "Subject: a single message\n\n"), "INBOX"); err == nil {
		t.Error("taken for an mbox")
	}
}

// What is exported and imported again is what it was: flags, keywords, dates,
// names and bytes.
func TestRoundTrip(t *testing.T) {
	date := time.Date(2026, 3, 1, 12, 30, 15, 0, time.UTC)
	m := newMemory()
	for box, text := range map[string]string{
		"INBOX":         "Subject: a\r\nStatus: mine\r\n\r\nFrom one\r\n>From two\r\n\r\nFrom three\r\n",
		"Entwürfe/=odd": "Subject: b\r\n\r\n" + strings.Repeat("long line ", 20000) + "\r\n",
		"a/../cur":      "\r\nno header\r\n",
		"bare CR":       "Subject: c\r\n\r\na\rb\r\n",
	} {
		m.Ensure(t.Context(), Mailbox{Name: box})
		m.Append(t.Context(), "x", &Item{Mailbox: box, ID: box, InternalDate: date,
			Flags: Flags{`\Flagged`, `\Seen`, "Work"}}, strings.NewReader(text))
	}
	for name, form := range map[string]func(root string) (Sink, func() (Source, error)){
		"maildir": func(root string) (Sink, func() (Source, error)) {
			sink, err := CreateMaildir(root)
			if err != nil {
				t.Fatal(err)
			}
			return sink, func() (Source, error) { return OpenMaildir(root) }
		},
		"mbox": func(root string) (Sink, func() (Source, error)) {
			sink, err := CreateMbox(root)
			if err != nil {
				t.Fatal(err)
			}
			return sink, func() (Source, error) { return OpenMbox(filepath.Join(root, "INBOX.mbox"), "INBOX") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			sink, open := form(filepath.Join(t.TempDir(), "out"))
			if _, err := Export(t.Context(), m.source(), sink, nil); err != nil {
				t.Fatal(err)
			}
			back := newMemory()
			src, err := open()
			imported(t, back, src, err)
			want := m
			if name == "mbox" {
				want = &memory{boxes: []string{"INBOX"}, items: m.items, text: m.text}
			}
			if diff := cmp.Diff(sorted(want.said()), sorted(back.said())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExportRefusesUsedDirectory(t *testing.T) {
	root := t.TempDir()
	os.WriteFile(filepath.Join(root, "file"), nil, 0o600)
	if _, err := CreateMaildir(root); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("got %v", err)
	}
}

func TestMaildirPlusPlus(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"cur", "new", "tmp", ".Work.2026/cur", ".Work.2026/new", ".Entw&APw-rfe/cur"} {
		os.MkdirAll(filepath.Join(root, dir), 0o700)
	}
	write := func(name string) {
		os.WriteFile(filepath.Join(root, name), []byte("Subject: x\n\n"+name+"\n"), 0o600)
	}
	write("cur/1000.a.host,S=10:2,RSa")
	write("new/999.b.host")
	write(".Work.2026/cur/1.c:2,P")
	os.WriteFile(filepath.Join(root, "dovecot-keywords"), []byte("0 $Label1\n"), 0o600)
	m := newMemory()
	src, err := OpenMaildir(root)
	imported(t, m, src, err)
	if diff := cmp.Diff([]string{"Entwürfe", "INBOX", "Work/2026"}, m.boxes); diff != "" {
		t.Error(diff)
	}
	inbox := m.items["INBOX"]
	if len(inbox) != 2 || inbox[0].ID != "999.b.host" || inbox[1].ID != "1000.a.host" {
		t.Fatalf("INBOX: %v", m.said())
	}
	if diff := cmp.Diff(Flags{`\Answered`, `\Seen`, "$Label1"}, inbox[1].Flags); diff != "" {
		t.Error(diff)
	}
	if !m.items["Work/2026"][0].Flags.Has("$Forwarded") {
		t.Error("P is $Forwarded")
	}
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

func FuzzMbox(f *testing.F) {
	f.Add([]byte(twoMessages))
	f.Add([]byte("From "))
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "mbox")
		os.WriteFile(name, text, 0o600)
		src, err := OpenMbox(name, "INBOX")
		if err != nil {
			return
		}
		defer src.Close()
		if _, err := Import(t.Context(), src, newMemory(), nil); err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever a server answers, an import ends, and takes nothing for a message
// that is none.
func FuzzIMAPAnswers(f *testing.F) {
	f.Add(fetched, bodies)
	f.Add("* 1 FETCH (UID 10 FLAGS (\\Seen))\n", "* 1 FETCH (UID 10 BODY[TEXT] {1}\nx BODY[]<3> {1}\nx)\n")
	f.Add("* 1 FETCH (UID 10 FLAGS ())\n", "* 1 FETCH (BODY[] {1}\nx)\n* 1 FETCH (BODY[] {1}\nx UID 99)\n")
	f.Fuzz(func(t *testing.T, described, sent string) {
		server := courier.with(script{"UID FETCH 10,20,30 (UID F": described, "UID FETCH": sent + hangUp})
		src, err := server.inMemory(t)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		m := newMemory()
		Import(t.Context(), src, m, nil)
		for _, item := range m.items["INBOX"] {
			if !slices.Contains([]string{"5.10", "5.20", "5.30"}, item.ID) {
				t.Errorf("%s was not asked for", item.ID)
			}
		}
	})
}
