package dsn

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"mime/quotedprintable"
	"time"

	"citron/mail/recode"
	"citron/submission"
	"citron/submission/content"
	"citron/wire/smtp"
)

const (
	// maxReturn and maxUnasked bound the returned message, in octets.
	maxReturn  = 32 << 20
	maxUnasked = 64 << 10
	// maxHeader bounds the returned header.
	maxHeader = 1<<20 + 64<<10
)

// dateForm is date-time as RFC 3464 §2.2.5 has it.
const dateForm = "Mon, 2 Jan 2006 15:04:05 -0700"

// Write writes the report. original is the message of size octets; the report
// holds it, or its header, as RET and the actions ask (RFC 3461 §4.3, §6.2).
// Content is what the report is made of. The error is w's or the original's, or
// ErrNoSender.
func Write(w io.Writer, r *Report, original io.ReaderAt, size int64) (submission.Content, error) {
	if r.Envelope.Mail.From.IsNull() {
		return submission.Content{}, ErrNoSender
	}
	head, err := readHeader(original, size)
	if err != nil {
		return submission.Content{}, err
	}
	whole, err := r.returnsWhole(original, size)
	if err != nil {
		return submission.Content{}, err
	}
	meter := content.NewMeter()
	text, status := r.text(head), r.status()
	top := r.header(r.outer(whole, text, status, head))
	meter.Header(top)
	if _, err := w.Write(top); err != nil {
		return submission.Content{}, err
	}
	out := bufio.NewWriterSize(&body{w, meter}, 32<<10)
	r.writeParts(out, text, status)
	if whole {
		err = r.writeMessage(out, io.NewSectionReader(original, 0, size))
	} else {
		r.writeHeaders(out, head)
	}
	if err != nil {
		return submission.Content{}, err
	}
	out.WriteString("\r\n--" + r.boundary() + "--\r\n")
	if err := out.Flush(); err != nil {
		return submission.Content{}, err
	}
	c := meter.Finish()
	c.MessageID = r.messageID()
	return c, nil
}

// body measures what is written.
type body struct {
	w     io.Writer
	meter *content.Meter
}

func (b *body) Write(p []byte) (int, error) {
	b.meter.Body(p)
	return b.w.Write(p)
}

// readHeader reads the header of the message without its blank line; what is
// beyond maxHeader is left out, in whole lines.
func readHeader(original io.ReaderAt, size int64) ([]byte, error) {
	size = min(size, maxHeader)
	var head []byte
	for have := int64(0); have < size; {
		want := min(max(8<<10, 2*have), size)
		head = append(head, make([]byte, want-have)...)
		if n, err := original.ReadAt(head[have:], have); int64(n) < want-have {
			return nil, cmp.Or(err, io.ErrUnexpectedEOF)
		}
		if n := headerLen(head); n >= 0 {
			return head[:n], nil
		}
		have = want
	}
	if i := bytes.LastIndex(head, crlf); i >= 0 {
		return head[:i+2], nil
	}
	return nil, nil
}

var crlf = []byte("\r\n")

// headerLen is the length of the header that p begins with; -1: it goes on.
func headerLen(p []byte) int {
	if bytes.HasPrefix(p, crlf) {
		return 0
	}
	i := bytes.Index(p, []byte("\r\n\r\n"))
	if i < 0 {
		return -1
	}
	return i + 2
}

// returnsWhole says whether the report holds the whole message, not only its
// header. RFC 3461 §4.3 leaves the choice where RET was not said; RFC 6522 §3
// prefers the whole.
func (r *Report) returnsWhole(original io.ReaderAt, size int64) (bool, error) {
	m := &r.Envelope.Mail
	limit := r.MaxReturn
	if limit <= 0 {
		limit = maxReturn
	}
	if m.Return != smtp.ReturnFull {
		limit = min(limit, maxUnasked)
	}
	switch {
	case !r.has(Failed), m.Return == smtp.ReturnHeaders, size > limit:
		return false, nil
	case m.RequireTLS: // RFC 8689 §5
		return false, nil
	}
	c := &r.Envelope.Content
	if c.UTF8Header || !c.EightBit && !c.Binary {
		return true, nil
	}
	_, err := recode.New(original, size, recode.SevenBit)
	if errors.Is(err, recode.ErrImpossible) {
		return false, nil
	}
	return err == nil, err
}

func (r *Report) boundary() string { return "report-" + r.ID }

func (r *Report) messageID() string { return "<" + r.ID + "@" + r.Hostname + ">" }

func (r *Report) date(t time.Time) string { return t.In(r.Now.Location()).Format(dateForm) }

