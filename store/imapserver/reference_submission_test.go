package imapserver

import (
	"fmt"
	"strings"
	"testing"

	"citron/submission/session"
)

// submissionDialogues are those of the submission server, whose part of
// docs/capabilities.md is made here, too.
const submissionDialogues = "../../submission/session/testdata"

// submissionProfile are the rows of RFC 5550 §3.1.
var submissionProfile = []struct{ name, keyword string }{
	{"8BITMIME", "8BITMIME"}, {"AUTH", "AUTH"}, {"BINARYMIME", "BINARYMIME"}, {"BURL imap", "BURL"},
	{"CHUNKING", "CHUNKING"}, {"DSN", "DSN"}, {"ENHANCEDSTATUSCODES", "ENHANCEDSTATUSCODES"},
	{"PIPELINING", "PIPELINING"}, {"SIZE", "SIZE"}, {"STARTTLS", "STARTTLS"},
}

func submissionReference(t *testing.T) string {
	dialogues := dialoguesByRFC(t, submissionDialogues)
	there := map[string]session.Extension{}
	for _, e := range session.Reference() {
		there[e.Keyword] = e
	}
	var b strings.Builder
	b.WriteString("\n## The Lemonade submission server (RFC 5550 §3.1)\n\n" +
		"With the dialogues in submission/session/testdata that name the RFC.\n\n| extension | RFC | there | dialogues |\n|---|---|---|---|\n")
	for _, row := range submissionProfile {
		e, ok := there[row.keyword]
		said := map[bool]string{true: "yes", false: "not yet"}[ok]
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.name, rfcLink(e.RFC), said, strings.Join(dialogues[rfcNumber(e.RFC)], ", "))
	}
	b.WriteString("\n`BURL imap://server` (RFC 4468 §3.3) is not offered: for plain URLs submission would need a password that opens " +
		"every mailbox, which RFC 4468 §8 strongly discourages. So there is not the configuration either that §3.3 says must be " +
		"there for it, PLAIN with the user's authorization identity. URLs come with the authorization of URLAUTH: submission " +
		"fetches them as itself, within the process or, elsewhere, by its certificate (SASL EXTERNAL) from Citron, by STARTTLS and PLAIN from other stores.\n\n" +
		"## All that submission announces\n\n| keyword | RFC | what | MAIL | RCPT | dialogues |\n|---|---|---|---|---|---|\n")
	for _, e := range session.Reference() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", e.Keyword, rfcLink(e.RFC), e.What,
			strings.Join(e.Mail, ", "), strings.Join(e.Rcpt, ", "), strings.Join(submissionTests(t, dialogues, e), ", "))
	}
	return b.String()
}

// submissionTests are the dialogues of an extension, by its RFC or, for one of
// our own, its document.
func submissionTests(t *testing.T, dialogues map[int][]string, e session.Extension) []string {
	if n := rfcNumber(e.RFC); n != 0 {
		return dialogues[n]
	}
	return dialoguesWith(t, submissionDialogues, e.RFC)
}

// rfcNumber is 0 for what is no RFC.
func rfcNumber(name string) (n int) {
	fmt.Sscanf(name, "RFC %d", &n)
	return n
}

func rfcLink(name string) string {
	if n := rfcNumber(name); n != 0 {
		return fmt.Sprintf("[%d](https://www.rfc-editor.org/rfc/rfc%d)", n, n)
	}
	return fmt.Sprintf("[%s](%s)", strings.TrimPrefix(name, "docs/"), strings.TrimPrefix(name, "docs/"))
}

// Every extension that submission announces has a dialogue.
func TestEverySubmissionExtensionHasADialogue(t *testing.T) {
	dialogues := dialoguesByRFC(t, submissionDialogues)
	for _, e := range session.Reference() {
		if len(submissionTests(t, dialogues, e)) == 0 {
			t.Errorf("%s: no dialogue names %s", e.Keyword, e.RFC)
		}
	}
}
