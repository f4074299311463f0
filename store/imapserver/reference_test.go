package imapserver

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"citron/wire/imap"
)

var updateReference = flag.Bool("update", false, "write docs/capabilities.md")

// docs/capabilities.md is derived from the registry, and from the dialogues
// that name an extension's RFC: it cannot say anything else than the program.
func TestCapabilitiesReference(t *testing.T) {
	const name = "../../docs/capabilities.md"
	want := capabilitiesReference(t)
	if *updateReference {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/capabilities.md is out of date: go test ./store/imapserver -update")
	}
}

// Every extension that is announced has a dialogue that names its RFC.
func TestEveryExtensionHasADialogue(t *testing.T) {
	dialogues := dialoguesByRFC(t)
	for _, e := range imap.Extensions() {
		if e.States != 0 && len(dialogues[e.RFC]) == 0 {
			t.Errorf("%s: no dialogue in testdata names RFC %d", e.Token, e.RFC)
		}
	}
}

func capabilitiesReference(t *testing.T) string {
	dialogues := dialoguesByRFC(t)
	var b strings.Builder
	b.WriteString("# Capabilities\n\nGenerated from the registry in wire/imap by `go test ./store/imapserver -update`; do not edit.\n\n" +
		"What the server announces, and the dialogues in store/imapserver/testdata that name the RFC.\n\n" +
		"| capability | RFC | announced | commands | response codes | implies | dialogues |\n|---|---|---|---|---|---|---|\n")
	for _, e := range imap.Extensions() {
		fmt.Fprintf(&b, "| %s | [%d](https://www.rfc-editor.org/rfc/rfc%d) | %s | %s | %s | %s | %s |\n",
			e.Token, e.RFC, e.RFC, announced(e.States), strings.Join(e.Commands, ", "),
			strings.Join(e.Codes, ", "), strings.Join(e.Implies, ", "), strings.Join(dialogues[e.RFC], ", "))
	}
	return b.String()
}

func announced(s imap.State) string {
	switch {
	case s&imap.NotAuthenticated == 0:
		return "after login"
	case s&imap.Authenticated == 0:
		return "before login"
	}
	return "always"
}

var namesRFC = regexp.MustCompile(`RFC ?(\d{4})`)

// dialoguesByRFC lists, for each RFC, the dialogues that name it, without
// their extension.
func dialoguesByRFC(t *testing.T) map[int][]string {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	by := map[int][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int]bool{}
		for _, m := range namesRFC.FindAllStringSubmatch(string(text), -1) {
			var rfc int
			fmt.Sscan(m[1], &rfc)
			if !seen[rfc] {
				seen[rfc] = true
				by[rfc] = append(by[rfc], strings.TrimSuffix(filepath.Base(file), ".txtar"))
			}
		}
	}
	return by
}
