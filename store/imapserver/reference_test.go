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
	dialogues := dialoguesByRFC(t, "testdata")
	for _, e := range imap.Extensions() {
		if e.States != 0 && len(dialogues[e.RFC]) == 0 {
			t.Errorf("%s: no dialogue in testdata names RFC %d", e.Token, e.RFC)
		}
	}
}

func capabilitiesReference(t *testing.T) string {
	dialogues := dialoguesByRFC(t, "testdata")
	var b strings.Builder
	b.WriteString("# Capabilities\n\nGenerated from the registries in wire/imap and submission/session by `go test ./store/imapserver -update`; do not edit.\n\n" +
		"[musts.md](musts.md) lists the tests for each section of an RFC that says MUST, [examples.md](examples.md) what became of the RFCs' example dialogues.\n\n")
	b.WriteString(profileReference(t))
	b.WriteString("\n## All that is announced\n\nWith the dialogues in store/imapserver/testdata that name the RFC.\n\n" +
		"| capability | RFC | announced | commands | response codes | implies | dialogues |\n|---|---|---|---|---|---|---|\n")
	for _, e := range imap.Extensions() {
		fmt.Fprintf(&b, "| %s | [%d](https://www.rfc-editor.org/rfc/rfc%d) | %s | %s | %s | %s | %s |\n",
			e.Token, e.RFC, e.RFC, announced(e.States), strings.Join(e.Commands, ", "),
			strings.Join(e.Codes, ", "), strings.Join(e.Implies, ", "), strings.Join(dialogues[e.RFC], ", "))
	}
	b.WriteString(submissionReference(t))
	return b.String()
}

// profile are the rows of RFC 5550 §3.2 and the RFC of each; a keyword's
// dialogues are those that name it.
var profile = []struct {
	name string
	rfc  int
}{
	{"BINARY", 3516}, {"CATENATE", 4469}, {"COMPRESS=DEFLATE", 4978}, {"CONDSTORE", 7162},
	{"CONTEXT=SEARCH", 5267}, {"CONTEXT=SORT", 5267}, {"CONVERT", 5259}, {"ENABLE", 5161},
	{"ESEARCH", 4731}, {"ESORT", 5267}, {"I18NLEVEL=1", 5255}, {"IDLE", 2177}, {"LITERAL+", 7888},
	{"NAMESPACE", 2342}, {"NOTIFY", 5465}, {"QRESYNC", 7162}, {"SASL-IR", 4959}, {"SORT", 5256},
	{"STARTTLS", 3501}, {"UIDPLUS", 4315}, {"URLAUTH", 4467}, {"URL-PARTIAL", 5550},
	{"$Forwarded", 0}, {"$SubmitPending", 0}, {"$Submitted", 0},
}

func profileReference(t *testing.T) string {
	there := map[string]bool{}
	for _, e := range imap.Extensions() {
		there[e.Token] = e.States != 0
	}
	dialogues := dialoguesByRFC(t, "testdata")
	var b strings.Builder
	b.WriteString("## The Lemonade message store (RFC 5550 §3.2)\n\n| extension or keyword | RFC | there | dialogues |\n|---|---|---|---|\n")
	for _, row := range profile {
		rfc, said, by := fmt.Sprint(row.rfc), "not yet", dialogues[row.rfc]
		if row.rfc == 0 {
			rfc, by = "5550", dialoguesWith(t, "testdata", row.name)
		}
		if there[row.name] || row.rfc == 0 && len(by) > 0 {
			said = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.name, rfc, said, strings.Join(by, ", "))
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

// dialoguesWith lists the dialogues with a text, without their extension.
func dialoguesWith(t *testing.T, dir, text string) (names []string) {
	files, err := filepath.Glob(dir + "/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), text) {
			names = append(names, strings.TrimSuffix(filepath.Base(file), ".txtar"))
		}
	}
	return names
}

// dialoguesByRFC lists, for each RFC, the dialogues that name it, without
// their extension.
func dialoguesByRFC(t *testing.T, dir string) map[int][]string {
	files, err := filepath.Glob(dir + "/*.txtar")
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
