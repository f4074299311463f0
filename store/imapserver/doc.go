// Package imapserver holds IMAP sessions: IMAP4rev1 (RFC 3501) and IMAP4rev2
// (RFC 9051) with the extensions named in wire/imap's registry, over the
// account (store/account) on one side and a connection driver (ops/conn) on
// the other.
//
// # Shape
//
// A Session is a state machine (session.go): Step feeds what came to
// imap.Scanner, and each whole command is looked up in a table (table.go),
// checked against the session's state, parsed and handed to its handler. A
// handler is plain sequential code over a *command: it appends responses
// through command.w, and returns nil for OK or an error, which reply.go turns
// into NO or BAD with its response code. The dispatcher tells the client what
// else has changed (sync.go) before it writes the tagged reply, so handlers
// never do.
//
// A handler that may write or compute much is marked slow in the table and
// runs as a coroutine (coroutine.go): it calls command.breathe between items,
// which hands the turn back to the driver when the output has reached
// conn.HighWater or other sessions should have a turn. What the account does in
// steps it is asked for with command.steps, and the turn changes between them.
// Handlers not marked slow run to their end within one Step.
//
// With COMPRESS (compress.go) all of this happens behind a layer that a Step
// passes on its way in and out.
//
// What a session has told its client of the selected mailbox is a selected
// (view.go): an immutable *uidset.Set and the modseq it stands for. Sequence
// numbers are positions in that set and never in the account's current one.
//
// # Invariants
//
//   - Nothing is acknowledged before it is durable: handlers wait for the
//     account's call, which returns after the commit.
//   - EXPUNGE and VANISHED are sent only while a command runs that allows them
//     (RFC 9051 §7.5.1, RFC 7162 §3.2.10.2), in IDLE, and between commands to
//     a client whose NOTIFY asks for it (RFC 5465 §6.1.1).
//   - Between commands a session keeps no scanner buffer, no coroutine, no
//     snapshot: only its account handle, its selected mailbox, what NOTIFY asked
//     for and a few words.
//   - A mailbox is found by locate, which names the rights that are needed
//     (RFC 4314 §4); what needs more of the selected one asks it (rights.go).
//     Whose account it is in nobody else has to know.
//   - Memory held for input is bounded: a command by Config.MaxLine, a message
//     by what account.Incoming buffers.
//
// # To add a command
//
// Its syntax is a type in wire/imap. Write its handler in a file of its own,
//
//	func (s *Session) thread(c *command, a *imap.Thread) error { … }
//
// and give it a line in the table of its family:
//
//	{"THREAD", inSelected, slow, on((*Session).thread)},
//
// A new capability is an entry of wire/imap's registry; one that is enabled
// by ENABLE also gets a bit in enable.go.
package imapserver
