package message

import "bytes"

// BaseSubject gives the subject without the artifacts of replying and
// forwarding (RFC 5256 §2.1), of a decoded subject; artifact says whether there
// were any, which makes the message a reply or forward (§3, REFERENCES step 4).
func BaseSubject(subject string) (base string, artifact bool) {
	b, artifact := baseSubject([]byte(subject))
	return string(b), artifact
}

// baseSubject works in place. The numbers are the steps of RFC 5256 §2.1.
func baseSubject(s []byte) (base []byte, artifact bool) {
	s = oneSpace(s) // (1)
	for {
		for { // (2)
			t := bytes.TrimRight(s, " ")
			if len(t) >= 5 && equalFold(t[len(t)-5:], "(fwd)") {
				s, artifact = t[:len(t)-5], true
				continue
			}
			s = t
			break
		}
		for { // (5)
			t, refwd := cutLeader(s) // (3)
			artifact = artifact || refwd
			if b := cutBlob(t); len(b) > 0 { // (4)
				t = b
			}
			if len(t) == len(s) {
				break
			}
			s = t
		}
		if len(s) < 6 || !equalFold(s[:5], "[fwd:") || s[len(s)-1] != ']' { // (6)
			return s, artifact
		}
		s, artifact = s[5:len(s)-1], true
	}
}

// oneSpace makes every run of white space one space, in place.
func oneSpace(s []byte) []byte {
	out := s[:0]
	for _, c := range s {
		if c == '\t' || c == '\r' || c == '\n' {
			c = ' '
		}
		if c != ' ' || len(out) == 0 || out[len(out)-1] != ' ' {
			out = append(out, c)
		}
	}
	return out
}

// cutLeader removes a subj-leader: blobs and a subj-refwd, or white space.
func cutLeader(s []byte) (rest []byte, refwd bool) {
	if len(s) > 0 && s[0] == ' ' {
		return s[1:], false
	}
	t := s
	for {
		b := cutBlob(t)
		if len(b) == len(t) {
			break
		}
		t = b
	}
	if r, ok := cutRefwd(t); ok {
		return r, true
	}
	return s, false
}

// cutRefwd removes "re:", "fw:" or "fwd:", with a blob before the colon.
func cutRefwd(s []byte) ([]byte, bool) {
	n := 0
	switch {
	case len(s) >= 3 && equalFold(s[:3], "fwd"):
		n = 3
	case len(s) >= 2 && (equalFold(s[:2], "re") || equalFold(s[:2], "fw")):
		n = 2
	default:
		return s, false
	}
	t := cutBlob(bytes.TrimLeft(s[n:], " "))
	if len(t) == 0 || t[0] != ':' {
		return s, false
	}
	return t[1:], true
}

// cutBlob removes one subj-blob: "[...]" and the space after it.
func cutBlob(s []byte) []byte {
	if len(s) == 0 || s[0] != '[' {
		return s
	}
	i := bytes.IndexAny(s[1:], "[]")
	if i < 0 || s[1+i] != ']' {
		return s
	}
	return bytes.TrimLeft(s[i+2:], " ")
}
