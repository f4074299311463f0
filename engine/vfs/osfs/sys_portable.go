//go:build !linux

package osfs

import "os"

// Without Linux's calls every sync is a full one, nothing is preallocated and
// write-back is the system's own affair.

func syncData(f *os.File) error                { return f.Sync() }
func preallocate(*os.File, int64, int64) error { return nil }
func canWriteBack(*os.File) bool               { return false }
func writeBack(*os.File, int64) error          { return nil }
func willNeed(*os.File, int64, int64) error    { return nil }
