package imapserver

import (
	"errors"
	"slices"

	"citron/store/account"
	"citron/store/textindex"
	"citron/store/uidset"
	"citron/wire/imap"
)

// maxTextKeys is how many text keys of one search ask the index; more look at
// all messages. Other sessions wait for each as for a small message.
const maxTextKeys = 64

// fewMessages are looked at sooner than the index is asked.
const fewMessages = 16

func isText(k *imap.SearchKey) bool { return imap.SearchBcc <= k.Op && k.Op <= imap.SearchText }

// hasText says whether a key is, or holds, one that looks at text.
func hasText(k *imap.SearchKey) bool {
	return isText(k) || slices.ContainsFunc(k.Keys, func(k imap.SearchKey) bool { return hasText(&k) })
}

// textKey asks the search index for the candidates of a text key. What the index
// does not know yet is among them, so that none is missed.
func (n *narrower) textKey(k *imap.SearchKey) (uidset.Ranges, error) {
	query, ok := textindex.QueryFor(k)
	if n.asked++; !ok || n.asked > maxTextKeys || n.m.view.Set.Len() <= fewMessages {
		return n.whole(), nil
	}
	among, err := n.askIndex(query)
	if errors.Is(err, account.ErrDamaged) {
		n.s.srv.cfg.Logger.Error("search index cannot be read; a search looks at every message", "account", n.s.accountName(), "error", err)
		return n.whole(), nil
	}
	return among, err
}

func (n *narrower) askIndex(query textindex.Query) (uidset.Ranges, error) {
	if n.text == nil {
		var err error
		if n.text, err = n.m.acct.TextIndex(n.s.srv.ctx, n.m.view, n.c.breathe); err != nil {
			return nil, err
		}
	}
	return n.text.Candidates(query)
}
