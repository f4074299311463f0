package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// column is one figure of a table.
type column struct {
	head  string
	value func(sample) float64 // median is taken over the samples
	form  string
	// ratio: a second column says how many times better than the base it is:
	// +1 when more is better, -1 when less is.
	ratio int
	needs func(sample) bool // shown if any sample has it
}

func always(sample) bool { return true }

// columns of a workload; per operation named by its unit.
func columns(w workload) []column {
	unit, byRate, byLatency := w.unit, +1, 0
	if w.byLatency {
		byRate, byLatency = 0, -1
	}
	perOp := func(pick func(sample) float64) func(sample) float64 {
		return func(s sample) float64 { return pick(s) / float64(max(s.ops, 1)) }
	}
	serverCPU := func(s sample) float64 { return s.server.cpu.Seconds() }
	clientCPU := func(s sample) float64 { return s.client.Seconds() }
	measured := func(s sample) bool { return s.server.known }
	return []column{
		{unit + "/s", func(s sample) float64 { return float64(s.ops) / s.wall.Seconds() }, "%.0f", byRate, always},
		{"MB/s", func(s sample) float64 { return float64(s.bytes) / 1e6 / s.wall.Seconds() }, "%.1f", 0, func(s sample) bool { return s.bytes > 0 }},
		{"median ms", func(s sample) float64 { return 1e3 * percentile(s.latency, 0.5) }, "%.2f", byLatency, func(s sample) bool { return len(s.latency) > 0 }},
		{"99% ms", func(s sample) float64 { return 1e3 * percentile(s.latency, 0.99) }, "%.2f", 0, func(s sample) bool { return len(s.latency) > 0 }},
		{"server CPU µs/" + unit, perOp(func(s sample) float64 { return 1e6 * serverCPU(s) }), "%.1f", -1, measured},
		{"client CPU µs/" + unit, perOp(func(s sample) float64 { return 1e6 * clientCPU(s) }), "%.1f", 0, always},
		{"client's share %", func(s sample) float64 { return 100 * clientCPU(s) / (clientCPU(s) + serverCPU(s)) }, "%.0f", 0, measured},
		{"written B/" + unit, perOp(func(s sample) float64 { return float64(s.server.written) }), "%.0f", 0, measured},
	}
}

// print writes the table of one workload.
func (r results) print(w io.Writer, all []*target, base *target) error {
	if _, err := fmt.Fprintf(w, "%s; medians of %d\n", r.workload.title, len(r.samples[base])); err != nil {
		return err
	}
	table := newTable(w)
	var chosen []column
	head := []string{""}
	for _, c := range columns(r.workload) {
		if !r.any(c.needs) {
			continue
		}
		chosen = append(chosen, c)
		head = append(head, c.head)
		if c.ratio != 0 {
			head = append(head, "times "+base.name)
		}
	}
	table.row(head)
	for _, t := range all {
		table.row(r.row(t, base, chosen))
	}
	return table.flush()
}

func (r results) any(has func(sample) bool) bool {
	for _, samples := range r.samples {
		if slices.ContainsFunc(samples, has) {
			return true
		}
	}
	return false
}

// row gives one target's figures.
func (r results) row(t, base *target, chosen []column) []string {
	row := []string{t.name}
	for _, c := range chosen {
		if !slices.ContainsFunc(r.samples[t], c.needs) {
			row = append(row, "-")
			if c.ratio != 0 {
				row = append(row, "-")
			}
			continue
		}
		value := median(r.samples[t], c.value)
		row = append(row, fmt.Sprintf(c.form, value))
		if c.ratio != 0 {
			row = append(row, times(value, median(r.samples[base], c.value), c.ratio))
		}
	}
	return row
}

// times says how many times better a value is than the base's.
func times(value, base float64, direction int) string {
	ratio := value / base
	if direction < 0 {
		ratio = base / value
	}
	if math.IsNaN(ratio) || math.IsInf(ratio, 0) {
		return "-"
	}
	return fmt.Sprintf("%.2f", ratio)
}

// table aligns columns.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer) table {
	return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)}
}

func (t table) row(cells []string) {
	fmt.Fprintln(t.w, strings.Join(cells, "\t")+"\t") // errors come at flush
}

func (t table) flush() error {
	fmt.Fprintln(t.w)
	return t.w.Flush()
}
