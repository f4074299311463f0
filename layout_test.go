// Package citron_test holds the rules of the layout: arrows of import point
// downward only, and a binary's secrets decide what it may link.
package citron_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rule: packages under from may import, of this module, only what is under to.
type rule struct {
	from string
	to   []string
	why  string
}

// The first rule whose from matches holds. Every package has one.
var rules = []rule{
	{"cmd", []string{""}, "cmd does the wiring and alone names concrete engines"},
	{"wire", []string{"wire"}, "wire packages are pure syntax"},
	{"mail", []string{"mail", "wire"}, "the domain knows no engine and no socket"},
	{"engine", []string{"engine"}, "an engine knows only its driver and the vfs"},
	{"ops", []string{"ops"}, "operations serve every role and know none"},
	{"auth", []string{"auth", "engine", "mail", "wire", "ops"}, "auth holds verifiers, never mail"},
	{"store/imapserver", []string{"store", "auth!", "mail", "wire", "ops"}, "sessions meet storage only through the account"},
	{"store", []string{"store", "engine", "mail", "wire", "ops"}, "the store never holds passwords"},
	{"delivery", []string{"delivery", "store!", "auth!", "mail", "wire", "ops"}, "delivery meets the store by its vocabulary only"},
	{"submission", []string{"submission", "store!", "auth!", "engine", "mail", "wire", "ops"}, "submission meets the store and auth by their vocabulary only"},
	{"admin", []string{"admin", "store", "submission", "auth", "engine", "mail", "wire", "ops"}, "admin serves the commands"},
	{"tool", []string{"tool", "wire", "mail", "ops"}, "tools speak the protocols like strangers"},
}

// Engines and other concrete parts that only cmd and tests may name.
var concrete = []string{"engine/kv/pebblekv", "engine/kv/memkv", "engine/body/segment", "engine/vfs/osfs", "engine/vfs/crashfs"}

func TestImportsPointDownward(t *testing.T) {
	for file, imports := range goFiles(t) {
		pkg := path.Dir(file)
		if pkg == "." || strings.HasSuffix(file, "_test.go") {
			continue
		}
		r, ok := ruleFor(pkg)
		if !ok {
			t.Errorf("%s: no rule for this package in layout_test.go", pkg)
			continue
		}
		for _, imported := range imports {
			if !r.allows(imported) {
				t.Errorf("%s imports citron/%s: %s", file, imported, r.why)
			}
			if !strings.HasPrefix(pkg, "cmd/") && !testSuite(pkg) && names(concrete, imported) && !under(pkg, imported) {
				t.Errorf("%s names citron/%s: cmd alone names concrete engines", file, imported)
			}
		}
	}
}

// The wire packages import the standard library, x/text and the codec they
// wrap, nothing else.
func TestWireIsPure(t *testing.T) {
	allowed := []string{"golang.org/x/text", "github.com/xdg-go/scram", "github.com/klauspost/compress/flate", "citron/wire"}
	for file, imports := range parse(t, "wire") {
		for _, imported := range imports {
			dotted := strings.Contains(strings.SplitN(imported, "/", 2)[0], ".")
			if (dotted || strings.HasPrefix(imported, "citron/")) && !names(allowed, imported) {
				t.Errorf("%s imports %s", file, imported)
			}
		}
	}
}

func (r rule) allows(imported string) bool {
	for _, to := range r.to {
		if exact, ok := strings.CutSuffix(to, "!"); ok {
			if imported == exact {
				return true
			}
		} else if to == "" || under(imported, to) {
			return true
		}
	}
	return false
}

func ruleFor(pkg string) (rule, bool) {
	for _, r := range rules {
		if under(pkg, r.from) {
			return r, true
		}
	}
	return rule{}, false
}

func under(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

func names(list []string, name string) bool {
	for _, l := range list {
		if under(name, l) {
			return true
		}
	}
	return false
}

// testSuite packages (kvtest, bodytest, …) are imported by tests only.
func testSuite(pkg string) bool { return strings.HasSuffix(pkg, "test") }

// goFiles maps each Go file to what it imports of this module.
func goFiles(t *testing.T) map[string][]string {
	files := map[string][]string{}
	for file, imports := range parse(t, ".") {
		files[file] = nil
		for _, imported := range imports {
			if own, ok := strings.CutPrefix(imported, "citron/"); ok {
				files[file] = append(files[file], own)
			}
		}
	}
	return files
}

func parse(t *testing.T, root string) map[string][]string {
	files := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		if strings.HasSuffix(name, "_test.go") && root != "." {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		slash := filepath.ToSlash(name)
		files[slash] = []string{}
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			files[slash] = append(files[slash], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
