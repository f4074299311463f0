package bench

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// fixed is a sample of ops in a second that took the server so much CPU.
func fixed(ops int64, cpu time.Duration) sample {
	return sample{work: work{ops: ops}, wall: time.Second, client: time.Second / 10, server: usage{known: true, cpu: cpu}}
}

func TestRatios(t *testing.T) {
	ours, theirs := &target{name: "ours"}, &target{name: "theirs"}
	r := results{workload: workload{title: "work", unit: "msg"}, samples: map[*target][]sample{
		ours:   {fixed(8000, time.Second), fixed(1, time.Hour), fixed(8000, time.Second)},
		theirs: {fixed(1000, time.Second), fixed(1000, time.Second), fixed(1000, time.Second)},
	}}
	var out bytes.Buffer
	if err := r.print(&out, []*target{ours, theirs}, theirs); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if got := strings.Fields(lines[2]); len(got) < 5 || got[0] != "ours" || got[1] != "8000" || got[2] != "8.00" || got[4] != "8.00" {
		t.Errorf("row %q of\n%s", lines[2], out.String())
	}
	if got := strings.Fields(lines[3]); len(got) < 5 || got[2] != "1.00" || got[4] != "1.00" {
		t.Errorf("row %q", lines[3])
	}
}

func TestMiddle(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 5}, 5}} {
		if got := middle(c.values); got != c.want {
			t.Errorf("middle of %v: %v", c.values, got)
		}
	}
}

// Targets take turns, and the first runs are not recorded.
func TestTargetsTakeTurns(t *testing.T) {
	c := &Common{Rounds: 2, Warm: 1}
	a, b := &target{name: "a", server: server{kind: "none"}}, &target{name: "b", server: server{kind: "none"}}
	var order string
	w := workload{run: func(_ context.Context, t *target, _ any) (work, error) {
		order += t.name
		return work{ops: 1}, nil
	}}
	r, err := measure(t.Context(), c, []*target{a, b}, w)
	if err != nil || order != "ababab" || len(r.samples[a]) != 2 || len(r.samples[b]) != 2 {
		t.Errorf("order %q, %d and %d samples, %v", order, len(r.samples[a]), len(r.samples[b]), err)
	}
	broken := errors.New("server gone")
	w.run = func(context.Context, *target, any) (work, error) { return work{}, broken }
	if _, err := measure(t.Context(), c, []*target{a, b}, w); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestTargets(t *testing.T) {
	c := &Common{Addr: []string{"ours=127.0.0.1:1024", "unix:/run/lmtp"}, Server: []string{"none"}, Rounds: 1, Conns: 1}
	all, base, err := c.targets()
	if err != nil || len(all) != 2 || all[0].name != "ours" || all[1].network != "unix" || base != all[1] {
		t.Errorf("%+v, base %+v, %v", all, base, err)
	}
	for _, bad := range []Common{
		{Addr: []string{"nowhere"}, Rounds: 1, Conns: 1},
		{Addr: []string{"a:1"}, Rounds: 1, Conns: 0},
		{Addr: []string{"a:1"}, Rounds: 1, Conns: 1, Base: "b"},
		{Addr: []string{"a:1"}, Rounds: 1, Conns: 1, Cold: true},
		{Addr: []string{"a:1"}, Rounds: 1, Conns: 1, Server: []string{"none", "none"}},
	} {
		if _, _, err := bad.targets(); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestUsers(t *testing.T) {
	c := &Common{Users: "u%d@example.org", Conns: 3}
	if got := c.user(0) + " " + c.user(2) + " " + c.user(3); got != "u1@example.org u3@example.org u1@example.org" {
		t.Error(got)
	}
}
