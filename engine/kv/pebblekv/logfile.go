package pebblekv

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
// Any failure ends the engine, before Pebble hears of it.
type logFile struct {
	adapterFile
	written int64 // bytes that Pebble wrote, one Write after the other
	zeroed  int64 // bytes of the file that are on the disk in some form
	failed  func(error)
}

// stretch is how far ahead of Pebble zeros are written.
const stretch = 256 << 10

// zeros is only read.
var zeros [stretch]byte

func (f *logFile) check(err error) error {
	if err != nil {
		f.failed(err)
	}
	return err
}

// Write is called by one goroutine at a time.
func (f *logFile) Write(p []byte) (int, error) {
	end := f.written + int64(len(p))
	if end > f.zeroed {
		if _, err := f.File.WriteAt(zeros[:], end); err != nil {
			return 0, f.check(err)
		}
		f.zeroed = end + stretch
	}
	n, err := f.File.Write(p)
	f.written += int64(n)
	return n, f.check(err)
}

func (f *logFile) Sync() error     { return f.check(f.File.Sync()) }
func (f *logFile) SyncData() error { return f.check(f.File.SyncData()) }
