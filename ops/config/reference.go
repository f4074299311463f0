package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Reference is docs/configuration.md: every key, its default and its meaning,
// read off the struct, so that it cannot say anything else than the program.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\nGenerated from ops/config by `go test ./ops/config -update`; do not edit.\n\n" +
		"`citron serve --config citron.toml` reads one TOML file. An empty file, or none, is a working\n" +
		"configuration: every key has a default. An unknown key is an error. Sizes are written\n" +
		"`4KiB`, `128MiB`; durations `90s`, `30m`, `48h`.\n")
	writeTable(&b, "", reflect.ValueOf(*Default()))
	return b.String()
}

func writeTable(b *strings.Builder, path string, v reflect.Value) {
	var rows []string
	type section struct {
		head, path, help string
		value            reflect.Value
	}
	var sections []section
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, help := f.Tag.Get("toml"), f.Tag.Get("help")
		if f.Type.Kind() == reflect.Struct {
			sections = append(sections, section{"[" + path + name + "]", path + name, help, v.Field(i)})
			continue
		}
		if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
			sections = append(sections, section{"[[" + path + name + "]]", path + name, help, reflect.Zero(f.Type.Elem())})
			continue
		}
		rows = append(rows, fmt.Sprintf("| `%s` | `%s` | %s |\n", name, literal(v.Field(i)), help))
	}
	if len(rows) > 0 {
		b.WriteString("\n| key | default | meaning |\n|---|---|---|\n" + strings.Join(rows, ""))
	}
	for _, s := range sections {
		fmt.Fprintf(b, "\n## %s\n%s\n", s.head, s.help)
		writeTable(b, s.path+".", s.value)
	}
}

// literal is the default as one writes it in TOML.
func literal(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case fmt.Stringer:
		return fmt.Sprintf("%q", x.String())
	case string:
		return fmt.Sprintf("%q", x)
	case []string, []Duration:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = literal(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]string:
		return "{}" // no default has any
	default:
		return fmt.Sprint(x)
	}
}
