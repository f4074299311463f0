package transfer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"strings"
	"time"
)

// maxMessage bounds one message read from an mbox or a file, in bytes, which is
// kept in memory until its hash is known.
const maxMessage = 256 << 20

var errTooLarge = errors.New("message too large")

// ErrNoMbox: the file does not begin as an mbox does.
var ErrNoMbox = errors.New("not an mbox: no \"From \" line at its beginning")

// Mbox reads an mbox file (RFC 4155, in the "mboxrd" quoting that every reader
// of the older ones survives). All messages go to one mailbox.
type Mbox struct {
	file    *os.File
	r       *bufio.Reader
	mailbox string
	told    bool
	from    []byte // the "From " line of the message to come
	number  int
	seen    occurrences
}

// OpenMbox opens the file for import into the mailbox.
func OpenMbox(name, mailbox string) (*Mbox, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	m := &Mbox{file: f, r: bufio.NewReaderSize(f, 64<<10), mailbox: mailbox, seen: occurrences{}}
	line, err := m.piece()
	if err != nil && err != io.EOF || !isSeparator(line) && len(line) > 0 {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, errors.Join(ErrNoMbox, err))
	}
	m.from = bytes.Clone(line)
	return m, nil
}

// Name is the same for every mbox of a mailbox: what was brought is known by
// its hash.
func (m *Mbox) Name() string { return "content:" + m.mailbox }

// Close closes the file.
func (m *Mbox) Close() error { return m.file.Close() }

// Next gives the mailbox, then each message.
func (m *Mbox) Next(context.Context) (any, error) {
	if !m.told {
		m.told = true
		return &Mailbox{Name: m.mailbox}, nil
	}
	if len(m.from) == 0 {
		return nil, io.EOF
	}
	m.number++
	from := m.from
	text, err := m.message()
	if err != nil {
		return nil, &BadItem{fmt.Sprintf("%s, message %d", m.file.Name(), m.number), err}
	}
	flags, text := statusFlags(text)
	return m.seen.item(m.mailbox, text, flags, fromLineDate(from)), nil
}

// message reads up to the next "From " line, unquoted and with CRLF.
func (m *Mbox) message() ([]byte, error) {
	var text []byte
	var tooLarge, blank bool
	m.from = nil
	for start := true; ; {
		line, err := m.piece()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if blank && isSeparator(line) {
			m.from = bytes.Clone(line)
			break
		}
		if tooLarge = tooLarge || len(text)+len(line) > maxMessage; tooLarge {
			text = text[:0]
		}
		// The empty line before "From " belongs to the file, not the message.
		if blank {
			text = append(text, "\r\n"...)
		}
		if blank = start && len(bytes.TrimRight(line, "\r\n")) == 0; blank {
			continue
		}
		if start {
			text = appendCRLF(text, unquoteFrom(line))
		} else {
			text = appendCRLF(text, line)
		}
		start = line[len(line)-1] == '\n'
	}
	if tooLarge {
		return nil, errTooLarge
	}
	return text, nil
}

// piece reads a line with its end or, of one longer than the buffer, the next
// part of it; io.EOF comes alone. It is valid until the next call.
func (m *Mbox) piece() ([]byte, error) {
	line, err := m.r.ReadSlice('\n')
	if len(line) > 0 && (err == io.EOF || err == bufio.ErrBufferFull) {
		err = nil
	}
	return line, err
}

func isFromLine(line []byte) bool { return bytes.HasPrefix(line, []byte("From ")) }

// unquoteFrom takes one ">" from ">From ", ">>From ", … (mboxrd).
func unquoteFrom(line []byte) []byte {
	if len(line) > 0 && line[0] == '>' && isFromLine(bytes.TrimLeft(line, ">")) {
		return line[1:]
	}
	return line
}

