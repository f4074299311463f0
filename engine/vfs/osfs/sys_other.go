//go:build !unix

package osfs

import (
	"errors"
	"math"
	"os"
)

// Systems other than Unix are for development: they have no directory sync
// and no lock here, and their volumes count as boundless.

func isNoSpace(error) bool { return false }
func syncDir(string) error { return nil }
func lock(*os.File) error  { return errors.New("locks are not supported on this system") }

func space(string) (free, total uint64, err error) { return math.MaxInt64, math.MaxInt64, nil }
