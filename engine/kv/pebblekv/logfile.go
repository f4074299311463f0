package pebblekv

import pebblevfs "github.com/cockroachdb/pebble/v2/vfs"

// logFile is a file of the write-ahead log.
//
// The sync of a file that grows must also commit its new size and its newly
// used blocks to the file system's journal, which takes as long again as the
// data. Pebble spares itself that by writing over old logs, but a new database
// has none, and a reopened one starts anew. So a logFile stays ahead of Pebble
// with zeros, a stretch at a time, and the syncs between are of data alone
// (ext4: 105 instead of 200 µs). To Pebble's reader zeros are the end of the
// log, like the remains of an old one.
//
// Any failure stops the engine, before Pebble hears of it.
type logFile struct {
	adapterFile
	written int64 // bytes that Pebble wrote, one Write after the other
	zeroed  int64 // bytes that the file had, or that were written as zeros
}

// stretch is how far ahead of Pebble zeros are written.
const stretch = 256 << 10

// zeros is only read.
var zeros [stretch]byte

// Write is called by one goroutine at a time.
func (f *logFile) Write(p []byte) (int, error) {
	f.stopper.freeze()
	end := f.written + int64(len(p))
	if end > f.zeroed {
		if _, err := f.File.WriteAt(zeros[:], end); err != nil {
			return 0, f.stopper.logFailed(err)
		}
		f.zeroed = end + stretch
	}
	n, err := f.File.Write(p)
	f.written += int64(n)
	return n, f.stopper.logFailed(err)
}

func (f *logFile) Sync() error     { return f.sync(f.File.Sync) }
func (f *logFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *logFile) sync(how func() error) error {
	f.stopper.freeze()
	return f.stopper.logFailed(how())
}

// Close and Stat too: Pebble panics where either fails of a log.

func (f *logFile) Close() error { return f.stopper.logFailed(f.File.Close()) }

func (f *logFile) Stat() (pebblevfs.FileInfo, error) {
	info, err := f.adapterFile.Stat()
	return info, f.stopper.logFailed(err)
}

// logFailed stops the engine if there is an error, and then never
// returns.
func (s *stopper) logFailed(err error) error {
	if err != nil {
		s.stop(err)
		s.freeze()
	}
	return err
}
