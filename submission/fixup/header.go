package fixup

import (
	"bytes"
	"crypto/rand"
	"strings"
	"unicode/utf8"

	"citron/mail/message"
)

// header is the header as it will leave.
type header struct {
	fields []field
	first  map[*rule]int // index in fields of the first field of a rule
	hops   int
	size   int // octets of fields
}

type field struct {
	rule  *rule
	raw   []byte // name, colon, value and CRLF
	value []byte // of raw
}

// maxFields bounds the fields of a header, each of which takes a hundred octets
// while it is mended.
const maxFields = 5000

// endHeader mends the header that was gathered, and writes it.
func (f *Filter) endHeader() error {
	head := f.head
	f.head, f.inBody = nil, true
	h, text, err := f.read(head)
	if err == nil {
		err = f.check(h)
	}
	if err == nil {
		err = f.complete(h)
	}
	if err != nil {
		return err
	}
	out := f.o.appendReceived(make([]byte, 0, h.size+1024))
	for i := range h.fields {
		out = append(out, h.fields[i].raw...)
	}
	f.note(h)
	out = append(out, crlf...)
	f.meter.Header(out)
	if _, err := f.dst.Write(out); err != nil {
		return err
	}
	if f.noBlank {
		text = bytes.TrimSuffix(text, crlf)
	}
	return f.emit(text)
}

// read reads the fields of a header and sorts out those that do not leave. A
// message may have no header at all, and is then all text; but not if fields
// come later that the text must not show, or that would be lost.
func (f *Filter) read(head []byte) (h *header, text []byte, err error) {
	h = &header{first: make(map[*rule]int)}
	start := true
	for raw := range message.Fields(head) {
		name := asciiName(raw.Name)
		switch {
		case name == "" && start && mboxFrom(raw.Raw):
			continue // the separator of an mbox file
		case name == "" && start:
			if hasKnownField(head) {
				return nil, nil, replyJunk
			}
			return h, head, nil
		case name == "":
			return nil, nil, replyJunk
		}
		start = false
		if err := f.addField(h, name, raw); err != nil {
			return nil, nil, err
		}
	}
	return h, nil, nil
}

func (f *Filter) addField(h *header, name string, raw message.Field) error {
	r := ruleFor(name)
	empty := len(bytes.TrimSpace(raw.Value)) == 0
	if r.drop || r.full && empty {
		return nil
	}
	out, err := f.mend(name, raw.Value)
	if err != nil {
		return err
	}
	fd := field{rule: r, raw: out, value: out[len(name)+1:]}
	if len(h.fields) == maxFields {
		return replyHeaderTooLarge
	}
	if i, again := h.first[r]; again && r != otherField {
		switch old := &h.fields[i]; {
		case r.join:
			h.size += len(out)
			old.join(fd.value)
			return nil
		case r.once && bytes.Equal(unfolded(old.value), unfolded(fd.value)):
			return nil
		case r.once:
			return about(replyTwice, r.name)
		}
	} else {
		h.first[r] = len(h.fields)
	}
	h.size += len(out)
	h.fields = append(h.fields, fd)
	return nil
}

// mend gives a field with what RFC 5322 §4 allows to read, but not to write, put
// right: space before the colon, continuation lines of nothing but space; and
// its lines folded where they have more than 998 octets (RFC 5322 §2.1.1).
func (f *Filter) mend(name string, value []byte) ([]byte, error) {
	switch {
	case bytes.IndexByte(value, 0) >= 0:
		return nil, replyNUL
	case isASCII(value):
	case !utf8.Valid(value):
		return nil, replyCharset // SMTPUTF8 or not (RFC 6532 §3.1)
	case !f.o.UTF8:
		return nil, replyNeedsUTF8
	}
	out := make([]byte, 0, len(name)+1+len(value)+2)
	line := append([]byte(name), ':')
	for part := range bytes.SplitSeq(bytes.TrimSuffix(value, crlf), crlf) {
		line = append(line, part...)
		if len(out) > 0 && len(bytes.TrimLeft(line, " \t")) == 0 {
			line = line[:0]
			continue
		}
		var ok bool
		if out, ok = message.AppendFolded(out, line); !ok {
			return nil, replyLongLine
		}
		line = line[:0]
	}
	return out, nil
}

