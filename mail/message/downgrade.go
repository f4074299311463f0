package message

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Downgrading header fields in UTF-8 to ASCII (RFC 6857). Delivery reports (§4.2)
// keep their bodies: as text in 8bit every client takes them.

// downgradeField gives the whole field in ASCII, with its line ends. What is no
// field stays such a line.
func downgradeField(f Field) string {
	name := asciiToken(f.Name)
	if name == "" {
		return asciiToken(f.Raw)
	}
	how, known := downgrades[strings.ToLower(name)]
	if !known {
		how = downgradeUnstructured
	}
	if text := how(name, f.Value); isASCII([]byte(text)) {
		return text
	}
	return downgradeUnstructured(name, f.Value)
}

// downgrades are the methods of RFC 6857 §3.2, by field name in lower case; all
// other fields are unstructured (§3.2.6, §3.2.8).
var downgrades = map[string]func(name string, value []byte) string{
	"from": downgradeAddresses, "sender": downgradeAddresses, "to": downgradeAddresses,
	"cc": downgradeAddresses, "bcc": downgradeAddresses, "reply-to": downgradeAddresses,
	"resent-from": downgradeAddresses, "resent-sender": downgradeAddresses,
	"resent-to": downgradeAddresses, "resent-cc": downgradeAddresses, "resent-bcc": downgradeAddresses,
	"resent-reply-to": downgradeAddresses, "return-path": downgradeAddresses,
	"disposition-notification-to": downgradeAddresses,

	"date": downgradeComments, "resent-date": downgradeComments, "mime-version": downgradeComments,
	"content-id": downgradeComments, "content-transfer-encoding": downgradeComments,
	"content-language": downgradeComments, "accept-language": downgradeComments,
	"auto-submitted": downgradeComments,

	"message-id": downgradeIDs, "resent-message-id": downgradeIDs,
	"in-reply-to": downgradeIDs, "references": downgradeIDs,
	"original-recipient": downgradeIDs, "final-recipient": downgradeIDs,

	"received":     downgradeReceived,
	"content-type": downgradeParameters, "content-disposition": downgradeParameters,
	"keywords": downgradePhrases,
}

// Lines with encoded-words have at most 76 characters (RFC 2047 §2), of which an
// encoded-word in UTF-8 and base64 takes wordFrame for itself.
const (
	maxFolded = 76
	wordFrame = len("=?utf-8?B??=")
)

// encodedWords gives text as encoded-words, the first of at most room
// characters; none cuts a character.
func encodedWords(text string, room int) (words []string) {
	for text != "" || len(words) == 0 {
		n := min(len(text), max((min(room, maxFolded-1)-wordFrame)/4*3, utf8.UTFMax))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(text[:n]))+"?=")
		text, room = text[n:], maxFolded-1
	}
	return words
}

// downgradeUnstructured encodes the words from the first to the last that is
// not ASCII (RFC 6857 §3.1.1). Encoded-words that were there are decoded first.
func downgradeUnstructured(name string, value []byte) string {
	words := strings.Fields(DecodeHeader(value))
	first, last := len(words), -1
	for i, w := range words {
		if !isASCII([]byte(w)) {
			first, last = min(first, i), i
		}
	}
	out := foldedField{text: append([]byte(name), ':')}
	for i := 0; i < len(words); i++ {
		if i != first {
			out.word(words[i])
			continue
		}
		out.encoded(strings.Join(words[first:last+1], " "))
		i = last
	}
	return out.end()
}

// foldedField is a field that is being written, a new line begun where a word
// would go beyond 76 characters.
type foldedField struct {
	text []byte
	line int // where the current line begins
}

func (f *foldedField) word(w string) {
	if f.room() < len(w) && !bytes.HasSuffix(f.text, []byte(":")) {
		f.text = append(f.text, "\r\n"...)
		f.line = len(f.text)
	}
	f.text = append(append(f.text, ' '), w...)
}

