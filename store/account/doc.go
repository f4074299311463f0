// Package account is the message store of one process: the only writer of
// mail keys. It keeps mailboxes, UIDs, modification sequences, flags, quota
// and the change log of every account over an engine (package kv) and a body
// store (package body), and knows nothing of protocols.
//
// # Invariants
//
// The account is the unit of consistency. Every write is one transaction on
// one account with one modseq; writers who wait for the same account are
// combined into one commit of the engine, each with a modseq and an error of
// its own. Nothing is acknowledged, published or readable before the engine
// said that it is durable. A reader sees immutable states (View), which a
// session may hold as long as it likes.
//
// What is stored, byte by byte, and what holds of it at any moment is written
// in docs/key-layout.md; Verify proves it.
//
// # Standards
//
// RFC 3501 and 9051 (mailboxes, UIDs, flags), 7162 (modseq, tombstones), 4315
// and 6851 (UID EXPUNGE, MOVE), 6154 (special use), 8474 (object identifiers),
// 8514 (SAVEDATE), 9208 (quota), 5464 (metadata), 4314 (access control).
package account