// join adds the addresses of another field. The comma stands where no line
// becomes longer than it was.
func (fd *field) join(value []byte) {
	name := len(fd.raw) - len(fd.value)
	fd.raw = append(bytes.TrimRight(fd.raw, " \t\r\n"), "\r\n\t, "...)
	fd.raw = append(fd.raw, bytes.TrimLeft(value, " \t\r\n")...)
	fd.value = fd.raw[name:]
}

// complete adds the fields that are missing, after the others: those of a trace
// stay in front (RFC 5322 §3.6).
func (f *Filter) complete(h *header) error {
	if h.hops = h.count("received"); h.hops > f.o.MaxHops {
		return replyLoop
	}
	if h.get("date") == nil {
		h.add("date", date(f.o.Now))
	}
	if h.get("from") == nil {
		if f.o.From.IsNull() {
			return replyNoFrom
		}
		h.add("from", f.o.From.String())
	}
	if h.get("message-id") == nil {
		h.add("message-id", f.newID())
	}
	if h.get("resent-from") != nil && h.get("resent-date") == nil { // RFC 5322 §3.6.6
		h.addFront("resent-date", date(f.o.Now))
	}
	return nil
}

// newID makes a message identifier (RFC 5322 §3.6.4).
func (f *Filter) newID() string { return "<" + rand.Text() + "@" + f.o.Hostname + ">" }

// note keeps what the header says.
func (f *Filter) note(h *header) {
	c := &f.found
	c.Hops = h.hops + 1
	if id := bytes.TrimSpace(unfolded(h.get("message-id"))); len(id) <= message.MaxLine {
		c.MessageID = string(id)
	}
	c.TLSOptional = strings.EqualFold(string(bytes.TrimSpace(h.get("tls-required"))), "no")
}

// get gives the value of the first field of a name of the table; nil: none.
func (h *header) get(name string) []byte {
	if i, ok := h.first[rules[name]]; ok {
		return h.fields[i].value
	}
	return nil
}

func (h *header) count(name string) int {
	n := 0
	for i := range h.fields {
		if h.fields[i].rule == rules[name] {
			n++
		}
	}
	return n
}

func newField(name, value string) field {
	r := rules[name]
	raw := []byte(r.name + ": " + value + "\r\n")
	return field{rule: r, raw: raw, value: raw[len(r.name)+1:]}
}

func (h *header) add(name, value string) {
	h.first[rules[name]] = len(h.fields)
	h.fields = append(h.fields, newField(name, value))
}

// addFront adds a field before all others.
func (h *header) addFront(name, value string) {
	for r := range h.first {
		h.first[r]++
	}
	h.first[rules[name]] = 0
	h.fields = append([]field{newField(name, value)}, h.fields...)
}

func ruleFor(name string) *rule {
	if r, ok := rules[strings.ToLower(name)]; ok {
		return r
	}
	return otherField
}

// asciiName gives a field's name; empty if it is none (RFC 5322 §2.2).
func asciiName(name []byte) string {
	if !isASCII(name) {
		return ""
	}
	return string(name)
}

func hasKnownField(head []byte) bool {
	for raw := range message.Fields(head) {
		if ruleFor(string(raw.Name)) != otherField {
			return true
		}
	}
	return false
}

func mboxFrom(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// unfolded gives a value without its line ends (RFC 5322 §2.2.3).
func unfolded(value []byte) []byte { return bytes.ReplaceAll(value, crlf, nil) }

func isASCII(p []byte) bool {
	for _, c := range p {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
