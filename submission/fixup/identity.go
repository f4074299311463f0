package fixup

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/mail"

	"citron/mail/message"
	"citron/wire/smtp"
)

// maxAuthors bounds the addresses of one field that are checked, and maxValue the
// field, in octets.
const maxAuthors, maxValue = 100, 64 << 10

// check checks the addresses of authors and senders. Where the message is sent
// on, its newest Resent-From is the sender's, and authors of other domains are
// let be; those of ours are not, since our signature would vouch for them.
func (f *Filter) check(h *header) error {
	resent := h.get("resent-from") != nil
	for _, name := range []string{"resent-from", "resent-sender"} {
		if _, err := f.checkField(h, name, f.o.MayUse); err != nil {
			return err
		}
	}
	may := f.o.MayUse
	if resent && may != nil && f.o.Ours != nil {
		may = func(local, domain string) error {
			if !f.o.Ours(domain) {
				return nil
			}
			return f.o.MayUse(local, domain)
		}
	}
	authors, err := f.checkField(h, "from", may)
	if err != nil {
		return err
	}
	if _, err := f.checkField(h, "sender", may); err != nil {
		return err
	}
	if authors > 1 && h.get("sender") == nil {
		if f.o.From.IsNull() {
			return replyNoSender
		}
		h.add("sender", f.o.From.String())
	}
	return nil
}

// checkField checks the addresses of the first field of a name, and counts them.
func (f *Filter) checkField(h *header, name string, may func(local, domain string) error) (int, error) {
	value := h.get(name)
	if value == nil {
		return 0, nil
	}
	field := rules[name].name
	if len(value) > maxValue {
		return 0, replyManyAuthors
	}
	list, ok := mailboxes(value)
	one := name == "sender" || name == "resent-sender"
	switch {
	case len(list) > maxAuthors:
		return 0, replyManyAuthors
	case !ok || len(list) == 0 || one && len(list) > 1:
		return 0, about(replyAddress, field)
	}
	for _, a := range list {
		if may == nil {
			break
		}
		if err := may(a.Local, a.Domain); err != nil {
			if r, isReply := errors.AsType[smtp.Reply](err); isReply {
				return 0, r
			}
			return 0, about(replyNotYours, field)
		}
	}
	return len(list), nil
}

// mailboxes reads a mailbox-list (RFC 5322 §3.4). Two readers must agree on it:
// a tolerant one, which shows mail to our users, and a strict one. What they
// read differently others would, too, and show another author than was checked.
func mailboxes(value []byte) ([]smtp.Path, bool) {
	value = unfolded(value)
	strict, err := strictly.ParseList(bare(value))
	if err != nil {
		return nil, false
	}
	var list []smtp.Path
	r := message.NewAddressReader(value)
	for a := (message.Address{}); r.Next(&a); {
		p := smtp.Path{Local: string(a.Mailbox), Domain: string(a.Host)}
		i := len(list)
		if a.Kind != message.Mailbox || i == len(strict) || strict[i].Address != p.Local+"@"+p.Domain {
			return nil, false
		}
		list = append(list, p)
	}
	return list, len(list) == len(strict)
}

// bare gives an address field without what may be in an address but the strict
// reader does not know: comments, and space around the parts (RFC 5322 §3.2.2,
// §3.4.1). Empty if a comment or a quoted string has no end.
func bare(value []byte) string {
	out := make([]byte, 0, len(value))
	quoted, after := false, false // after: the last octet was one of edges
	escape := false               // the last one was a backslash that counts
	for _, c := range uncommented(value) {
		space := c == ' ' || c == '\t'
		if space && after && !quoted {
			continue
		}
		if after = !quoted && bytes.IndexByte(edges, c) >= 0; after {
			out = bytes.TrimRight(out, " \t")
		}
		if c == '"' && !(escape && quoted) {
			quoted = !quoted
		}
		escape = c == '\\' && !escape
		out = append(out, c)
	}
	return string(out)
}

// edges are the specials around which space means nothing.
var edges = []byte("@.<>")

// uncommented puts a space for each comment; nil if one, or a quoted string, has
// no end.
func uncommented(value []byte) []byte {
	var out []byte
	depth, quoted, escape := 0, false, false
	for _, c := range value {
		literal := escape && (quoted || depth > 0)
		escape = c == '\\' && !escape
		switch {
		case literal:
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted:
			depth++
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				c = ' '
			}
		}
		if depth == 0 {
			out = append(out, c)
		}
	}
	if depth > 0 || quoted {
		return nil
	}
	return out
}

// strictly does not mind in what charset names are written.
var strictly = mail.AddressParser{WordDecoder: &mime.WordDecoder{
	CharsetReader: func(_ string, input io.Reader) (io.Reader, error) { return input, nil },
}}
