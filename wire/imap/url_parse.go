package imap

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ParseURL parses an IMAP URL. An error is an *Error.
func ParseURL(text string) (*URL, error) {
	if len(text) > MaxURL {
		return nil, &Error{Kind: TooLarge, Msg: "URL too long"}
	}
	p := &urlParser{in: text}
	u := p.url()
	if p.err == nil && p.in != "" {
		p.fail("not expected in a URL")
	}
	if p.err != nil {
		p.err.Pos = max(len(text)-len(p.in), 0)
		return nil, p.err
	}
	return u, nil
}

// urlParser takes a URL from its beginning; in is what is left. The first
// failure sticks.
type urlParser struct {
	in  string
	err *Error
}

func (p *urlParser) fail(msg string) {
	if p.err == nil {
		p.err = &Error{Kind: BadSyntax, Msg: msg}
	}
}

// take takes word, in any case, if it is next.
func (p *urlParser) take(word string) bool {
	if p.err != nil || len(p.in) < len(word) || !strings.EqualFold(p.in[:len(word)], word) {
		return false
	}
	p.in = p.in[len(word):]
	return true
}

// run takes the longest run of octets of a class and of "%" with two hex
// digits.
func (p *urlParser) run(class func(byte) bool) string {
	if p.err != nil {
		return ""
	}
	i := 0
	for i < len(p.in) {
		if class(p.in[i]) {
			i++
		} else if isPercent(p.in[i:]) {
			i += 3
		} else {
			break
		}
	}
	raw := p.in[:i]
	p.in = p.in[i:]
	return raw
}

func isPercent(s string) bool {
	return len(s) >= 3 && s[0] == '%' && isHex(s[1]) && isHex(s[2])
}

// decoded takes the percent signs out of a run: UTF-8 without controls.
func (p *urlParser) decoded(raw, what string) string {
	text := raw
	if strings.IndexByte(raw, '%') >= 0 {
		text = unpercent(raw)
	}
	if p.err == nil && (text == "" || !isPlainText(text)) {
		p.fail("expected " + what)
	}
	return text
}

func unpercent(raw string) string {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			c = hexValue(raw[i+1])<<4 | hexValue(raw[i+2])
			i += 2
		}
		out = append(out, c)
	}
	return string(out)
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

