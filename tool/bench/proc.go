package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// server says which processes a target consists of.
type server struct {
	kind string // "none", "pid", "pidfile", "proc", "cgroup"
	arg  string
}

// parseServer reads a --server.
func parseServer(spec string) (server, error) {
	kind, arg, _ := strings.Cut(spec, ":")
	switch {
	case kind == "none" && arg == "":
		return server{kind: kind}, nil
	case arg == "":
	case kind == "pid":
		if _, err := strconv.Atoi(arg); err != nil {
			return server{}, fmt.Errorf("--server %s: %w", spec, err)
		}
		return server{kind, arg}, nil
	case kind == "pidfile" || kind == "proc" || kind == "cgroup":
		return server{kind, arg}, nil
	}
	return server{}, fmt.Errorf("--server %s: give pid:N, pidfile:PATH, proc:TEXT, cgroup:PATH or none", spec)
}

// usage is what the processes of a server took so far.
type usage struct {
	known   bool
	cpu     time.Duration
	written uint64 // bytes caused to be written to storage
}

func (u usage) since(before usage) usage {
	return usage{known: u.known && before.known, cpu: u.cpu - before.cpu, written: u.written - before.written}
}

// process is a line of the process table. Its figures include those of its
// children that have ended and were waited for, so that the sum over a tree
// loses nothing when a worker ends.
type process struct {
	pid, parent int
	cpu         time.Duration
}

// usage sums over the server's processes; not known for kind none.
func (s server) usage() (usage, error) {
	if s.kind == "none" {
		return usage{}, nil
	}
	pids, err := s.processes()
	if err != nil {
		return usage{}, err
	}
	u := usage{known: true}
	for _, p := range pids {
		u.cpu += p.cpu
		u.written += written(p.pid)
	}
	return u, nil
}

// pss is the proportional share of memory of all processes, in bytes.
func (s server) pss() (uint64, error) {
	pids, err := s.processes()
	if err != nil {
		return 0, err
	}
	sum := uint64(0)
	for _, p := range pids {
		sum += field(fmt.Sprintf("/proc/%d/smaps_rollup", p.pid), "Pss:") << 10
	}
	return sum, nil
}

// processes lists the server's processes.
func (s server) processes() ([]process, error) {
	all, err := processTable()
	if err != nil {
		return nil, err
	}
	roots, err := s.roots(all)
	if err != nil {
		return nil, err
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("--server %s:%s: no such process", s.kind, s.arg)
	}
	var out []process
	for _, p := range all {
		if descends(all, p, roots) {
			out = append(out, p)
		}
	}
	return out, nil
}

// roots gives the processes named by the spec itself.
func (s server) roots(all map[int]process) (map[int]bool, error) {
	roots := map[int]bool{}
	add := func(text []byte) error {
		for _, word := range bytes.Fields(text) {
			pid, err := strconv.Atoi(string(word))
			if err != nil {
				return fmt.Errorf("--server %s:%s: %w", s.kind, s.arg, err)
			}
			if _, running := all[pid]; running {
				roots[pid] = true
			}
		}
		return nil
	}
	switch s.kind {
	case "pid":
		return roots, add([]byte(s.arg))
	case "pidfile", "cgroup":
		file := s.arg
		if s.kind == "cgroup" {
			file = filepath.Join(s.arg, "cgroup.procs")
		}
		text, err := os.ReadFile(file)
		return roots, errors.Join(err, add(text))
	case "proc":
		for pid := range all {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			line = bytes.ReplaceAll(line, []byte{0}, []byte{' '})
			if pid != os.Getpid() && bytes.Contains(line, []byte(s.arg)) {
				roots[pid] = true
			}
		}
	}
	return roots, nil
}

func descends(all map[int]process, p process, roots map[int]bool) bool {
	for range len(all) { // a table read while it changes may hold a cycle
		if roots[p.pid] {
			return true
		}
		parent, ok := all[p.parent]
		if !ok {
			return false
		}
		p = parent
	}
	return false
}

// clockTick is the unit of /proc/PID/stat, the same on all Linux machines that
// Go runs on.
const clockTick = 10 * time.Millisecond

// processTable reads all processes.
func processTable() (map[int]process, error) {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(names) == 0 {
		return nil, errors.New("no /proc to read the server's usage from; leave --server away")
	}
	all := make(map[int]process, len(names))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it ended meanwhile
		}
		if p, ok := parseStat(string(text)); ok {
			all[p.pid] = p
		}
	}
	return all, nil
}

// parseStat reads one /proc/PID/stat (proc_pid_stat(5)).
func parseStat(text string) (p process, ok bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return p, false
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 15 {
		return p, false
	}
	p.pid, _ = strconv.Atoi(strings.TrimSpace(text[:open]))
	p.parent, _ = strconv.Atoi(fields[1])
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		ticks, _ := strconv.ParseInt(f, 10, 64)
		p.cpu += time.Duration(ticks) * clockTick
	}
	return p, p.pid > 0
}

// written is write_bytes, which the kernel adds up for ended children as well.
func written(pid int) uint64 { return field(fmt.Sprintf("/proc/%d/io", pid), "write_bytes:") }

// field reads the number behind a name in a file of lines; 0 if it is gone.
func field(file, name string) uint64 {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}
