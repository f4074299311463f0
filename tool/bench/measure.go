package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// workload is one row of measurements: what is done to each target.
type workload struct {
	title string
	unit  string // of what ops counts
	// byLatency: servers are compared by the median time of an operation,
	// not by how many a second.
	byLatency bool
	// setup makes ready, unmeasured, before each run; may be nil. What it
	// gives is handed to run.
	setup func(ctx context.Context, t *target) (any, error)
	// run does the work and counts it.
	run func(ctx context.Context, t *target, state any) (work, error)
	// teardown ends what setup began; may be nil.
	teardown func(state any)
}

// work is what one run did.
type work struct {
	ops     int64
	bytes   int64           // of bodies, moved in either direction
	latency []time.Duration // of single operations
}

// sample is one recorded run.
type sample struct {
	work
	wall, client time.Duration
	server       usage
}

// results holds the samples of one workload, by target.
type results struct {
	workload workload
	samples  map[*target][]sample
}

// measure runs a workload on all targets in turn.
func measure(ctx context.Context, c *Common, all []*target, w workload) (results, error) {
	r := results{workload: w, samples: map[*target][]sample{}}
	for round := range c.Warm + c.Rounds {
		for _, t := range all {
			s, err := measureOnce(ctx, c, t, w)
			if err != nil {
				return r, fmt.Errorf("%s: %s: %w", t.name, w.title, err)
			}
			if round >= c.Warm {
				r.samples[t] = append(r.samples[t], s)
			}
		}
	}
	return r, nil
}

func measureOnce(ctx context.Context, c *Common, t *target, w workload) (s sample, err error) {
	if c.Cold {
		if err := t.chill(ctx); err != nil {
			return s, err
		}
	}
	var state any
	if w.setup != nil {
		if state, err = w.setup(ctx, t); err != nil {
			return s, err
		}
	}
	if w.teardown != nil {
		defer w.teardown(state)
	}
	runtime.GC() // the client's garbage of the last run is not this one's
	before, err := t.server.usage()
	if err != nil {
		return s, err
	}
	client, start := clientCPU(), time.Now()
	if s.work, err = w.run(ctx, t, state); err != nil {
		return s, err
	}
	s.wall = time.Since(start)
	s.client = clientCPU() - client
	after, err := t.server.usage()
	s.server = after.since(before)
	return s, err
}

// compare measures workloads one after the other and prints each.
func (c *Common) compare(ctx context.Context, workloads ...workload) error {
	all, base, err := c.targets()
	if err != nil {
		return err
	}
	for _, w := range workloads {
		r, err := measure(ctx, c, all, w)
		if err != nil {
			return err
		}
		if err := r.print(c.output(), all, base); err != nil {
			return err
		}
	}
	return nil
}

// measureWrites is compare for a workload that writes: it adds up, beside, what
// reaches the disk until a rest after the last run.
func (c *Common) measureWrites(ctx context.Context, after time.Duration, make func(add func(*target, int64)) workload) error {
	all, base, err := c.targets()
	if err != nil {
		return err
	}
	l, err := openLedger(all)
	if err != nil {
		return err
	}
	r, err := measure(ctx, c, all, make(l.add))
	if err != nil {
		return err
	}
	if err := r.print(c.output(), all, base); err != nil {
		return err
	}
	return l.close(ctx, c.output(), after)
}

// total adds up the parts of one run.
func total(parts []work) (sum work) {
	for _, p := range parts {
		sum.ops += p.ops
		sum.bytes += p.bytes
		sum.latency = append(sum.latency, p.latency...)
	}
	return sum
}

// each calls fn for 0 to n-1 at once and gives the first error; the context of
// the others is then done.
func each(ctx context.Context, n int, fn func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := fn(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// median of the values that pick gives for each sample.
func median(all []sample, pick func(sample) float64) float64 {
	values := make([]float64, len(all))
	for i, s := range all {
		values[i] = pick(s)
	}
	return middle(values)
}

func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// percentile of latencies, in seconds; 0 without any.
func percentile(latency []time.Duration, p float64) float64 {
	if len(latency) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(latency))
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))].Seconds()
}
