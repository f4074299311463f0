// Package segment keeps message bodies in append-only files shared by all
// accounts: the body.Store of a deployment with its own disk.
//
// # Files
//
// A directory holds segments, named by their number in sixteen hex digits and
// ".seg". A number is never used twice: the highest segment is never deleted.
// A segment is a segment header, then frames at multiples of 8 bytes, then,
// once no more will be written, a seal. All integers are little-endian.
//
//	segment header, 32 bytes          frame header, 40 bytes
//	 0  "CITRSEG1"                     0  "CtBF", or "CtSL" for the seal
//	 8  segment number                 4  CRC-32C of bytes 8 to 39
//	16  nonce, random                  8  account     (seal: number of frames)
//	24  CRC-32C of bytes 0 to 23      16  object      (seal: their bytes)
//	28  zero                          24  length of the body
//	                                  32  CRC-32C of the body
//	                                  36  zero
//
// The CRC of a frame header goes on from that of the nonce, so that a message
// that contains what looks like a frame is not taken for one when the chain of
// frames is broken and a reader searches for the next.
//
// # Writing
//
// A body of up to Options.BufferSize is gathered in memory. Commit writes header
// and body in one call at the end of the shared segment and joins the next
// sync: one sync at a time, each covering all that was written before it began
// (see flusher), while those who come later write on.
//
// A larger body streams, as it comes, into a segment that no other Writer uses
// meanwhile; its header, with the length and the CRC now known, is written
// last, at the place left for it. When it is durable the segment is free for
// the next large body, so that there are about as many of these files growing
// as there are large bodies arriving at once, and no file is made per body.
//
// A segment's own header and its name in the directory are durable before the
// first frame is written, so a Commit costs one sync. Room is not asked for
// ahead: on ext4 that made no Commit faster.
//
// # Crashes
//
// What was not yet synced may be kept, lost or torn. A restart never appends
// to a segment it finds: it walks those without a seal, skips what is not a
// frame, and seals them. A frame whose header survived and whose body did not
// was never acknowledged, nothing refers to it, and the next sweep calls it
// dead.
//
// The seal counts the frames. A sweep that finds fewer has found damage, not
// the trace of a crash, and leaves the segment alone: a body that cannot be
// seen cannot be asked for.
//
// # Failures
//
// A write that fails, for want of space or otherwise, fails its Commit; the next
// frame begins at the same place. A sync refused for want of space fails the Commits it
// covered, and the segment takes no more. Any other failed sync stops the
// store, as the kernel may have dropped what it could not write, and calls
// Options.Fatal, which by default ends the process. No later sync of the same
// file is ever believed.
//
// # Reading
//
// Open verifies the frame's header, which is cheap; the CRC of the body is
// verified by Check and by a sweep that moves it, never by Open or ReadAt. Open
// files are shared and those unused closed beyond Options.MaxOpen.
//
// # Sweeping
//
// A segment is swept when it takes no more bodies and all Writers that
// committed to it are Done. The first sweep after a start asks for every body
// and so knows what is dead; later ones trust the hints of Release and ask
// only in segments whose dead are more than half. The live bodies of such a
// segment are copied, many to a sync, moved one transaction each, and the file
// removed; readers that have it open go on reading.
package segment
