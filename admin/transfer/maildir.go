package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// maildirFlags are the letters after ":2," (in a file's name).
var maildirFlags = []flagLetter{
	{'D', `\Draft`}, {'F', `\Flagged`}, {'P', "$Forwarded"},
	{'R', `\Answered`}, {'S', `\Seen`}, {'T', `\Deleted`},
}

// Maildir reads a Maildir with its folders, both as Maildir++ has them
// (".Work.2026" beside cur and new, names in modified UTF-7) and as
// directories below one another.
type Maildir struct {
	root    string
	folders []maildirFolder
	files   []string // of the folder at hand, with "cur/" or "new/"
	folder  maildirFolder
	letters map[byte]string // keyword letters (dovecot-keywords)
}

type maildirFolder struct{ dir, mailbox string }

// OpenMaildir opens the directory; its own messages go to INBOX, those of its
// folders to mailboxes of their names.
func OpenMaildir(root string) (*Maildir, error) {
	m := &Maildir{root: root}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if base := d.Name(); name != root && (base == "cur" || base == "new" || base == "tmp") {
			return filepath.SkipDir
		}
		if isMaildir(name) {
			m.folders = append(m.folders, maildirFolder{name, folderName(root, name)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(m.folders) == 0 {
		return nil, fmt.Errorf("%s is not a Maildir: neither it nor a directory in it has cur and new", root)
	}
	sort.Slice(m.folders, func(i, j int) bool { return m.folders[i].mailbox < m.folders[j].mailbox })
	return m, nil
}

func isMaildir(dir string) bool {
	cur, err := os.Lstat(filepath.Join(dir, "cur"))
	return err == nil && cur.IsDir()
}

// Name identifies the Maildir: unique names are unique for all time.
func (m *Maildir) Name() string { return "maildir" }

// Close does nothing: no file stays open between messages.
func (m *Maildir) Close() error { return nil }

// Next gives each folder and its messages in order of their names, which is
// the order of their arrival.
func (m *Maildir) Next(context.Context) (any, error) {
	if len(m.files) == 0 {
		if len(m.folders) == 0 {
			return nil, io.EOF
		}
		m.folder, m.folders = m.folders[0], m.folders[1:]
		if err := m.list(); err != nil {
			return nil, err
		}
		m.letters = keywordLetters(filepath.Join(m.folder.dir, keywordsFile))
		return &Mailbox{Name: m.folder.mailbox}, nil
	}
	file := m.files[0]
	m.files = m.files[1:]
	return m.item(filepath.Join(m.folder.dir, file))
}

func (m *Maildir) list() error {
	m.files = nil
	for _, sub := range []string{"cur", "new"} {
		entries, err := os.ReadDir(filepath.Join(m.folder.dir, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				m.files = append(m.files, filepath.Join(sub, e.Name()))
			}
		}
	}
	sort.SliceStable(m.files, func(i, j int) bool { return maildirLess(m.files[i], m.files[j]) })
	return nil
}

// maildirLess orders by the seconds a unique name begins with, then by name.
func maildirLess(a, b string) bool {
	a, b = filepath.Base(a), filepath.Base(b)
	na, nb := leadingNumber(a), leadingNumber(b)
	if na != nb {
		return na < nb
	}
	return a < b
}

func leadingNumber(name string) int64 {
	digits, _, _ := strings.Cut(name, ".")
	n, _ := strconv.ParseInt(digits, 10, 64)
	return n
}

func (m *Maildir) item(file string) (any, error) {
	info, err := os.Lstat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err != nil {
		return nil, &BadItem{file, err}
	}
	name, info2, _ := strings.Cut(filepath.Base(file), ":2,")
	// What follows a comma ("S=" size, "U=" UID) is a program's note.
	unique, _, _ := strings.Cut(name, ",")
	return &Item{
		Mailbox: m.folder.mailbox, ID: unique, Flags: m.flags(info2),
		InternalDate: info.ModTime(),
		Open: func(context.Context) (io.ReadCloser, error) {
			f, err := openRegular(file, info)
			if err != nil {
				return nil, err
			}
			return newCRLFReader(f), nil
		},
	}, nil
}

// errNoFile: a link could lead anywhere, and who runs an import may read what
// the owner of the Maildir may not.
var errNoFile = errors.New("neither a link nor anything else but a file is taken from a Maildir")

// openRegular opens the very file that was looked at.
func openRegular(name string, looked fs.FileInfo) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !os.SameFile(looked, info) {
		f.Close()
		return nil, errors.Join(errNoFile, err)
	}
	return f, nil
}

func (m *Maildir) flags(letters string) Flags {
	var flags Flags
	for _, f := range maildirFlags {
		if strings.IndexByte(letters, f.letter) >= 0 {
			flags = append(flags, f.flag)
		}
	}
	for i := range len(letters) {
		if keyword, ok := m.letters[letters[i]]; ok {
			flags = append(flags, keyword)
		}
	}
	return flags
}

// keywordsFile says which letters stand for which keywords.
const keywordsFile = "dovecot-keywords"

// keywordLetters reads a dovecot-keywords file: "0 Work" says that the letter
// "a" stands for the keyword Work. Export writes one, too.
func keywordLetters(file string) map[byte]string {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := openRegular(file, info)
	if err != nil {
		return nil
	}
	defer f.Close()
	letters := map[byte]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		number, keyword, _ := strings.Cut(s.Text(), " ")
		if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < 26 && keyword != "" {
			letters['a'+byte(n)] = keyword
		}
	}
	return letters
}
