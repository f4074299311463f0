package pebblekv

import (
	"testing"

	"citron/engine/vfs"
)

// slowSpace answers when it is told to.
type slowSpace struct {
	vfs.FS
	asked, answer chan struct{}
}

func (s *slowSpace) Space() (free, total uint64, err error) {
	close(s.asked)
	<-s.answer
	return 1 << 40, 1 << 40, nil
}

// Who writes while the first question is under way is not told that the disk is
// full.
func TestFloorBeforeFirstAnswer(t *testing.T) {
	fs := &slowSpace{asked: make(chan struct{}), answer: make(chan struct{})}
	var f floor
	f.open(fs, Options{}.withDefaults())
	first := make(chan error)
	go func() { first <- f.check(false) }()
	<-fs.asked
	if err := f.check(false); err != nil {
		t.Error(err)
	}
	close(fs.answer)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
