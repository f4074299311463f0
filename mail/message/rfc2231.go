package message

import (
	"bytes"
	"slices"
	"strconv"
)

// Param is a parameter of a media type or disposition.
type Param struct {
	Name  string // lower case, without asterisk
	Value string // UTF-8
	// Extended: the value was encoded as RFC 2231 §4 says. Charset and
	// Language are those it named.
	Extended          bool
	Charset, Language string
}

// maxParams bounds the parameters of one field.
const maxParams = 200

// section2231 is a parameter of which the name was taken apart (RFC 2231 §7).
type section2231 struct {
	param
	base    string // lower case
	section int    // -1: not a continuation
	encoded bool
}

// decodeParams gives the parameters of a field, continuations joined and
// encoded values decoded to UTF-8 (RFC 2231 §3, §4), in the order in which they
// begin. Of two with one name the first counts; an extended one comes before a
// plain one of the same name, which is there for those that cannot read it.
func decodeParams(params []byte) []Param {
	pieces := splitPieces(params)
	var out []Param
	for i, pc := range pieces {
		if hasEarlier(pieces[:i], pc.base) {
			continue
		}
		out = append(out, joinPieces(pieces[i:], pc.base))
	}
	return out
}

func hasEarlier(pieces []section2231, base string) bool {
	return slices.ContainsFunc(pieces, func(p section2231) bool { return p.base == base })
}

func splitPieces(params []byte) []section2231 {
	var pieces []section2231
	s := lexer{in: params}
	for len(pieces) < maxParams {
		p, ok := s.nextParam()
		if !ok {
			break
		}
		pieces = append(pieces, takeApart(p))
	}
	return pieces
}

// takeApart reads the section number and the mark of an encoded value off the
// name.
func takeApart(p param) section2231 {
	name := bytes.ToLower(p.name)
	pc := section2231{param: p, section: -1}
	if n := bytes.TrimSuffix(name, []byte("*")); len(n) < len(name) && len(n) > 0 {
		name, pc.encoded = n, true
	}
	if i := bytes.LastIndexByte(name, '*'); i > 0 {
		if n, err := strconv.Atoi(string(name[i+1:])); err == nil && n >= 0 && n < maxParams {
			name, pc.section = name[:i], n
		}
	}
	pc.base = string(name)
	return pc
}

// joinPieces makes the parameter of one name. Sections count from 0 and end at
// the first gap; a whole encoded value is preferred, then sections, then a
// plain value.
func joinPieces(pieces []section2231, base string) Param {
	find := func(section int, encoded bool) *section2231 {
		for i := range pieces {
			p := &pieces[i]
			if p.base == base && p.section == section && p.encoded == encoded {
				return p
			}
		}
		return nil
	}
	out := Param{Name: base}
	if p := find(-1, true); p != nil {
		out.decode([]*section2231{p})
		return out
	}
	var sections []*section2231
	for n := 0; ; n++ {
		p := find(n, true)
		if p == nil {
			p = find(n, false)
		}
		if p == nil {
			break
		}
		sections = append(sections, p)
	}
	switch plain := find(-1, false); {
	case len(sections) > 0:
		out.decode(sections)
	case plain != nil:
		out.Value = string(toUTF8(plain.appendValue(nil)))
	default: // continuations without a beginning
		for i := range pieces {
			if pieces[i].base == base {
				sections = append(sections, &pieces[i])
			}
		}
		out.decode(sections)
	}
	return out
}

// decode joins sections. The first one names charset and language if it is
// encoded; the others may be encoded each for itself.
func (out *Param) decode(sections []*section2231) {
	var raw []byte
	for i, p := range sections {
		v := p.appendValue(nil)
		if i == 0 && p.encoded {
			out.Extended = true
			if parts := bytes.SplitN(v, []byte("'"), 3); len(parts) == 3 {
				out.Charset, out.Language = string(parts[0]), string(parts[1])
				v = parts[2]
			}
		}
		if p.encoded {
			v = percentDecode(v)
		}
		raw = append(raw, v...)
	}
	out.Value = string(charsetToUTF8(nil, out.Charset, raw))
}

// percentDecode resolves %XX; a percent sign with anything else stays.
func percentDecode(v []byte) []byte {
	out := v[:0]
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) && unhex[v[i+1]] < 16 && unhex[v[i+2]] < 16 {
			out = append(out, unhex[v[i+1]]<<4|unhex[v[i+2]])
			i += 2
			continue
		}
		out = append(out, v[i])
	}
	return out
}

// unhex gives the value of a hexadecimal digit; 255 for any other byte.
var unhex = func() (t [256]byte) {
	for i := range t {
		switch c := byte(i); {
		case '0' <= c && c <= '9':
			t[i] = c - '0'
		case 'A' <= c && c <= 'F':
			t[i] = c - 'A' + 10
		case 'a' <= c && c <= 'f':
			t[i] = c - 'a' + 10
		default:
			t[i] = 255
		}
	}
	return t
}()

// hasExtended says whether any parameter name has an asterisk, so that the
// parameters need decodeParams.
func hasExtended(params []byte) bool { return bytes.IndexByte(params, '*') >= 0 }
