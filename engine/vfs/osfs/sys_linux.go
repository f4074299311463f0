package osfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncData retries what a signal interrupted; os.File.Sync does so by itself.
func syncData(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR {
			return wrap("fdatasync", f, err)
		}
	}
}

// preallocate keeps the size; a file system that cannot is no failure.
func preallocate(f *os.File, offset, length int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, offset, length)
		switch {
		case err == unix.EINTR:
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return nil
		default:
			return wrap("fallocate", f, err)
		}
	}
}

// canWriteBack knows the file systems where sync_file_range is worth calling:
// elsewhere it does nothing (ZFS) or is untried.
func canWriteBack(f *os.File) bool {
	const extMagic, xfsMagic = 0xef53, 0x58465342
	var stat unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &stat) != nil {
		return false
	}
	return stat.Type == extMagic || stat.Type == xfsMagic
}

// writeBack starts writing the file's first bytes and waits only for what an
// earlier call started, so that dirty pages stay few without a stall.
func writeBack(f *os.File, length int64) error {
	const flags = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE
	err := unix.SyncFileRange(int(f.Fd()), 0, length, flags)
	return wrap("sync_file_range", f, err)
}

func willNeed(f *os.File, offset, length int64) error {
	return wrap("fadvise", f, unix.Fadvise(int(f.Fd()), offset, length, unix.FADV_WILLNEED))
}

func wrap(op string, f *os.File, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: f.Name(), Err: err}
}
