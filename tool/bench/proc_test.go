package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	// A name with spaces and brackets is what breaks a careless reader.
	p, ok := parseStat("4242 (imap) a (b) S 17 4242 4242 0 -1 4194560 1 2 3 4 100 20 3 7 20 0 1 0 99 1 1")
	if want := (process{pid: 4242, parent: 17, cpu: 1300 * time.Millisecond}); !ok || p != want {
		t.Errorf("got %+v, %v, want %+v", p, ok, want)
	}
	for _, bad := range []string{"", "1 (x", "x (y) S 1", ") ("} {
		if _, ok := parseStat(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestDescends(t *testing.T) {
	all := map[int]process{1: {pid: 1}, 2: {pid: 2, parent: 1}, 3: {pid: 3, parent: 2}, 4: {pid: 4, parent: 1}, 5: {pid: 5, parent: 5}}
	roots := map[int]bool{2: true}
	for pid, want := range map[int]bool{1: false, 2: true, 3: true, 4: false, 5: false} {
		if got := descends(all, all[pid], roots); got != want {
			t.Errorf("process %d: %v", pid, got)
		}
	}
}

func TestParseServer(t *testing.T) {
	for _, good := range []string{"none", "pid:1", "pidfile:/run/x.pid", "proc:dovecot", "cgroup:/sys/fs/cgroup/x"} {
		if _, err := parseServer(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "pid", "pid:", "pid:x", "user:7", "none:1"} {
		if _, err := parseServer(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// The work of a child, ended or not, is found in the tree's sum.
func TestUsageOfATree(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	file := filepath.Join(t.TempDir(), "pid")
	// The shell runs a child that takes CPU and ends, then waits for its input.
	child := exec.Command("/bin/sh", "-c", `sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; echo done; read line`)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = child.Wait() }()
	if err := os.WriteFile(file, fmt.Appendf(nil, "%d\n", child.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	u, err := server{kind: "pidfile", arg: file}.usage()
	if err != nil || !u.known || u.cpu < clockTick {
		t.Errorf("usage %+v, %v", u, err)
	}
	if pss, err := (server{kind: "pidfile", arg: file}).pss(); err != nil || pss == 0 {
		t.Errorf("PSS %d, %v", pss, err)
	}
	if _, err := (server{kind: "pid", arg: "999999999"}).usage(); err == nil {
		t.Error("a process that is not there has a usage")
	}
}
