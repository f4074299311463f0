// Package bench measures mail servers from the outside: it speaks plain LMTP
// and IMAP to any server and compares several in one run.
//
// # Method
//
// Targets take turns (A B A B …), so that what disturbs the machine disturbs
// all alike; each workload runs Rounds times per target after Warm unrecorded
// ones, and medians are printed. Beside the wall time stands the CPU that the
// server took per operation, read from /proc for the process tree named with
// --server, and the client's own: where both share a machine a fast server
// makes a busy client, and the server's CPU is then the truer figure.
//
// Definitions, once for all results: cold means that the server was restarted
// and the page cache dropped just before (--restart with --cold). Written is
// write_bytes of /proc/PID/io over the server's processes, the rest after the
// last round included (--rest). The client's share is of the CPU time that
// client and server took together.
//
// The clients here are lean on purpose: they find the ends of responses and
// count, and parse nothing they need not. Messages depend on the seed alone.
package bench