// appendCRLF appends a line or a part of one, its end made CRLF; a last line
// without an end stays without.
func appendCRLF(text, line []byte) []byte {
	if bare, ok := bytes.CutSuffix(line, []byte{'\n'}); ok {
		text = append(text, bare...)
		if !bytes.HasSuffix(text, []byte{'\r'}) {
			text = append(text, '\r')
		}
		return append(text, '\n')
	}
	return append(text, line...)
}

// isSeparator tells the line before a message from one that a careless program
// did not quote: it has a time and a year.
func isSeparator(line []byte) bool { return isFromLine(line) && !fromLineDate(line).IsZero() }

// fromLineDate reads the date of "From sender Www Mmm dd hh:mm:ss yyyy", UTC;
// a zone before or after the year is disregarded, as it is by others.
func fromLineDate(line []byte) time.Time {
	fields := strings.Fields(string(line))
	for i, field := range fields {
		if strings.Count(field, ":") == 0 || i < 3 {
			continue
		}
		for _, year := range fields[i+1 : min(i+3, len(fields))] {
			text := strings.Join([]string{fields[i-2], fields[i-1], field, year}, " ")
			for _, layout := range []string{"Jan 2 15:04:05 2006", "Jan 2 15:04 2006"} {
				if t, err := time.Parse(layout, text); err == nil {
					return t
				}
			}
		}
	}
	return time.Time{}
}

// statusFlags reads the flags that mbox programs keep in Status, X-Status and
// X-Keywords headers. Where these three are the message's first fields in this
// order, as Export writes them, they alone count and are taken off.
func statusFlags(text []byte) (Flags, []byte) {
	if flags, rest, ok := exportedStatus(text); ok {
		return flags, rest
	}
	header, _, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	var flags Flags
	for line := range bytes.SplitSeq(header, []byte("\r\n")) {
		name, value, _ := strings.Cut(string(line), ":")
		flags = append(flags, headerFlags(textproto.CanonicalMIMEHeaderKey(name), value)...)
	}
	return flags, text
}

func exportedStatus(text []byte) (flags Flags, rest []byte, ok bool) {
	for _, name := range []string{"Status", "X-Status", "X-Keywords"} {
		line, after, _ := bytes.Cut(text, []byte("\r\n"))
		value, ok := bytes.CutPrefix(line, []byte(name+": "))
		if !ok {
			return nil, nil, false
		}
		flags, text = append(flags, headerFlags(name, string(value))...), after
	}
	return flags, text, true
}

func headerFlags(name, value string) (flags Flags) {
	switch name {
	case "Status":
		if strings.Contains(value, "R") {
			flags = append(flags, `\Seen`)
		}
	case "X-Status":
		for _, s := range statusLetters {
			if strings.IndexByte(value, s.letter) >= 0 {
				flags = append(flags, s.flag)
			}
		}
	case "X-Keywords":
		flags = strings.Fields(value)
	}
	return flags
}

// statusLetters are the letters of an X-Status header.
var statusLetters = []flagLetter{{'A', `\Answered`}, {'F', `\Flagged`}, {'T', `\Draft`}, {'D', `\Deleted`}}

// flagLetter is a letter that stands for a flag in a file format.
type flagLetter struct {
	letter byte
	flag   string
}

// occurrences counts how often a source offered the same message: a mailbox
// may hold it twice, and both are brought.
type occurrences map[string]int

// item is an item known by its hash, its date and its occurrence.
func (o occurrences) item(mailbox string, text []byte, flags Flags, date time.Time) *Item {
	sum := sha256.Sum256(text)
	id := fmt.Sprintf("%s.%d", base64.RawURLEncoding.EncodeToString(sum[:18]), date.Unix())
	if o[id]++; o[id] > 1 {
		id = fmt.Sprintf("%s.%d", id, o[id])
	}
	return &Item{
		Mailbox: mailbox, Flags: flags, InternalDate: date, ID: id, held: len(text),
		Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(text)), nil
		},
	}
}
