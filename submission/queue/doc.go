// Package queue is the durable queue of mail on its way out: it implements
// submission.Spool and submission.Work, and what `citron queue` shows and does.
//
// # What is kept
//
// Everything stands in the reserved account kv.Queue of the engine; bodies
// beyond Options.InlineLimit in a body.Store of the queue's own.
// docs/key-layout.md has every key. A message is a record, its envelope, and
// groups: up to Options.GroupSize recipients of one domain, which are due
// together and become one Job. The state of a recipient stands in its group, and
// a recipient that is done is gone from it; with the last one the message goes.
//
// # Order
//
// The schedule is on disk: a key per group, ordered by domain, priority and the
// time it is due. In memory there is a bounded number of domains (schedule), and
// of each only where its next key of each priority may be, what is out and for
// how long it is to be left alone: nothing per message. A domain that is down
// costs one probe now and then, and its messages no write.
//
// Next takes the highest priority (RFC 6710), the domains of one priority in
// turn; every eighth time it takes the domain that waits longest, so that no
// priority starves another.
//
// # Durability
//
// Writers stand in a line (package line): the first commits the operations of
// all who wait in one transaction of the engine. So 64 connections cost one
// sync, and what is done to a message is all or nothing: the outcomes of
// recipients, the next try, the report as a message of its own, the end of the
// message. A job that is out is known only in memory; a process that ends has
// released it. What such a job may have handed over stands in a mark
// (Job.HandOver, RFC 1047).
//
// # Time
//
// The age of a message counts from when it was received, or released by its
// sender (RFC 4865) or an operator. A second index by time (age.go) brings what
// must happen without a try: the report of a delay (RFC 3461 §5.2.5), the end
// of the time that the sender gave (RFC 2852), giving up (RFC 5321 §4.5.4.1).
package queue
