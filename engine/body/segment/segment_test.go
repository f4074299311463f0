package segment_test

import (
	"flag"
	"testing"

	"citron/engine/body"
	"citron/engine/body/bodytest"
	"citron/engine/body/segment"
	"citron/engine/vfs"
)

// opener opens stores with the given options, whose failure does not end the
// test.
func opener(opt segment.Options) bodytest.Open {
	opt.Fatal = func(error) {}
	return func(fs vfs.FS) (body.Store, error) {
		s, err := segment.Open(fs, "data/bodies", opt)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

// small has segments roll and bodies stream soon, and handles be closed.
var small = segment.Options{BufferSize: 16 << 10, SegmentSize: 128 << 10, MaxOpen: 2}

func TestDefaults(t *testing.T) { bodytest.Run(t, opener(segment.Options{})) }

func TestSmallSegments(t *testing.T) { bodytest.Run(t, opener(small)) }

var seeds = flag.Int("seeds", 60, "random histories that end in crashes")

func TestFaults(t *testing.T) { bodytest.Faults(t, opener(segment.Options{}), *seeds) }

func TestFaultsSmallSegments(t *testing.T) { bodytest.Faults(t, opener(small), *seeds) }
