package smtp

import (
	"bytes"
	"strings"
)

// BURL is the verb of that name (RFC 4468). The session adds "imap" to the
// keyword where it may be used; bare, it says that one has to log in first.
var BURL = Extension{Keyword: "BURL", RFC: "RFC 4468"}

// URLChunk is BURL's argument: a piece of the message to be fetched.
type URLChunk struct {
	URL  string // an absolute-URI
	Last bool
}

// ErrURLChunk is the reply to a BURL that is none.
var ErrURLChunk = Reply{501, Status{5, 5, 4}, "syntax: BURL absolute-URI [LAST]"}

// ParseBURL parses
//
//	burl-cmd   = "BURL" SP absolute-URI [SP end-marker] CRLF
//	end-marker = "LAST"
//
// from the URI on. Of the URI the characters are checked, and that it has a
// scheme (RFC 3986 §4.3); what it means is for who resolves it. With the error
// Last says whether the command ends with the marker: then the message ends with
// it, too.
func ParseBURL(args []byte) (URLChunk, error) {
	uri, marker, marked := bytes.Cut(args, []byte{' '})
	if marked {
		marker = bytes.TrimLeft(marker, " ")
	}
	if !absoluteURI(uri) || marked && !isLast(marker) {
		return URLChunk{Last: isLast(args[bytes.LastIndexByte(args, ' ')+1:])}, ErrURLChunk
	}
	return URLChunk{URL: string(uri), Last: marked}, nil
}

func isLast(word []byte) bool { return bytes.EqualFold(word, []byte("LAST")) }

// absoluteURI = scheme ":" hier-part [ "?" query ]
func absoluteURI(uri []byte) bool {
	scheme, rest, ok := bytes.Cut(uri, []byte{':'})
	if !ok || len(scheme) == 0 || !isAlpha(scheme[0]) || len(rest) == 0 {
		return false
	}
	for _, c := range scheme {
		if !isAlpha(c) && !isDigit(c) && strings.IndexByte("+-.", c) < 0 {
			return false
		}
	}
	for i, c := range rest {
		switch {
		case isAlpha(c), isDigit(c), strings.IndexByte("-._~:/?[]@!$&'()*+,;=", c) >= 0:
		case c == '%' && i+2 < len(rest) && hexValue(rest[i+1]) >= 0 && hexValue(rest[i+2]) >= 0:
		default:
			return false
		}
	}
	return true
}