// room is how many characters a word on the current line may have.
func (f *foldedField) room() int { return maxFolded - (len(f.text) - f.line) - 1 }

// encoded writes text in encoded-words.
func (f *foldedField) encoded(text string) {
	for _, w := range encodedWords(text, f.room()) {
		f.word(w)
	}
}

func (f *foldedField) end() string { return string(append(f.text, "\r\n"...)) }

// downgradeAddresses rewrites a list of addresses (RFC 6857 §3.2.1): names in
// encoded-words, domains as A-labels, and an address whose local-part is not
// ASCII as an empty group, since there is no other way to write it.
func downgradeAddresses(name string, value []byte) string {
	out := foldedField{text: append([]byte(name), ':')}
	r := NewAddressReader(value)
	var a Address
	comma := ""
	for r.Next(&a) {
		switch {
		case a.Kind == GroupStart:
			out.text = append(out.text, comma...)
			out.phrase(a.Name)
			out.text = append(out.text, ':')
			comma = ""
		case a.Kind == GroupEnd:
			out.text = append(out.text, ';')
			comma = ","
		default:
			out.text = append(out.text, comma...)
			out.address(&a)
			comma = ","
		}
	}
	return out.end()
}

func (f *foldedField) address(a *Address) {
	if len(a.Name) > 0 {
		f.phrase(a.Name)
	}
	spec := string(appendLocalPart(nil, a.Mailbox))
	if len(a.Host) > 0 {
		spec += "@" + asciiDomain(string(a.Host))
	}
	switch {
	case !isASCII(a.Mailbox) || !isASCII([]byte(spec)):
		f.encoded(string(a.Mailbox) + "@" + string(a.Host))
		f.word(":;")
	case isASCII(a.Route):
		f.word("<" + string(a.Route) + colon(a.Route) + spec + ">")
	default: // a route has no meaning any more (RFC 5322 §4.4)
		f.word("<" + spec + ">")
	}
}

func colon(route []byte) string {
	if len(route) == 0 {
		return ""
	}
	return ":"
}

// phrase writes a display name.
func (f *foldedField) phrase(name []byte) {
	switch {
	case !isASCII(name):
		f.encoded(DecodeHeader(name))
	case bytes.Contains(name, []byte("=?")) || isPhrase(name):
		f.word(string(name))
	default:
		f.word(string(appendQuotedString(nil, name)))
	}
}

// isPhrase says that words need no quotes.
func isPhrase(b []byte) bool {
	for _, c := range b {
		if !isAtomLike(c) && c != ' ' {
			return false
		}
	}
	return true
}