// postmaster is who is answered by the sender. It is the one of his own domain,
// which is served here, as the domain of the host name need not be.
func (r *Report) postmaster() string {
	domain := r.Envelope.Mail.From.Domain
	if domain == "" || !isASCII([]byte(domain)) {
		domain = r.Hostname
	}
	return "postmaster@" + domain
}

// outer is the encoding of the report as a whole, which is not less than that of
// any of its parts (RFC 2045 §6.4).
func (r *Report) outer(whole bool, text, status, head []byte) string {
	encoding := "7bit"
	if whole {
		_, encoding = r.returned()
	}
	switch {
	case encoding == "8bit", encoding == "binary":
		return encoding
	case r.raw() && !(isASCII(text) && isASCII(status) && (whole || isASCII(head))):
		return "8bit"
	}
	return "7bit"
}

// header gives the header of the report, blank line included.
func (r *Report) header(encoding string) []byte {
	var f fields
	f.add("From", "Mail Delivery System <"+r.postmaster()+">") // RFC 3464 §2
	f.exact("To", "<"+r.Envelope.Mail.From.String()+">")
	f.add("Subject", r.subject())
	f.add("Date", r.date(r.Now))
	f.add("Message-ID", r.messageID())
	if id := r.Envelope.Content.MessageID; plainID(id) { // RFC 3834 §3.1.6
		f.add("In-Reply-To", id)
		f.add("References", id)
	}
	f.add("Auto-Submitted", "auto-replied") // RFC 3834 §3.1.7
	f.add("MIME-Version", "1.0")
	f.add("Content-Type", `multipart/report; report-type=delivery-status; boundary="`+r.boundary()+`"`)
	if encoding != "7bit" {
		f.add("Content-Transfer-Encoding", encoding)
	}
	return append(f.text, "\r\n"...)
}

// writeParts writes the two parts that are made here, and the delimiter of the
// third. Errors are bufio's, which keeps them.
func (r *Report) writeParts(out *bufio.Writer, text, status []byte) {
	charset := "us-ascii"
	if !isASCII(text) {
		charset = "utf-8"
	}
	out.WriteString("--" + r.boundary() + "\r\n")
	r.writePart(out, "text/plain; charset="+charset, text)
	out.WriteString("\r\n--" + r.boundary() + "\r\n")
	kind := "message/delivery-status"
	if !isASCII(status) {
		kind = "message/global-delivery-status" // RFC 6533 §4.1
	}
	r.writePart(out, kind, status)
	out.WriteString("\r\n--" + r.boundary() + "\r\n")
}

// writePart writes a part of lines of text, in the encoding that it needs.
func (r *Report) writePart(out *bufio.Writer, kind string, text []byte) {
	out.WriteString("Content-Type: " + kind + "\r\n")
	switch {
	case isASCII(text):
		out.WriteString("\r\n")
		out.Write(text)
	case r.raw():
		out.WriteString("Content-Transfer-Encoding: 8bit\r\n\r\n")
		out.Write(text)
	default:
		out.WriteString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
		q := quotedprintable.NewWriter(out)
		q.Write(text)
		q.Close()
	}
}

// writeHeaders writes the third part of a report without the message.
func (r *Report) writeHeaders(out *bufio.Writer, head []byte) {
	kind := "text/rfc822-headers"
	if !isASCII(head) {
		kind = "message/global-headers" // RFC 6533 §4.3
	}
	r.writePart(out, kind, head)
}

// returned is the type of the third part with the message, and its encoding. In
// a message/rfc822 nothing may be encoded (RFC 2046 §5.2.1); in a message/global
// all may (RFC 6532 §3.7).
func (r *Report) returned() (kind, encoding string) {
	c := &r.Envelope.Content
	kind, encoding = "message/rfc822", "7bit"
	switch {
	case c.Binary:
		encoding = "binary"
	case c.EightBit || c.UTF8Header:
		encoding = "8bit"
	}
	if c.UTF8Header {
		kind = "message/global" // RFC 6533 §4.2
		if !r.raw() {
			encoding = "base64"
		}
	}
	return kind, encoding
}

// writeMessage writes the third part of a report with the message.
func (r *Report) writeMessage(out *bufio.Writer, original io.Reader) error {
	kind, encoding := r.returned()
	out.WriteString("Content-Type: " + kind + "\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n")
	if encoding != "base64" {
		_, err := io.Copy(out, original)
		return err
	}
	e := recode.NewBase64(out)
	if _, err := io.Copy(e, original); err != nil {
		return err
	}
	return e.Close()
}
