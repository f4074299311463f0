package imapserver

import "citron/wire/imap"

// A context's search program is evaluated again and again, for several
// sessions: what in it is relative to one session or one moment is resolved
// when the command comes (RFC 5267 §4.3).

// settleKey makes fixed UIDs of message numbers and of "$".
func (m *selected) settleKey(k imap.SearchKey) (imap.SearchKey, error) {
	if k.Op == imap.SearchSeq || k.Op == imap.SearchUID && k.Set.Saved {
		n := narrower{m: m}
		uids, err := n.numbers(&k)
		if err != nil {
			return k, err
		}
		return imap.SearchKey{Op: imap.SearchUID, Set: imap.SeqSet{Nums: numSet(uids)}}, nil
	}
	keys := make([]imap.SearchKey, len(k.Keys))
	for i := range k.Keys {
		var err error
		if keys[i], err = m.settleKey(k.Keys[i]); err != nil {
			return k, err
		}
	}
	if k.Keys = keys; len(keys) == 0 {
		k.Keys = nil
	}
	return k, nil
}

// isOwn says whether a key depends on the session: what is \Recent, each
// session knows alone (RFC 3501 §2.3.2).
func isOwn(k *imap.SearchKey) bool {
	if (k.Op == imap.SearchFlag || k.Op == imap.SearchUnflag) && k.Flag&imap.FlagRecent != 0 {
		return true
	}
	for i := range k.Keys {
		if isOwn(&k.Keys[i]) {
			return true
		}
	}
	return false
}

// hasStar says whether a key depends on which message is the last.
func hasStar(k *imap.SearchKey) bool {
	if k.Op == imap.SearchUID && k.Set.Star != 0 {
		return true
	}
	for i := range k.Keys {
		if hasStar(&k.Keys[i]) {
			return true
		}
	}
	return false
}

// maxQuery bounds the text of a context's command with its numbers resolved,
// in bytes.
const maxQuery = 16 << 10

// query is order and program as text: what sessions must have in common to
// share results.
func query(key *imap.SearchKey, criteria []imap.SortCriterion) string {
	program := imap.Search{Charset: "UTF-8", Key: *key}
	var cmd imap.Command = &program
	if criteria != nil {
		cmd = &imap.Sort{Search: program, Criteria: criteria}
	}
	text, _ := imap.AppendCommand(nil, "", cmd, true)
	return string(text)
}
