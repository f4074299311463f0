package segment

import (
	"errors"
	"testing"

	"citron/engine/vfs"
)

// What makes room may take what is between the floors.
func TestRoomHasTwoFloors(t *testing.T) {
	free := uint64(1500)
	r := &room{space: func() (uint64, uint64, error) { return free, 1 << 20, nil }, floor: 1000, low: 400}
	for _, c := range []struct {
		n     int64
		sweep bool
		ok    bool
	}{{500, false, true}, {500, true, true}, {1100, false, false}, {1100, true, true}, {1101, true, false}} {
		take := r.take
		if c.sweep {
			take = r.takeLow
		}
		r.budget = 0
		if err := take(c.n); (err == nil) != c.ok || err != nil && !errors.Is(err, vfs.ErrNoSpace) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	free = 300
	if err := r.takeLow(0); !errors.Is(err, vfs.ErrNoSpace) {
		t.Errorf("below both: %v", err)
	}
}