func appendQuotedString(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// appendLocalPart appends a local-part, in quotes where it needs them.
func appendLocalPart(dst, local []byte) []byte {
	for _, c := range local {
		if !isAtomLike(c) {
			return appendQuotedString(dst, local)
		}
	}
	return append(dst, local...)
}

// asciiDomain gives a domain with A-labels (RFC 6857 §3.1.6), or as it is where
// it is no domain name.
func asciiDomain(domain string) string {
	if isASCII([]byte(domain)) {
		return domain
	}
	if ascii, err := idna.Punycode.ToASCII(domain); err == nil {
		return ascii
	}
	return domain
}

// downgradeComments encodes comments (RFC 6857 §3.1.3) and leaves all else.
func downgradeComments(name string, value []byte) string {
	return name + ":" + string(asciiComments(value))
}

// asciiComments gives a value with its comments in ASCII.
func asciiComments(value []byte) []byte {
	var out []byte
	s := lexer{in: value}
	for s.pos < len(s.in) {
		if s.in[s.pos] != '(' {
			out = append(out, s.in[s.pos])
			s.pos++
			continue
		}
		from := s.pos
		s.comment()
		comment := s.in[from:s.pos]
		if isASCII(comment) {
			out = append(out, comment...)
			continue
		}
		inner := bytes.TrimSuffix(comment[1:], []byte(")"))
		words := encodedWords(DecodeHeader(inner), maxFolded/2)
		out = append(append(append(out, '('), strings.Join(words, "\r\n ")...), ')')
	}
	return out
}

// downgradeIDs keeps a field whose identifiers cannot be written in ASCII under
// another name (RFC 6857 §3.1.10, §3.2.3).
func downgradeIDs(name string, value []byte) string {
	if text := downgradeComments(name, value); isASCII([]byte(text)) {
		return text
	}
	return downgradeUnstructured("Downgraded-"+name, value)
}

// downgradeReceived (RFC 6857 §3.2.4): comments in ASCII, domains as A-labels,
// and without a FOR or ID that cannot be written.
func downgradeReceived(name string, value []byte) string {
	out := foldedField{text: append([]byte(name), ':')}
	var before string // the word before, not yet written
	flush := func() {
		if before != "" {
			out.word(before)
		}
		before = ""
	}
	for _, w := range strings.Fields(string(asciiComments(value))) {
		clause, ascii := strings.ToLower(before), receivedWord(w)
		switch {
		case isASCII([]byte(ascii)) && (clause != "id" || ascii == w):
			flush()
			before = ascii
		case clause == "for" || clause == "id":
			before = ""
			if strings.HasSuffix(w, ";") {
				out.text = append(out.text, ';')
			}
		default: // what else is not ASCII there says nothing
			flush()
			before = strings.Repeat("?", utf8.RuneCountInString(w))
		}
	}
	flush()
	return out.end()
}

// receivedWord gives a word of a Received field with its domain as A-labels.
func receivedWord(w string) string {
	if isASCII([]byte(w)) {
		return w
	}
	core := strings.Trim(w, "<>;()[]")
	at := strings.LastIndexByte(core, '@') + 1
	return strings.Replace(w, core, core[:at]+asciiDomain(core[at:]), 1)
}

// downgradeParameters encodes the values of parameters that are not ASCII (RFC
// 6857 §3.1.4, RFC 2231 §4).
func downgradeParameters(name string, value []byte) string {
	value = asciiComments(value)
	out := foldedField{text: append([]byte(name), ':')}
	params := value
	if mt, ok := parseMediaType(value); ok {
		out.word(asciiToken(mt.typ) + "/" + asciiToken(mt.sub))
		params = mt.params
	} else {
		s := lexer{in: value}
		s.space()
		out.word(asciiToken(s.token()))
		params = s.in[s.pos:]
	}
	s := lexer{in: params}
	for range maxParams {
		p, ok := s.nextParam()
		if !ok {
			break
		}
		out.text = append(out.text, ';')
		out.word(asciiParameter(&p))
	}
	return out.end()
}

func asciiParameter(p *param) string {
	name, text := asciiToken(p.name), p.appendValue(nil)
	switch {
	case !isASCII(text) && strings.HasSuffix(name, "*"): // encoded, and yet it is not
		return name + "=" + asciiToken(text)
	case !isASCII(text):
		whole := Param{Value: string(text)}
		return name + "*=" + string(whole.appendEncoded(nil))
	case p.quoted || !isPhrase(text) || bytes.IndexByte(text, ' ') >= 0:
		return name + "=" + string(appendQuotedString(nil, text))
	}
	return name + "=" + string(text)
}

// asciiToken gives a token that had to be in ASCII and is not in another form.
func asciiToken(token []byte) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return '_'
		}
		return r
	}, string(token))
}

// downgradePhrases encodes the phrases of a list (RFC 6857 §3.2.7).
func downgradePhrases(name string, value []byte) string {
	out := foldedField{text: append([]byte(name), ':')}
	for i, phrase := range bytes.Split(trimSpace(value), []byte(",")) {
		if i > 0 {
			out.text = append(out.text, ',')
		}
		if phrase = bytes.TrimSpace(phrase); isASCII(phrase) {
			out.word(string(phrase))
		} else {
			out.encoded(DecodeHeader(phrase))
		}
	}
	return out.end()
}
