package transfer

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaildirSink writes a Maildir per mailbox, in directories below one another.
type MaildirSink struct {
	root     string
	token    string   // of this export; with count it makes a unique name
	count    int      // messages written
	dir      string   // of the mailbox at hand
	keywords []string // index is the letter; as in dovecot-keywords
}

// CreateMaildir writes below root, which must be empty or not exist.
func CreateMaildir(root string) (*MaildirSink, error) {
	if err := emptyDir(root); err != nil {
		return nil, err
	}
	return &MaildirSink{root: root, token: rand.Text()[:12]}, nil
}

// emptyDir makes the directory; one with anything in it is refused, so that an
// export never mixes with something else.
func emptyDir(root string) error {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(root)
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty; export into a new directory", root)
	}
	return err
}

// Mailbox makes the mailbox's directories.
func (m *MaildirSink) Mailbox(box *Mailbox) error {
	if err := m.writeKeywords(); err != nil {
		return err
	}
	m.dir, m.keywords = filepath.Join(m.root, filepath.FromSlash(folderPath(box.Name))), nil
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(m.dir, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Message writes to tmp and renames, as a Maildir is written.
func (m *MaildirSink) Message(item *Item, message io.Reader) error {
	m.count++
	unique := fmt.Sprintf("%d.R%sQ%07d.citron", item.InternalDate.Unix(), m.token, m.count)
	tmp := filepath.Join(m.dir, "tmp", unique)
	if err := writeFile(tmp, message); err != nil {
		return err
	}
	if err := os.Chtimes(tmp, item.InternalDate, item.InternalDate); err != nil {
		return err
	}
	sub := "new"
	if item.Flags.Has(`\Seen`) {
		sub = "cur"
	}
	name := unique + ":2," + m.letters(item.Flags)
	return os.Rename(tmp, filepath.Join(m.dir, sub, name))
}

func writeFile(name string, message io.Reader) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := &lfWriter{w: bufio.NewWriter(f)}
	_, err = io.Copy(w, message)
	w.end()
	if err == nil {
		err = w.w.Flush()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// letters are the flags of a file name, in ASCII order as the Maildir
// specification wants them; the first 26 keywords get letters of their own.
func (m *MaildirSink) letters(flags Flags) string {
	var letters []byte
	for _, flag := range flags {
		if letter := m.letter(flag); letter != 0 {
			letters = append(letters, letter)
		}
	}
	slices.Sort(letters)
	return string(letters)
}

func (m *MaildirSink) letter(flag string) byte {
	for _, f := range maildirFlags {
		if f.flag == flag {
			return f.letter
		}
	}
	if strings.HasPrefix(flag, `\`) {
		return 0
	}
	i := slices.Index(m.keywords, flag)
	if i < 0 {
		if len(m.keywords) == 26 {
			return 0
		}
		i = len(m.keywords)
		m.keywords = append(m.keywords, flag)
	}
	return 'a' + byte(i)
}

func (m *MaildirSink) writeKeywords() error {
	if len(m.keywords) == 0 {
		return nil
	}
	var b strings.Builder
	for i, keyword := range m.keywords {
		fmt.Fprintf(&b, "%d %s\n", i, keyword)
	}
	return os.WriteFile(filepath.Join(m.dir, keywordsFile), []byte(b.String()), 0o600)
}

// Close writes what is left.
func (m *MaildirSink) Close() error { return m.writeKeywords() }
