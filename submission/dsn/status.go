package dsn

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"citron/wire/smtp"
)

// fields is a block of header fields that is being written.
type fields struct{ text []byte }

// maxFolded is where lines of fields are folded, if there is a space.
const maxFolded = 76

// add adds a field, folded at spaces, of which runs are one.
func (f *fields) add(name, value string) {
	f.text = append(append(f.text, name...), ':')
	f.fold(len(name)+1, " "+strings.Join(strings.Fields(value), " "))
	f.text = append(f.text, "\r\n"...)
}

// fold adds a text that begins with a space, behind column characters of its
// line. Unfolded it is what it was, but for spaces at its end.
func (f *fields) fold(column int, text string) {
	text = strings.TrimRight(text, " ")
	for first := true; text != ""; first = false {
		n := len(text) - len(strings.TrimLeft(text, " "))
		if end := strings.IndexByte(text[n:], ' '); end >= 0 {
			n += end
		} else {
			n = len(text)
		}
		if !first && column+n > maxFolded {
			f.text = append(f.text, "\r\n"...)
			column = 0
		}
		f.text = append(f.text, text[:n]...)
		column, text = column+n, text[n:]
	}
}

// diagnostic adds the transcription of a reply, each line of it on one of its own
// with a space in front (RFC 3461 §9.2).
func (f *fields) diagnostic(code int, lines []string) {
	const begin = "Diagnostic-Code: smtp;"
	f.text = append(f.text, begin...)
	column := len(begin)
	for i, line := range lines {
		mark := "-"
		if i == len(lines)-1 {
			mark = " "
		}
		if i > 0 {
			f.text = append(f.text, "\r\n"...)
			column = 0
		}
		f.fold(column, " "+strconv.Itoa(code)+mark+line)
	}
	f.text = append(f.text, "\r\n"...)
}

// exact adds a field whose value is not folded.
func (f *fields) exact(name, value string) {
	f.text = append(append(append(append(f.text, name...), ": "...), value...), "\r\n"...)
}

// status gives the content of message/delivery-status, or of
// message/global-delivery-status if it is not ASCII.
func (r *Report) status() []byte {
	var f fields
	e := r.Envelope
	if id := e.Mail.EnvelopeID; id != "" {
		f.exact("Original-Envelope-Id", line(id, maxText))
	}
	f.add("Reporting-MTA", "dns; "+r.Hostname)
	if !e.Received.IsZero() {
		f.exact("Arrival-Date", r.date(e.Received))
	}
	if by := e.Mail.By; by.Mode != smtp.ByUnsaid { // RFC 2852 §5
		f.exact("Deliver-By-Date", r.date(e.Received.Add(by.Within)))
	}
	switch hold := e.Mail.Hold; { // RFC 4865 §5.1.2
	case hold.For > 0:
		f.exact("Future-Release-Request", "for;"+strconv.FormatInt(int64(hold.For/time.Second), 10))
	case !hold.Until.IsZero():
		f.exact("Future-Release-Request", "until;"+hold.Until.UTC().Format(time.RFC3339))
	}
	if r.QueueID != "" {
		f.add("X-Citron-Queue-ID", line(r.QueueID, maxText))
	}
	for i := range r.Recipients {
		f.text = append(f.text, "\r\n"...)
		r.recipient(&f, &r.Recipients[i])
	}
	return f.text
}

// recipient adds the fields of one recipient (RFC 3464 §2.3, RFC 6533 §4.1).
func (r *Report) recipient(f *fields, c *Recipient) {
	rcpt := r.rcpt(c)
	if o := rcpt.Original; o.Type != "" {
		f.exact("Original-Recipient", line(o.Type, maxType)+";"+r.original(o))
	}
	kind := "rfc822"
	if !rcpt.To.ASCII() {
		kind = "utf-8"
	}
	f.exact("Final-Recipient", kind+";"+line(rcpt.To.String(), maxText))
	f.exact("Action", actions[c.Action].name)
	f.exact("Status", c.status().String())
	if host := c.host(); host != "" {
		f.add("Remote-MTA", "dns; "+ascii(host))
	}
	c.diagnostic(f)
	if !c.Attempted.IsZero() {
		f.exact("Last-Attempt-Date", r.date(c.Attempted))
	}
	if c.Action == Delayed && !c.RetryUntil.IsZero() {
		f.exact("Will-Retry-Until", r.date(c.RetryUntil))
	}
}

