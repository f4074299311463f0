package imapserver

import "citron/wire/imap"

// states is a bit set of the states of a session (RFC 9051 §3).
type states uint8

const (
	notAuthenticated states = 1 << iota
	authenticated
	selectedState
	// asApplication is logged in without an account; not one of the RFC's.
	asApplication

	anyState   = notAuthenticated | authenticated | selectedState | asApplication
	inAccount  = authenticated | selectedState
	inSelected = selectedState
)

// traits say how the dispatcher treats a command.
type traits uint8

const (
	// slow: the handler runs as a coroutine and breathes.
	slow traits = 1 << iota
	// keepsNumbers: no EXPUNGE or VANISHED while it runs, unless it is the
	// UID form (RFC 9051 §7.5.1).
	keepsNumbers
	// untold: what else changed is not told before the reply.
	untold
	// answersItself: if the handler returns nil, it has written the tagged
	// reply or leaves it to a later Step (IDLE, AUTHENTICATE).
	answersItself
	// byNumber: unless it is the UID form, it names messages by number, which
	// a client with UIDONLY must not (RFC 9586 §3.2, §3.8).
	byNumber
)

// argument is a parsed command.
type argument = imap.Command

// handler runs a command in a session.
type handler func(*Session, *command, argument) error

// spec is a line of the table: a verb, the states it is allowed in, how it is
// treated and who does it.
type spec struct {
	name   string
	in     states
	traits traits
	run    handler
}

// on makes a handler of a method that takes its own argument type.
func on[T argument](run func(*Session, *command, T) error) handler {
	return func(s *Session, c *command, arg argument) error { return run(s, c, arg.(T)) }
}

// families are the tables of commands, each beside its handlers.
func families() [][]spec {
	return [][]spec{
		sessionCommands, loginCommands, mailboxCommands, listCommands,
		selectCommands, appendCommands, replaceCommands, urlCommands, expungeCommands,
		storeCommands, copyCommands, fetchCommands, searchCommands, aclCommands, contextCommands,
		sortCommands, comparatorCommands,
		compressCommands,
		quotaCommands, metadataCommands, unauthenticateCommands, multisearchCommands, notifyCommands,
	}
}

func commandTable() map[string]*spec {
	table := map[string]*spec{}
	for _, family := range families() {
		for i := range family {
			table[family[i].name] = &family[i]
		}
	}
	return table
}
