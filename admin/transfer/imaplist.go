package transfer

import (
	"slices"
	"strings"

	"citron/wire/imap"
)

// remoteMailbox is a mailbox as its server has it, and its name here.
type remoteMailbox struct {
	name       string // the server's
	local      string
	attributes []string
	subscribed bool
}

// list gives the mailboxes that can be selected and are the user's own, INBOX
// first, by name.
func (c *imapClient) list() ([]remoteMailbox, error) {
	spaces, err := c.namespaces()
	if err != nil {
		return nil, err
	}
	extended := c.can("LIST-EXTENDED")
	cmd := &imap.List{Patterns: []string{"*"}}
	if extended {
		cmd.Extended, cmd.Return = true, imap.ReturnSubscribed
		if c.can("SPECIAL-USE") {
			cmd.Return |= imap.ReturnSpecialUse
		}
	}
	var boxes []remoteMailbox
	err = c.do(cmd, func(r imap.Response) error {
		if l, ok := r.(*imap.ListResponse); ok && selectable(l) && spaces.own(l.Mailbox) {
			boxes = append(boxes, remoteMailbox{
				name: l.Mailbox, local: spaces.local(l.Mailbox, l.Separator),
				attributes: l.Attributes, subscribed: hasAttribute(l, `\Subscribed`),
			})
		}
		return nil
	})
	if err == nil && !extended {
		err = c.subscriptions(boxes)
	}
	slices.SortFunc(boxes, func(a, b remoteMailbox) int {
		switch {
		case a.local == b.local:
			return 0
		case a.local == "INBOX":
			return -1
		case b.local == "INBOX":
			return 1
		}
		return strings.Compare(a.local, b.local)
	})
	return boxes, err
}

func hasAttribute(l *imap.ListResponse, name string) bool {
	return slices.ContainsFunc(l.Attributes, func(a string) bool { return strings.EqualFold(a, name) })
}

func selectable(l *imap.ListResponse) bool {
	return l.Mailbox != "" && !hasAttribute(l, `\Noselect`) && !hasAttribute(l, `\NonExistent`)
}

// subscriptions asks a server without LIST-EXTENDED (RFC 3501 §6.3.9).
func (c *imapClient) subscriptions(boxes []remoteMailbox) error {
	subscribed := map[string]bool{}
	err := c.do(&imap.Lsub{Pattern: "*"}, func(r imap.Response) error {
		if l, ok := r.(*imap.ListResponse); ok && l.Lsub && !hasAttribute(l, `\Noselect`) {
			subscribed[l.Mailbox] = true
		}
		return nil
	})
	for i := range boxes {
		boxes[i].subscribed = subscribed[boxes[i].name]
	}
	return err
}

// namespaces are the prefixes of NAMESPACE (RFC 2342).
type namespaces struct {
	personal string   // in front of all names but INBOX, "" where there is none
	foreign  []string // of other users' and shared mailboxes
}

func (c *imapClient) namespaces() (n namespaces, err error) {
	if !c.can("NAMESPACE") {
		return n, nil
	}
	err = c.do(&imap.Namespace{}, func(r imap.Response) error {
		if r, ok := r.(*imap.NamespaceResponse); ok {
			if len(r.Personal) > 0 {
				n.personal = r.Personal[0].Prefix
			}
			for _, space := range slices.Concat(r.Others, r.Shared) {
				if space.Prefix != "" {
					n.foreign = append(n.foreign, space.Prefix)
				}
			}
		}
		return nil
	})
	return n, err
}

// own says whether the mailbox is the user's.
func (n namespaces) own(name string) bool {
	return !slices.ContainsFunc(n.foreign, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// local is the mailbox's name in Citron: without the personal prefix, "/"
// between levels. A character that a level cannot have here becomes "_".
func (n namespaces) local(name string, separator byte) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	if rest, ok := strings.CutPrefix(name, n.personal); ok && rest != "" {
		name = rest
	}
	levels := []string{name}
	if separator != 0 {
		levels = strings.Split(name, string(rune(separator)))
	}
	for i, level := range levels {
		if levels[i] = unusual.Replace(level); level == "" {
			levels[i] = "_"
		}
	}
	return strings.Join(levels, "/")
}

var unusual = strings.NewReplacer("/", "_", "%", "_", "*", "_")
