// Package search evaluates SEARCH programs (RFC 3501 §6.4.4, RFC 9051 §6.4.4)
// on one message at a time.
//
// # Cost
//
// What a key looks at has a Level: the mailbox's own entry of the message, its
// index, its header, its body. A Program asks for nothing of a higher level
// while a lower one can decide, so that a caller who must fetch can first sort
// out the messages that the cheap keys decide (Try) and then fetch for the
// rest together. All strings that a program seeks in a body are sought in one
// pass over it.
//
// # Text
//
// Strings are sought as substrings under the collation of the Env, by default
// i;unicode-casemap (RFC 5255 §4.6), in the decoded text: header fields unfolded with their encoded-words decoded
// (RFC 2047), bodies of text parts without transfer encoding and in UTF-8.
// Parts of other media types are not searched, as RFC 9051 allows. BODY looks at
// the bodies, TEXT also at every header of the message, those of parts and
// embedded messages included.
//
// Dates are compared as calendar days, each in the zone in which it was told.
package search
