package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"citron/mail/message/messagetest"
)

// TestReference compares the offsets of parts with what another parser made of
// the corpus's mail-parser messages. It differs where it does not follow RFC
// 2046: those are listed.
func TestReference(t *testing.T) {
	differs := map[string]string{
		"thirdparty/005": "a delimiter in the middle of a line is none",
		"thirdparty/015": "an outer delimiter ends an unfinished inner multipart (§5.1.2)",
	}
	root := "mail-parser/resources/eml/"
	compared := 0
	for name, raw := range messagetest.Corpus(t) {
		id, isEml := strings.CutSuffix(strings.TrimPrefix(name, root), ".eml")
		if !isEml || strings.HasPrefix(id, "malformed/") || differs[id] != "" || !strings.HasPrefix(name, root) {
			continue
		}
		lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		for ext, b := range map[string][]byte{".json": lf, ".crlf.json": toCRLF(lf)} {
			want, ok := referenceParts(t, id+ext)
			if !ok {
				continue
			}
			compared++
			if got := partOffsets(parse(b).Tree()); got != want {
				t.Errorf("%s%s:\n got %s\nwant %s", id, ext, got, want)
			}
		}
	}
	t.Logf("compared %d", compared)
	if compared < 30 {
		t.Errorf("only %d compared", compared)
	}
}

// referenceParts gives the offsets from a reference file as text.
func referenceParts(t *testing.T, name string) (string, bool) {
	b, err := os.ReadFile(filepath.Join(messagetest.SharedDir(), "corpus/mail-parser/resources/eml", name))
	if err != nil {
		return "", false
	}
	var ref struct {
		Parts []struct {
			Header int64 `json:"offset_header"`
			Body   int64 `json:"offset_body"`
			End    int64 `json:"offset_end"`
		}
	}
	if err := json.Unmarshal(b, &ref); err != nil {
		t.Fatal(name, err)
	}
	var out []string
	for _, p := range ref.Parts {
		out = append(out, fmt.Sprintf("%d-%d-%d", p.Header, p.Body, p.End))
	}
	return strings.Join(out, " "), true
}

// partOffsets gives the offsets of all parts but those within embedded
// messages, which the references keep apart.
func partOffsets(tree Tree) string {
	var out []string
	inner := make([]bool, len(tree))
	for i, p := range tree {
		if p.Parent >= 0 && (tree[p.Parent].Kind == Embedded || inner[p.Parent]) {
			inner[i] = true
			continue
		}
		out = append(out, fmt.Sprintf("%d-%d-%d", p.Header, p.Body, p.End))
	}
	return strings.Join(out, " ")
}
