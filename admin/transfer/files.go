package transfer

import (
	"context"
	"io"
	"os"
)

// Files reads single messages (.eml) into one mailbox.
type Files struct {
	names   []string
	mailbox string
	told    bool
	seen    occurrences
}

// OpenFiles offers the files in the order given.
func OpenFiles(names []string, mailbox string) *Files {
	return &Files{names: names, mailbox: mailbox, seen: occurrences{}}
}

// Name is that of an mbox: what was brought is known by its hash.
func (f *Files) Name() string { return "content:" + f.mailbox }

// Close does nothing.
func (f *Files) Close() error { return nil }

// Next gives the mailbox, then each file; its date is the file's.
func (f *Files) Next(context.Context) (any, error) {
	if !f.told {
		f.told = true
		return &Mailbox{Name: f.mailbox}, nil
	}
	if len(f.names) == 0 {
		return nil, io.EOF
	}
	name := f.names[0]
	f.names = f.names[1:]
	item, err := f.read(name)
	if err != nil {
		return nil, &BadItem{name, err}
	}
	return item, nil
}

func (f *Files) read(name string) (*Item, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r := newCRLFReader(file)
	defer r.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxMessage+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxMessage {
		return nil, errTooLarge
	}
	return f.seen.item(f.mailbox, text, nil, info.ModTime()), nil
}
