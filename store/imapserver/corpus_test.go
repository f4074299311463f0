package imapserver

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"citron/mail/message"
	"citron/mail/message/messagetest"
	"citron/wire/imap"
)

// corpus gives the messages of the shared corpus by name, with CRLF at line
// ends.
func corpus(t testing.TB) map[string][]byte {
	found := messagetest.CorpusIfThere(t)
	for name, b := range found {
		found[name] = crlf(b)
	}
	return found
}

// awkward are messages that the corpus may not have.
func awkward() map[string][]byte {
	zeros := strings.Repeat("a\x00b\r\n", 50)
	nested := "From: a@example.org\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + zeros
	return map[string][]byte{
		"empty":        nil,
		"body only":    []byte("\r\nbody\r\n"),
		"header only":  []byte("Subject: x\r\n"),
		"no header":    []byte("no field here\r\n\r\nbody\r\n"),
		"NUL, no MIME": []byte("Subject: x\r\n\r\na\x00b\r\n"),
		"NUL, header":  []byte("Subject: x\x00y\r\n\r\nab\r\n"),
		"NUL, binary":  []byte(nested),
		"NUL, nested": []byte("Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\ntext\r\n--q\r\n" +
			"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n" + nested +
			"\r\n--q\r\nContent-Type: image/gif\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + zeros + "\r\n--q--\r\n"),
		"NUL, base64":  []byte("Content-Transfer-Encoding: base64\r\n\r\nYQBi\r\nYQBi\r\n"),
		"long header":  []byte("Subject: x\r\n" + strings.Repeat("X-Filler: "+strings.Repeat("y", 60)+"\r\n", 5000) + "X-Last: z\r\n\r\nbody\r\n"),
		"large base64": []byte("Content-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat(strings.Repeat("QUJD", 18)+"\r\n", 2000)),
		"large text":   []byte("Content-Transfer-Encoding: 8bit\r\n\r\n" + strings.Repeat("line\r\n", 20000)),
		"bare LF":      []byte("Subject: x\nContent-Type: text/plain\n\none\ntwo\n"),
		"NUL, UTF-8":   []byte("Subject: grün\r\nContent-Transfer-Encoding: binary\r\n\r\n" + zeros),
		"Latin-1":      []byte("Subject: gr\xfcn\r\n\r\nbody\r\n"),
	}
}

// Whatever a message is, all that FETCH says of it agrees; to a client that has
// enabled UTF-8 it is the message itself, to another the downgraded one
// (RFC 6855 §7, RFC 6857).
func TestFetchAgreesWithItself(t *testing.T) {
	messages := corpus(t)
	maps.Copy(messages, awkward())
	t.Run("UTF-8", func(t *testing.T) { fetchAgrees(t, messages, true) })
	t.Run("ASCII", func(t *testing.T) { fetchAgrees(t, messages, false) })
}

func fetchAgrees(t *testing.T, messages map[string][]byte, utf8 bool) {
	f := newFixture(t)
	p := f.login()
	names := slices.Sorted(maps.Keys(messages))
	for _, name := range names {
		f.enter(p, messages[name])
	}
	if out := p.say(t, "s SELECT INBOX"); !strings.Contains(out, fmt.Sprintf("* %d EXISTS", len(names))) {
		t.Fatal(out)
	}
	if utf8 {
		p.say(t, "u ENABLE UTF8=ACCEPT")
	}
	for i, name := range names {
		m := &sameness{t: t, p: p, name: name, seq: i + 1}
		if utf8 {
			m.check(messages[name])
		} else {
			m.check(downgraded(t, messages[name]))
		}
	}
}

// downgraded is a message as it is shown to clients that know no UTF-8.
func downgraded(t *testing.T, raw []byte) []byte {
	stored := bytes.NewReader(raw)
	m, err := message.Parse(stored)
	if err != nil {
		t.Fatal(err)
	}
	view, err := message.NewView(m.Tree(), stored, message.Downgraded)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := io.ReadAll(io.NewSectionReader(view.Open(stored), 0, view.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// enter APPENDs a message, or files it as LMTP would if APPEND does not take
// such.
func (f *fixture) enter(p *peer, message []byte) {
	f.t.Helper()
	header, _, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	plain := len(message) > 0 && bytes.IndexByte(message, 0) < 0
	for _, c := range header {
		plain = plain && c < 0x80
	}
	if !plain {
		f.deliver("INBOX", append([]byte{}, message...))
		return
	}
	if out := p.say(f.t, fmt.Sprintf("a APPEND INBOX {%d+}\r\n%s", len(message), message)); !strings.Contains(out, "a OK ") {
		f.t.Fatalf("%s\n%.200q", out, message)
	}
}

// sameness checks one message.
type sameness struct {
	t    *testing.T
	p    *peer
	name string
	seq  int
}

func (m *sameness) error(format string, args ...any) {
	m.t.Helper()
	m.t.Errorf("%s: %s", m.name, fmt.Sprintf(format, args...))
}

// fetch asks for items and gives the response and its sections by name.
func (m *sameness) fetch(items ...string) (*imap.FetchResponse, map[string][]byte) {
	m.t.Helper()
	out := m.p.say(m.t, fmt.Sprintf("f FETCH %d (%s)", m.seq, strings.Join(items, " ")))
	reader := imap.NewResponseReader(strings.NewReader(out))
	var got *imap.FetchResponse
	for {
		r, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			m.t.Fatalf("%s: %v in %.2000q", m.name, err, out)
		}
		switch r := r.(type) {
		case *imap.FetchResponse:
			got = r
		case *imap.StatusResponse:
			if r.Kind != imap.OK {
				m.t.Fatalf("%s: %v: %s %s", m.name, items, r.Kind, r.Text)
			}
		}
	}
	if got == nil {
		m.t.Fatalf("%s: no response", m.name)
	}
	sections := map[string][]byte{}
	for _, s := range got.Sections {
		name := s.Kind.String() + string(imap.AppendSection(nil, &s.Section))
		if s.Origin >= 0 {
			name += fmt.Sprintf("<%d>", s.Origin)
		}
		if s.Kind == imap.FetchBinarySize {
			sections[name] = fmt.Append(nil, s.Literal.Size)
		} else if !s.Null {
			sections[name] = append([]byte{}, s.Literal.Data...)
		}
	}
	return got, sections
}

func (m *sameness) check(raw []byte) {
	m.t.Helper()
	got, sections := m.fetch("RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE", "PREVIEW",
		"BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]", "BINARY.PEEK[]", "BINARY.SIZE[]")
	whole := sections["BODY[]"]
	if int64(len(whole)) != got.Size.Value {
		m.error("BODY[] has %d octets, RFC822.SIZE is %d", len(whole), got.Size.Value)
	}
	if bytes.IndexByte(whole, 0) >= 0 {
		m.error("a NUL in BODY[]")
	}
	if bytes.IndexByte(raw, 0) < 0 && !bytes.Equal(whole, raw) {
		m.error("BODY[] is not the message")
	}
	if !bytes.Equal(sections["BINARY[]"], raw) || string(sections["BINARY.SIZE[]"]) != fmt.Sprint(len(raw)) {
		m.error("BINARY[] is not the message")
	}
	if header, text := sections["BODY[HEADER]"], sections["BODY[TEXT]"]; !bytes.Equal(append(header, text...), whole) {
		m.error("HEADER and TEXT are not the message")
	}
	if a, b := outline(got.Body), outline(got.BodyStructure); a != b {
		m.error("BODY is %s, BODYSTRUCTURE %s", a, b)
	}
	m.partial("BODY", "", whole)
	if b := got.BodyStructure; len(b.Parts) > 0 {
		m.parts("", b.Parts, sections["BODY[TEXT]"])
	} else {
		m.part("1", b, whole)
	}
}

// outline shows types and sizes.
func outline(b *imap.BodyStructure) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s/%s %d %d", b.Type, b.Subtype, b.Size, b.Lines)
	for i := range b.Parts {
		fmt.Fprintf(&out, " (%s)", outline(&b.Parts[i]))
	}
	if b.Message != nil {
		fmt.Fprintf(&out, " [%s]", outline(b.Message))
	}
	return out.String()
}

// parts checks the parts of a multipart, whose number with a dot is prefix and
// whose octets are body.
func (m *sameness) parts(prefix string, parts []imap.BodyStructure, body []byte) {
	m.t.Helper()
	for i := range parts {
		m.part(fmt.Sprintf("%s%d", prefix, i+1), &parts[i], body)
	}
	if _, s := m.fetch(fmt.Sprintf("BODY.PEEK[%s%d]", prefix, len(parts)+1)); len(s) > 0 {
		m.error("there is a part %s%d", prefix, len(parts)+1)
	}
}

// part checks the part with a number, which lies in container.
func (m *sameness) part(number string, b *imap.BodyStructure, container []byte) {
	m.t.Helper()
	items := []string{"BODY.PEEK[" + number + "]", "BODY.PEEK[" + number + ".MIME]"}
	binary := len(b.Parts) == 0 && slices.Contains([]string{"7BIT", "8BIT", "BINARY", "BASE64", "QUOTED-PRINTABLE"}, strings.ToUpper(b.Encoding))
	if binary {
		items = append(items, "BINARY.PEEK["+number+"]", "BINARY.SIZE["+number+"]")
	}
	_, sections := m.fetch(items...)
	body, mime := sections["BODY["+number+"]"], sections["BODY["+number+".MIME]"]
	if body == nil || mime == nil {
		m.error("no part %s", number)
		return
	}
	if !bytes.Contains(container, append(slices.Clone(mime), body...)) {
		m.error("part %s with its header is not in what contains it", number)
	}
	m.partial("BODY", number, body)
	if binary {
		decoded := sections["BINARY["+number+"]"]
		if size := string(sections["BINARY.SIZE["+number+"]"]); size != fmt.Sprint(len(decoded)) {
			m.error("BINARY[%s] has %d octets, BINARY.SIZE is %s", number, len(decoded), size)
		}
		m.partial("BINARY", number, decoded)
	}
	switch {
	case len(b.Parts) > 0:
		m.parts(number+".", b.Parts, body)
		return
	case int64(len(body)) != b.Size:
		m.error("part %s has %d octets, BODYSTRUCTURE says %d", number, len(body), b.Size)
	case b.Type == "TEXT" && int64(bytes.Count(body, []byte("\n"))) != b.Lines:
		m.error("part %s has %d lines, BODYSTRUCTURE says %d", number, bytes.Count(body, []byte("\n")), b.Lines)
	}
	if b.Message != nil {
		m.embedded(number, b.Message, body)
	}
}

// embedded checks a message within the part with a number.
func (m *sameness) embedded(number string, b *imap.BodyStructure, body []byte) {
	m.t.Helper()
	_, sections := m.fetch("BODY.PEEK["+number+".HEADER]", "BODY.PEEK["+number+".TEXT]")
	header, text := sections["BODY["+number+".HEADER]"], sections["BODY["+number+".TEXT]"]
	if !bytes.Equal(append(slices.Clone(header), text...), body) {
		m.error("part %s: HEADER and TEXT are not the message", number)
	}
	if len(b.Parts) > 0 {
		m.parts(number+".", b.Parts, text)
	} else {
		m.part(number+".1", b, body)
	}
}

// partial fetches a section in three pieces, the last beyond its end.
func (m *sameness) partial(item, number string, want []byte) {
	m.t.Helper()
	a, b := len(want)/3, 2*len(want)/3
	section := fmt.Sprintf("%s.PEEK[%s]", item, number)
	name := fmt.Sprintf("%s[%s]", item, number)
	_, s := m.fetch(fmt.Sprintf("%s<0.%d>", section, max(a, 1)), fmt.Sprintf("%s<%d.%d>", section, a, max(b-a, 1)),
		fmt.Sprintf("%s<%d.99999999>", section, b), fmt.Sprintf("%s<%d.5>", section, len(want)+1))
	if len(want) < 3 {
		return
	}
	got := slices.Concat(s[name+"<0>"], s[fmt.Sprintf("%s<%d>", name, a)], s[fmt.Sprintf("%s<%d>", name, b)])
	if !bytes.Equal(got, want) {
		m.error("%s in pieces is not the same", name)
	}
	if beyond, ok := s[fmt.Sprintf("%s<%d>", name, len(want)+1)]; !ok || len(beyond) > 0 {
		m.error("%s beyond its end: %q", name, beyond)
	}
}
