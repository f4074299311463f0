//go:build unix

package bench

import (
	"syscall"
	"time"
)

// clientCPU is the CPU time this process has taken.
func clientCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
