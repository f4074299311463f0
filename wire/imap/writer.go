package imap

import "time"

// StatusKind is the kind of a status response.
type StatusKind uint8

const (
	OK StatusKind = iota + 1
	NO
	BAD
	BYE
	PREAUTH
)

var statusNames = [...]string{OK: "OK", NO: "NO", BAD: "BAD", BYE: "BYE", PREAUTH: "PREAUTH"}

var statusKinds = map[string]StatusKind{
	"OK": OK, "NO": NO, "BAD": BAD, "BYE": BYE, "PREAUTH": PREAUTH,
}

// String is the atom sent.
func (k StatusKind) String() string { return statusNames[k] }

// Writer appends responses to Buf. It does not allocate except to grow Buf.
// The caller takes Buf as and when it likes, and may put it back empty even in
// the middle of a response.
type Writer struct {
	Buf []byte
	// UTF8 is set once the session has enabled IMAP4rev2 or UTF8=ACCEPT:
	// names and quoted strings are UTF-8.
	UTF8 bool
	// space says that the next element of a list is not its first.
	space bool
}

func (w *Writer) raw(s string)  { w.Buf = append(w.Buf, s...) }
func (w *Writer) uint(n uint64) { w.Buf = AppendUint(w.Buf, n) }

// CRLF ends a response.
func (w *Writer) CRLF() { w.raw("\r\n") }

// Status writes a status response: tagged, or untagged with tag "" or "*".
// code may be nil. Text must not be empty; CR, LF and what the session's mode
// does not allow are replaced.
func (w *Writer) Status(tag string, kind StatusKind, code Code, text string) {
	if tag == "" {
		tag = "*"
	}
	w.raw(tag)
	w.raw(" ")
	w.raw(statusNames[kind])
	w.raw(" ")
	w.respText(code, text)
}

// Continue writes a continuation request with text.
func (w *Writer) Continue(text string) {
	w.raw("+ ")
	w.respText(nil, text)
}

// ContinueBase64 writes a continuation request with a challenge already in
// base64, perhaps empty (RFC 9051 §6.2.2).
func (w *Writer) ContinueBase64(challenge string) {
	w.raw("+ ")
	w.raw(challenge)
	w.CRLF()
}

// resp-text = ["[" resp-text-code "]" SP] [text]
func (w *Writer) respText(code Code, text string) {
	if code != nil {
		w.raw("[")
		w.raw(code.CodeName())
		w.Buf = code.appendArg(w.Buf)
		w.raw("] ")
	}
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b < ' ' || b == 0x7f || b >= 0x80 && !w.UTF8 {
			b = '?'
		}
		w.Buf = append(w.Buf, b)
	}
	w.CRLF()
}

// Line writes an untagged response of fixed text, such as "SEARCH".
func (w *Writer) Line(text string) {
	w.raw("* ")
	w.raw(text)
	w.CRLF()
}

// Exists writes "* n EXISTS".
func (w *Writer) Exists(n uint32) { w.numbered(n, " EXISTS\r\n") }

// Recent writes "* n RECENT" (RFC 3501 §7.3.2).
func (w *Writer) Recent(n uint32) { w.numbered(n, " RECENT\r\n") }

// Expunge writes "* seq EXPUNGE".
func (w *Writer) Expunge(seq uint32) { w.numbered(seq, " EXPUNGE\r\n") }

func (w *Writer) numbered(n uint32, rest string) {
	w.raw("* ")
	w.uint(uint64(n))
	w.raw(rest)
}

// Vanished writes VANISHED (RFC 7162 §3.2.10), nothing when uids is empty.
func (w *Writer) Vanished(earlier bool, uids NumSet) {
	if len(uids) == 0 {
		return
	}
	w.raw("* VANISHED ")
	if earlier {
		w.raw("(EARLIER) ")
	}
	w.Buf = AppendNumSet(w.Buf, uids)
	w.CRLF()
}

// Flags writes the FLAGS response of SELECT.
func (w *Writer) Flags(l *FlagList) {
	w.raw("* FLAGS ")
	w.Buf = AppendFlags(w.Buf, l)
	w.CRLF()
}

// Capability writes CAPABILITY; names are separated by spaces already.
func (w *Writer) Capability(names []string) { w.names("* CAPABILITY", names) }

// Enabled writes ENABLED (RFC 9051 §7.2.1).
func (w *Writer) Enabled(names []string) { w.names("* ENABLED", names) }

func (w *Writer) names(head string, names []string) {
	w.raw(head)
	for _, n := range names {
		w.raw(" ")
		w.raw(n)
	}
	w.CRLF()
}

// ID writes the ID response (RFC 2971); nil for NIL.
func (w *Writer) ID(params []IDParam) {
	w.raw("* ID ")
	w.Buf = AppendIDParams(w.Buf, params)
	w.CRLF()
}

// AppendIDParams appends the list of ID.
func AppendIDParams(dst []byte, params []IDParam) []byte {
	if params == nil {
		return AppendNIL(dst)
	}
	dst = append(dst, '(')
	for i, p := range params {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = AppendString(dst, p.Field, false)
		dst = append(dst, ' ')
		if p.Null {
			dst = AppendNIL(dst)
		} else {
			dst = AppendString(dst, p.Value, false)
		}
	}
	return append(dst, ')')
}

// item begins an element of a list.
func (w *Writer) item(name string) {
	if w.space {
		w.raw(" ")
	}
	w.space = true
	w.raw(name)
}

// date writes a date-time, NIL for the zero time.
func (w *Writer) date(t time.Time) {
	if t.IsZero() {
		w.raw("NIL")
		return
	}
	w.Buf = AppendDateTime(w.Buf, t)
}
