package imap

import (
	"strconv"
	"strings"
)

// Append appends u as ParseURL reads it.
func (u *URL) Append(dst []byte) []byte {
	if u.Absolute {
		dst = append(dst, "imap:"...)
	}
	if u.Server.Host != "" {
		dst = append(dst, "//"...)
		dst = u.Server.append(dst)
	}
	dst = append(dst, '/')
	if u.Mailbox == "" {
		return dst
	}
	dst = appendURLMailbox(dst, u.Mailbox)
	if u.UIDValidity != 0 {
		dst = append(dst, ";UIDVALIDITY="...)
		dst = AppendUint(dst, uint64(u.UIDValidity))
	}
	switch {
	case u.Search != "":
		return appendPercent(append(dst, '?'), u.Search, isBChar)
	case u.UID == 0:
		return dst
	}
	dst = append(dst, "/;UID="...)
	dst = AppendUint(dst, uint64(u.UID))
	if u.Section != nil {
		text := AppendSection(nil, u.Section)
		dst = append(dst, "/;SECTION="...)
		dst = appendPercent(dst, string(text[1:len(text)-1]), isBChar)
	}
	if u.Partial != nil {
		dst = u.Partial.appendURL(dst)
	}
	if u.Auth != nil {
		dst = u.Auth.append(dst)
	}
	return dst
}

func (s *URLServer) append(dst []byte) []byte {
	dst = appendPercent(dst, s.User, isAChar)
	if s.Mechanism != "" {
		dst = append(append(dst, ";AUTH="...), s.Mechanism...)
	}
	if s.User != "" || s.Mechanism != "" {
		dst = append(dst, '@')
	}
	dst = append(dst, s.Host...)
	if s.Port != "" {
		dst = append(append(dst, ':'), s.Port...)
	}
	return dst
}

// partial-range = number ["." nz-number]
func (p *Partial) appendURL(dst []byte) []byte {
	dst = append(dst, "/;PARTIAL="...)
	dst = strconv.AppendInt(dst, p.Offset, 10)
	if p.Length > 0 {
		dst = strconv.AppendInt(append(dst, '.'), p.Length, 10)
	}
	return dst
}

func (a *URLAuth) append(dst []byte) []byte {
	if !a.Expire.IsZero() {
		dst = append(dst, ";EXPIRE="...)
		dst = a.Expire.UTC().AppendFormat(dst, "2006-01-02T15:04:05.999999999Z")
	}
	dst = append(append(dst, ";URLAUTH="...), a.Access.Application...)
	if a.Access.User != "" {
		dst = appendPercent(append(dst, '+'), a.Access.User, isAChar)
	}
	if a.Mechanism != "" {
		dst = append(append(dst, ':'), strings.ToLower(a.Mechanism)...)
		dst = append(append(dst, ':'), a.Token...)
	}
	return dst
}

// appendURLMailbox keeps what stands between slashes from being taken for a
// dot-segment, and a slash at either end for the URL's own (RFC 5092 §7).
func appendURLMailbox(dst []byte, name string) []byte {
	name, first := strings.CutPrefix(name, "/")
	name, last := strings.CutSuffix(name, "/")
	if first {
		dst = append(dst, "%2F"...)
	}
	for i, level := range strings.Split(name, "/") {
		if i > 0 {
			dst = append(dst, '/')
		}
		if level == "." || level == ".." {
			dst = append(dst, "%2E%2E"[:3*len(level)]...)
		} else {
			dst = appendPercent(dst, level, isBChar)
		}
	}
	if last {
		dst = append(dst, "%2F"...)
	}
	return dst
}

// appendPercent appends s, percent-encoded but for octets of a class.
func appendPercent(dst []byte, s string, class func(byte) bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		if c := s[i]; class(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