func isPlainText(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// imapurl / imapurl-rel, but not irelative-path or ipath-empty
func (p *urlParser) url() *URL {
	u := &URL{Absolute: p.take("imap:")}
	switch {
	case p.take("//"):
		p.server(&u.Server)
	case u.Absolute || !strings.HasPrefix(p.in, "/"):
		p.fail("neither imap:// nor an absolute path")
	}
	if p.err != nil || p.in == "" {
		return u
	}
	path, query, asked := strings.Cut(p.in, "?")
	if path = withoutDots(path); asked {
		path += "?" + query
	}
	p.in = path
	if p.take("/") && p.in != "" {
		p.command(u)
	}
	return u
}

// iserver = [iuserinfo "@"] host [ ":" port ]
func (p *urlParser) server(s *URLServer) {
	end := strings.IndexAny(p.in, "/?")
	if end < 0 {
		end = len(p.in)
	}
	rest := p.in[end:]
	p.in = p.in[:end]
	if strings.IndexByte(p.in, '@') >= 0 {
		p.userInfo(s)
		if !p.take("@") {
			p.fail("bad user name in a URL")
		}
	}
	p.host(s)
	if p.take(":") {
		s.Port = p.run(isDigit)
	}
	if p.err == nil && (p.in != "" || strings.IndexByte(s.Port, '%') >= 0) {
		p.fail("bad host name in a URL")
	}
	if p.err == nil {
		p.in = rest
	}
}

// iuserinfo = enc-user [iauth] / [enc-user] iauth
func (p *urlParser) userInfo(s *URLServer) {
	if !strings.HasPrefix(p.in, ";") {
		s.User = p.decoded(p.run(isAChar), "a user name")
	}
	if !p.take(";AUTH=") {
		if s.User == "" {
			p.fail("expected a user name")
		}
		return
	}
	if strings.HasPrefix(p.in, "*@") && p.take("*") {
		s.Mechanism = "*" // never percent-encoded (RFC 5092 §3.2)
		return
	}
	s.Mechanism = upper([]byte(p.decoded(p.run(isAChar), "a mechanism")))
	if p.err == nil && !isMechanism(s.Mechanism, "-_") {
		p.fail("bad mechanism in a URL")
	}
}

// isMechanism says that a name has only letters, digits and some others.
func isMechanism(name, others string) bool {
	for i := 0; i < len(name); i++ {
		if !isAlnum(name[i]) && strings.IndexByte(others, name[i]) < 0 {
			return false
		}
	}
	return name != ""
}

// host = IP-literal / IPv4address / reg-name (RFC 3986 §3.2.2)
func (p *urlParser) host(s *URLServer) {
	if !strings.HasPrefix(p.in, "[") {
		s.Host = p.run(isAChar)
	} else if end := strings.IndexByte(p.in, ']'); end > 1 {
		for _, c := range []byte(p.in[1:end]) {
			if !isHex(c) && c != ':' && c != '.' {
				p.fail("bad address in a URL")
			}
		}
		s.Host, p.in = p.in[:end+1], p.in[end+1:]
	}
	if s.Host == "" {
		p.fail("expected a host name")
	}
}

// icommand = imessagelist / imessagepart [iurlauth]
func (p *urlParser) command(u *URL) {
	name := p.run(isBChar)
	if p.take(";UIDVALIDITY=") {
		u.UIDValidity = uint32(p.number(1<<32 - 1))
	} else if cut, ended := strings.CutSuffix(name, "/"); ended && (p.in == "" || p.in[0] == ';') {
		name, p.in = cut, "/"+p.in
	}
	u.Mailbox = p.decoded(name, "a mailbox name")
	if equalUpper([]byte(u.Mailbox), "INBOX") {
		u.Mailbox = "INBOX"
	}
	switch {
	case p.take("?"):
		u.Search = p.decoded(p.run(isBChar), "search arguments")
	case p.take("/;UID="):
		u.UID = uint32(p.number(1<<32 - 1))
		p.part(u)
	default:
		p.take("/")
	}
}

// [isection] [ipartial] [iurlauth]. A "/" before the last is not in the
// grammar, but RFC 5550 §8.4.1 has it.
func (p *urlParser) part(u *URL) {
	if p.take("/;SECTION=") {
		raw := p.run(isBChar)
		if cut, ended := strings.CutSuffix(raw, "/"); ended && strings.HasPrefix(p.in, ";") {
			raw, p.in = cut, "/"+p.in
		}
		u.Section = p.section(p.decoded(raw, "a section"))
	}
	if p.take("/;PARTIAL=") {
		u.Partial = &Partial{Offset: p.offset()}
		if p.take(".") {
			u.Partial.Length = p.number(1<<63 - 1)
		}
	}
	if strings.HasPrefix(p.in, "/;") {
		p.take("/")
	}
	if p.in != "" {
		u.Auth = p.auth()
	}
}

// section parses a section-spec.
func (p *urlParser) section(text string) *Section {
	s := &Section{}
	c := &cursor{buf: []byte("[" + text + "]")}
	parseSection(c, s)
	for _, name := range s.Fields {
		if len(name) > maxQuoted {
			c.fail("field name too long")
		}
	}
	if p.err == nil && (!c.ok() || !c.atEnd() || strings.IndexByte(text, '{') >= 0) {
		p.fail("bad section in a URL")
	}
	return s
}

// number is nz-number, at most limit.
func (p *urlParser) number(limit int64) int64 {
	if strings.HasPrefix(p.in, "0") {
		p.fail("expected a number from 1")
	}
	n := p.offset()
	if n > limit {
		p.fail("number too large")
	}
	return n
}

// offset is a number below 2^63.
func (p *urlParser) offset() int64 {
	i := 0
	for i < len(p.in) && isDigit(p.in[i]) {
		i++
	}
	n, err := strconv.ParseInt(p.in[:i], 10, 64)
	if err != nil {
		p.fail("expected a number")
		return 0
	}
	p.in = p.in[i:]
	return n
}

// iurlauth = [expire] ";URLAUTH=" access [":" mechanism ":" enc-urlauth]
func (p *urlParser) auth() *URLAuth {
	a := &URLAuth{}
	if p.take(";EXPIRE=") {
		text, rest, _ := strings.Cut(p.in, ";")
		a.Expire = p.expire(text)
		p.in = ";" + rest
	}
	if !p.take(";URLAUTH=") {
		p.fail("not expected in a URL")
		return a
	}
	a.Access.Application = strings.ToLower(p.run(isAlnum))
	if !isMechanism(a.Access.Application, "") {
		p.fail("expected an access identifier")
	}
	if p.take("+") {
		a.Access.User = p.decoded(p.run(isAChar), "a user name")
	}
	if p.take(":") {
		p.verifier(a)
	}
	return a
}

// iua-verifier = ":" uauth-mechanism ":" enc-urlauth
func (p *urlParser) verifier(a *URLAuth) {
	mechanism, token, _ := strings.Cut(p.in, ":")
	if !isMechanism(mechanism, "-.") {
		p.fail("bad mechanism in a URL")
		return
	}
	for i := 0; i < len(token); i++ {
		if !isHex(token[i]) {
			p.fail("bad token in a URL")
			return
		}
	}
	if len(token) < 32 {
		p.fail("token too short")
		return
	}
	a.Mechanism, a.Token, p.in = upper([]byte(mechanism)), token, ""
}

// expire parses a date-time of RFC 3339, with a leap second as the next one.
func (p *urlParser) expire(text string) time.Time {
	text = strings.ToUpper(text)
	leap := time.Duration(0)
	if len(text) > 19 && text[16:19] == ":60" {
		text = text[:16] + ":59" + text[19:]
		leap = time.Second
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	t = t.Add(leap).UTC()
	if err != nil || t.Year() < 1 || t.Year() > 9999 || t.IsZero() {
		p.fail("bad date in a URL")
		return time.Time{}
	}
	return t
}

// withoutDots takes the dot-segments out of a path (RFC 3986 §5.2.4).
func withoutDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	segments := strings.Split(path[1:], "/")
	kept := segments[:0]
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		case ".":
		default:
			kept = append(kept, s)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}
