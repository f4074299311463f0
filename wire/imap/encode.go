package imap

import "citron/wire/imap/utf7"

// encoder appends commands.
type encoder struct {
	dst  []byte
	utf8 bool
	cuts []int // offsets of octets left out, as AppendCommand gives them
}

// uidCommand is a command that has a UID form.
type uidCommand interface{ uidForm() bool }

func (f *Fetch) uidForm() bool   { return f.UID }
func (s *Store) uidForm() bool   { return s.UID }
func (s *Search) uidForm() bool  { return s.UID }
func (s *Sort) uidForm() bool    { return s.UID }
func (t *Thread) uidForm() bool  { return t.UID }
func (m *Copy) uidForm() bool    { return m.UID }
func (m *Move) uidForm() bool    { return m.UID }
func (m *Expunge) uidForm() bool { return m.UID }

// AppendCommand appends tag and cmd with CRLF, as a client sends it. Strings
// that cannot be quoted become non-synchronizing literals (RFC 7888). With
// utf8Mode mailbox names are UTF-8, else modified UTF-7.
//
// cuts are the offsets in the result at which octets are still missing: those
// of each Literal with Sink >= 0, which the caller sends from elsewhere.
func AppendCommand(dst []byte, tag string, cmd Command, utf8Mode bool) (out []byte, cuts []int) {
	e := encoder{dst: dst, utf8: utf8Mode}
	e.raw(tag)
	e.sp()
	if c, ok := cmd.(uidCommand); ok && c.uidForm() {
		e.raw("UID ")
	}
	e.raw(cmd.Name())
	cmd.appendArgs(&e)
	e.raw("\r\n")
	return e.dst, e.cuts
}

func (e *encoder) raw(s string)  { e.dst = append(e.dst, s...) }
func (e *encoder) sp()           { e.dst = append(e.dst, ' ') }
func (e *encoder) uint(n uint64) { e.dst = AppendUint(e.dst, n) }

// astring writes s as an atom, quoted, or as a literal.
func (e *encoder) astring(s string) {
	if quotable(s, true) == quoteNever {
		e.literal(Literal{Size: int64(len(s)), Sink: -1, Data: []byte(s)})
		return
	}
	e.dst = AppendAString(e.dst, s, true)
}

// mailbox writes a mailbox name or pattern.
func (e *encoder) mailbox(name string) {
	if !e.utf8 {
		name = string(utf7.Append(nil, name))
	}
	e.astring(name)
}

func (e *encoder) setMailbox(set SeqSet, mailbox string) {
	e.sp()
	e.dst = AppendSeqSet(e.dst, set)
	e.sp()
	e.mailbox(mailbox)
}

// options writes the names of bits.
func (e *encoder) options(table []listOption, bits uint8) {
	first := true
	for _, o := range table {
		if bits&o.bit == 0 {
			continue
		}
		if !first {
			e.sp()
		}
		first = false
		e.raw(o.name)
	}
}

func (e *encoder) literal(l Literal) {
	if l.Binary {
		e.raw("~")
	}
	e.raw("{")
	e.uint(uint64(l.Size))
	e.raw("+}\r\n")
	if l.Sink >= 0 {
		e.cuts = append(e.cuts, len(e.dst))
		return
	}
	e.dst = append(e.dst, l.Data...)
}
