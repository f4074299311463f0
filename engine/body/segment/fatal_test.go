package segment_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"citron/engine/body"
	"citron/engine/body/segment"
	"citron/engine/vfs"
	"citron/engine/vfs/crashfs"
)

func isSync(op crashfs.Op) bool { return op.Kind == crashfs.Sync }

// put writes a small body.
func put(s *segment.Store) error {
	w, err := s.Create(context.Background(), body.Owner{Account: 1, Object: 1})
	if err != nil {
		return err
	}
	defer w.Done()
	if _, err := w.Write([]byte("Subject: lemons\r\n\r\n")); err != nil {
		return err
	}
	_, err = w.Commit(context.Background())
	return err
}

// TestFatalOnce: Fatal hears of the first sync that failed, with its cause,
// and of no other.
func TestFatalOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		kind crashfs.Kind
		nth  uint64 // call of this kind that fails, in a store with one sealed-to-be segment
	}{
		{"header", crashfs.Sync, 1}, {"name", crashfs.SyncDir, 1}, {"seal", crashfs.Sync, 2}, {"body", crashfs.Sync, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := crashfs.New()
			var heard []error
			s, err := segment.Open(fs, "bodies", segment.Options{
				SegmentSize: 1, // a segment for each body
				Fatal:       func(err error) { heard = append(heard, err) },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := put(s); err != nil {
				t.Fatal(err)
			}
			bad := errors.New("I/O error")
			fs.OnCall(crashfs.FailNth(c.nth, func(op crashfs.Op) bool { return op.Kind == c.kind }, bad))
			for range 3 {
				if err := put(s); !errors.Is(err, body.ErrStopped) || !errors.Is(err, bad) {
					t.Errorf("a commit: %v", err)
				}
			}
			if len(heard) != 1 || !errors.Is(heard[0], bad) {
				t.Errorf("Fatal heard %v", heard)
			}
		})
	}
}

// TestFullIsNotFatal: a sync refused for want of space is temporary.
func TestFullIsNotFatal(t *testing.T) {
	fs := crashfs.New()
	s, err := segment.Open(fs, "bodies", segment.Options{Fatal: func(err error) { t.Error("Fatal heard", err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fs.OnCall(crashfs.FailWhen(isSync, vfs.ErrNoSpace))
	if err := put(s); !errors.Is(err, vfs.ErrNoSpace) {
		t.Errorf("on a full disk: %v", err)
	}
	fs.OnCall(nil)
	if err := put(s); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

// fatalEnv has TestFatalEndsProcess be the process that ends.
const fatalEnv = "CITRON_TEST_FATAL"

// TestFatalEndsProcess: by default a failed sync ends the process with status
// 1 and says why.
func TestFatalEndsProcess(t *testing.T) {
	if os.Getenv(fatalEnv) != "" {
		fs := crashfs.New()
		s, err := segment.Open(fs, "bodies", segment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		fs.OnCall(crashfs.FailWhen(isSync, errors.New("I/O error")))
		_ = put(s)
		os.Exit(0) // it did not end
	}
	c := exec.Command(os.Args[0], "-test.run=^TestFatalEndsProcess$")
	c.Env = append(os.Environ(), fatalEnv+"=1")
	out, err := c.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	if text := string(out); !strings.Contains(text, "restart to recover") || !strings.Contains(text, "I/O error") {
		t.Errorf("said %q", text)
	}
}
