// Package order holds what the messages of a mailbox are sorted and threaded by
// in memory, so that SORT and THREAD (RFC 5256) compare numbers and read
// nothing.
//
// # Shape
//
// A Cache has a Mailbox for each mailbox that was sorted of late, within a bound
// of bytes; the least recently used goes first. A Mailbox has Columns: one row
// for each message that was asked for, in the order of UIDs, with its dates and
// its size, the numbers of its strings, and hashes of its identifiers. All of
// that is the same for a message as long as it exists, so rows are only added,
// and mail that arrives adds its own at the end.
//
// Columns are immutable and shared by all sessions; a session that began to
// sort is not disturbed by what others add.
//
// # Strings
//
// A string of a column is stored once and has a number. For each collation that
// is used the numbers have ranks: equal strings have equal ranks, lesser strings
// lesser ones, and the empty string, which goes before all others in SORT, has 0.
// Ranks are made when first asked for; strings that come later are put between
// the others without collating those again.
//
// # For who keeps an order alive
//
// Sort gives the order of a set of UIDs at this moment. A live context (RFC 5267
// §4.3) wants to place one message among others at any time: Key gives, for a
// message and criteria, a string of octets that compares as the message does.
// It depends on nothing but the message, so it stays right whatever comes and
// goes, and one need not keep Columns to keep keys.
package order