// original is an address as the sender first gave it. One of type utf-8 is
// written as such only where the whole status is UTF-8 (RFC 6533 §3).
func (r *Report) original(o smtp.OriginalRecipient) string {
	if strings.EqualFold(o.Type, "utf-8") && !r.global() {
		return string(smtp.AppendUnitext(nil, line(o.Address, maxText), false))
	}
	return line(o.Address, maxText)
}

// global says that something in the status is not ASCII.
func (r *Report) global() bool {
	for i := range r.Recipients {
		c := &r.Recipients[i]
		rcpt := r.rcpt(c)
		if !rcpt.To.ASCII() || !isASCII([]byte(line(rcpt.Original.Address, maxText))) || !isASCII([]byte(c.text())) {
			return true
		}
	}
	return false
}

// diagnostic adds Diagnostic-Code, which is ASCII, and what was not ASCII of it
// (RFC 6533 §4.1).
func (c *Recipient) diagnostic(f *fields) {
	text := c.text()
	switch {
	case c.Code > 0:
		lines := strings.Split(c.Text, "\n")
		for i := range lines {
			lines[i] = ascii(line(lines[i], maxLine))
		}
		f.diagnostic(c.Code, lines[:min(len(lines), maxLines)])
	case text != "":
		f.add("Diagnostic-Code", "x-citron; "+ascii(text))
	case c.Ended != "":
		f.add("Diagnostic-Code", "x-citron; "+c.Ended)
	}
	if !isASCII([]byte(text)) {
		f.add("Localized-Diagnostic", "und; "+text)
	}
}

// status is a code that may stand in the field: X.0.0 where there is no other
// (RFC 3461 §6.3).
func (c *Recipient) status() smtp.Status {
	s := c.Status
	if s.Class != 2 && s.Class != 4 && s.Class != 5 || s.Subject > 999 || s.Detail > 999 {
		return smtp.Status{Class: actions[c.Action].class}
	}
	return s
}

// host and text are what the next hop is called and said, fit to be shown to
// people.
func (c *Recipient) host() string { return strings.TrimSpace(line(c.Host, 255)) }
func (c *Recipient) text() string {
	return strings.TrimSpace(line(smtp.Plain(c.Code, c.Text), maxText))
}

// maxText is how much is kept of what others said, and maxType of the name of an
// address type, in octets.
const maxText, maxType = 900, 60

// maxLine bounds a line of a reply that is transcribed, in octets (RFC 5321
// §4.5.3.1.5), and maxLines their number.
const maxLine, maxLines = 512, 50

// line makes one line of text of what may hold anything: what is not printable
// becomes a space, and it is cut to at most limit octets.
func line(s string, limit int) string {
	out := make([]byte, 0, min(len(s), limit))
	for _, r := range s {
		if r == utf8.RuneError || r != ' ' && !unicode.IsGraphic(r) {
			r = ' '
		}
		if len(out)+utf8.RuneLen(r) > limit {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// ascii puts a question mark for every character that is not ASCII.
func ascii(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r >= utf8.RuneSelf {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return string(out)
}

func isASCII(p []byte) bool {
	for _, c := range p {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plainID says whether a Message-ID may be repeated as it is.
func plainID(id string) bool {
	if len(id) < 3 || len(id) > 250 || id[0] != '<' || id[len(id)-1] != '>' {
		return false
	}
	for i := 1; i < len(id)-1; i++ {
		if c := id[i]; c <= ' ' || c >= 0x7f || c == '<' || c == '>' {
			return false
		}
	}
	return true
}
