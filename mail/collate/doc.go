// Package collate compares strings as the collations of RFC 4790 and RFC 5051
// do: i;unicode-casemap, i;ascii-casemap, i;octet and i;ascii-numeric.
//
// # Keys
//
// All of them are defined by a preparation of each string, after which octets
// are compared. A Collation gives that prepared form as a key: two strings are
// equal if their keys are, are ordered as their keys are, and, where the
// collation has the substring operation, one is found in the other if its key
// is found in the other's. So whoever compares often keeps keys.
//
// # Unicode
//
// i;unicode-casemap depends on the version of Unicode (RFC 5051 §4, point 1);
// UnicodeVersion tells which it is. Keys that outlive the process must be
// stamped with it.
//
// Package citron/mail gives all text as valid UTF-8: what came in an unknown
// charset, or broken, was read as windows-1252. A string that is not UTF-8
// nevertheless is its own key (RFC 5051 §2, step 1b), after all others.
package collate
