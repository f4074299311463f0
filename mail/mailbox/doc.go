// Package mailbox knows the names of mailboxes: what a valid name is, the
// hierarchy, INBOX, the wildcards of LIST and which mailboxes a LIST with
// selection options answers.
//
// Names are UTF-8 in Unicode normalization form C with "/" between levels
// (RFC 9051 §5.1, RFC 5198). INBOX is always in capitals when it is the whole
// name or its first level. The wire form in modified UTF-7 is undone by
// wire/imap before a name comes here.
package mailbox
