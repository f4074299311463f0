package transfer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// MboxSink writes a file in mboxrd form per mailbox: INBOX.mbox, and Work.mbox
// beside Work/2026.mbox.
type MboxSink struct {
	root string
	file *os.File
	w    *bufio.Writer
}

// CreateMbox writes below root, which must be empty or not exist.
func CreateMbox(root string) (*MboxSink, error) {
	if err := emptyDir(root); err != nil {
		return nil, err
	}
	return &MboxSink{root: root}, nil
}

// Mailbox begins a file.
func (m *MboxSink) Mailbox(box *Mailbox) error {
	if err := m.Close(); err != nil {
		return err
	}
	name := filepath.Join(m.root, filepath.FromSlash(folderPath(box.Name))+".mbox")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	m.file, m.w = f, bufio.NewWriterSize(f, 64<<10)
	return nil
}

// Message appends: "From " line, flags as headers, text with "From " quoted.
func (m *MboxSink) Message(item *Item, message io.Reader) error {
	fmt.Fprintf(m.w, "From MAILER-DAEMON %s\n", item.InternalDate.UTC().Format("Mon Jan _2 15:04:05 2006"))
	writeStatus(m.w, item.Flags)
	r := bufio.NewReaderSize(message, 64<<10)
	text := &lfWriter{w: m.w}
	for start := true; ; {
		line, err := r.ReadSlice('\n')
		if len(line) > 0 {
			if start && isFromLine(bytes.TrimLeft(line, ">")) {
				m.w.WriteByte('>')
			}
			start = err == nil
			text.Write(line)
		}
		if err == io.EOF {
			text.end()
			if !start {
				m.w.WriteByte('\n')
			}
			return m.w.WriteByte('\n')
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// writeStatus writes the headers that statusFlags takes off again. Status is
// always written, so that a message's own is never mistaken for ours.
func writeStatus(w *bufio.Writer, flags Flags) {
	status := "O"
	if flags.Has(`\Seen`) {
		status = "RO"
	}
	var letters, keywords []string
	for _, s := range statusLetters {
		if flags.Has(s.flag) {
			letters = append(letters, string(s.letter))
		}
	}
	for _, flag := range flags {
		if !strings.HasPrefix(flag, `\`) {
			keywords = append(keywords, flag)
		}
	}
	fmt.Fprintf(w, "Status: %s\nX-Status: %s\nX-Keywords: %s\n", status,
		strings.Join(letters, ""), strings.Join(keywords, " "))
}

// Close ends the file at hand.
func (m *MboxSink) Close() error {
	if m.file == nil {
		return nil
	}
	err := errors.Join(m.w.Flush(), m.file.Close())
	m.file = nil
	return err
}
