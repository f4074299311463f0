package imap

// encoder appends commands.
type encoder struct {
	dst  []byte
	utf8 bool
	// parts are the literals whose octets the caller supplies.
}

// AppendCommand appends tag and cmd with CRLF, as a client sends it. Strings
// that cannot be quoted become non-synchronizing literals (RFC 7888). With
// utf8Mode mailbox names are UTF-8, else modified UTF-7. A message of APPEND
// whose Literal has Sink >= 0 must be sent with AppendCommandHead instead.
func AppendCommand(dst []byte, tag string, cmd Command, utf8Mode bool) []byte {
	e := encoder{dst: dst, utf8: utf8Mode}
	e.raw(tag)
	e.sp()
	if hasUID(cmd) {
		e.raw("UID ")
	}
	e.raw(cmd.Name())
	cmd.appendArgs(&e)
	e.raw("\r\n")
	return e.dst
}

func hasUID(cmd Command) bool {
	switch cmd := cmd.(type) {
	case *Fetch:
		return cmd.UID
	case *Store:
		return cmd.UID
	case *Search:
		return cmd.UID
	case *Copy:
		return cmd.UID
	case *Move:
		return cmd.UID
	case *Expunge:
		return cmd.UID
	}
	return false
}

func (e *encoder) raw(s string)       { e.dst = append(e.dst, s...) }
func (e *encoder) sp()                { e.dst = append(e.dst, ' ') }
func (e *encoder) uint(n uint64)      { e.dst = AppendUint(e.dst, n) }
func (e *encoder) mailbox(s string)   { e.name(AppendMailbox(nil, s, e.utf8)) }
func (e *encoder) reference(s string) { e.name(AppendMailbox(nil, s, e.utf8)) }

func (e *encoder) astring(s string) { e.name(AppendAString(nil, s, e.utf8)) }

func (e *encoder) name(b []byte) { e.dst = append(e.dst, b...) }

func (e *encoder) setMailbox(set SeqSet, mailbox string) {
	e.sp()
	e.dst = AppendSeqSet(e.dst, set)
	e.sp()
	e.mailbox(mailbox)
}

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
	e.dst = append(e.dst, l.Data...)
}

func (s *Search) appendArgs(e *encoder) {}
