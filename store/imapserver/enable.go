package imapserver

import (
	"slices"

	"citron/wire/imap"
)

// features is the set of extensions that change what the server says without
// being asked (RFC 9051 §6.3.1).
type features uint16

const (
	condstore      features = 1 << iota // RFC 7162 §3.1
	qresync                             // RFC 7162 §3.2; implies condstore
	rev2                                // IMAP4rev2
	utf8Accept                          // RFC 6855; rev2 brings the same
	uidOnly                             // RFC 9586
	metadata                            // RFC 5464 §4.4: changes of annotations are told
	metadataServer                      // those of the server alone
)

func (f features) has(one features) bool { return f&one != 0 }

// enabling maps what can be enabled to what the session minds of it.
var enabling = map[string]features{
	"CONDSTORE":   condstore,
	"QRESYNC":     qresync,
	"IMAP4rev2":   rev2 | utf8Accept,
	"UTF8=ACCEPT": utf8Accept,
	"UIDONLY":     uidOnly,
	"METADATA":    metadata, "METADATA-SERVER": metadataServer,
}

// enable is ENABLE; what is not known is passed over (RFC 5161 §3.1), what an
// extension brings with it is enabled, too, and said so.
func (s *Session) enable(_ *command, a *imap.Enable) error {
	var names []string
	for _, token := range a.Capabilities {
		for _, name := range imap.Enableable(token) {
			if slices.Contains(names, name) || s.isApplication() && !slices.Contains(applicationTokens, name) {
				continue
			}
			names = append(names, name)
			if name == "CONDSTORE" {
				s.enableCondstore()
			}
			s.enabled |= enabling[name]
		}
	}
	if s.enabled.has(uidOnly) && s.selected != nil {
		s.dropNumbered()
	}
	s.w.UTF8 = s.enabled.has(utf8Accept)
	s.w.Enabled(names)
	return nil
}

// enableCondstore is called by every CONDSTORE enabling command (RFC 7162
// §3.1). The first, with a mailbox selected, has its HIGHESTMODSEQ told; what
// NOTIFY had kept from the client is beyond it.
func (s *Session) enableCondstore() {
	if s.enabled.has(condstore) {
		return
	}
	s.enabled |= condstore
	if m := s.selected; m != nil {
		s.w.Status("*", imap.OK, imap.CodeHighestModSeq(m.toldUpTo()), "Highest")
	}
}
