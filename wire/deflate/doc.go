// Package deflate is the compression of a conversation (RFC 4978): a raw
// DEFLATE stream (RFC 1951) in each direction, given and taken in pieces, by
// connections that are silent most of the time.
//
// # What stays between two bursts
//
// An Encoder keeps the last History bytes it was given and nothing else. For
// each burst it borrows a compressor (about 1 MB) from a pool, shows it the
// history as a dictionary, and ends with a sync flush, so that the burst
// stands whole on byte boundaries and the next one may come from another
// compressor. What that costs in size is measured by TestEncoderRatio.
//
// A Decoder keeps the window that the peer may refer to: 32 KiB at most
// (RFC 1951 §2), of which only so much is there as has been used, and the
// tables of a block (4 KiB) while the peer is in the middle of one.
//
// # Why the Decoder is our own
//
// Phones end what they send with a partial flush, after which the last bits
// are still to come with the next byte: compress/flate gives nothing of such a
// burst, and no reader that pulls its input can stop in the middle of a block
// without a goroutine that waits inside it, and 45 KB. This one is pushed: it
// stops at any bit, gives everything that can be known by then, and goes on
// with the next byte.
//
// # Hostile input
//
// A Decoder writes no more than the room it is given, needs no memory beyond
// the above, and fails with ErrBomb once the stream has grown to more than
// Limits allow. Errors are final.
package deflate
