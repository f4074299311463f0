package bench

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"
)

func TestMessagesAreSound(t *testing.T) {
	for _, kind := range []string{"small", "mix", "5000", "40000", "300000"} {
		p, err := newPool(kind, 1)
		if err != nil {
			t.Fatal(err)
		}
		ids, rare, tenth := map[string]bool{}, map[string]bool{}, 0
		for range 2 * poolSize {
			text := p.next(nil)
			if bytes.Contains(text, []byte("\n.")) || !bytes.HasSuffix(text, []byte("\r\n")) {
				t.Fatalf("%s: a line begins with a dot, or the last does not end", kind)
			}
			if bytes.Count(text, []byte("\n")) != bytes.Count(text, []byte("\r\n")) {
				t.Fatalf("%s: a bare line feed", kind)
			}
			m, err := mail.ReadMessage(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Header.Date(); err != nil {
				t.Error(err)
			}
			if id := m.Header.Get("Message-Id"); ids[id] || id == "" {
				t.Fatalf("%s: Message-ID %q a second time", kind, id)
			} else {
				ids[id] = true
			}
			_, after, _ := strings.Cut(string(text), "Our reference: ")
			rare[after[:8]] = true
			if strings.Contains(after, tenthWord) {
				tenth++
			}
		}
		if len(rare) != 2*poolSize || !rare[rareWord(7)] || tenth != 2*poolSize/10 {
			t.Errorf("%s: %d different words, a word in a tenth is in %d", kind, len(rare), tenth)
		}
	}
}

func TestMessagesHaveTheirSizes(t *testing.T) {
	p, err := newPool("mix", 1)
	if err != nil {
		t.Fatal(err)
	}
	var small, middle, large, sum int
	for range poolSize {
		n := len(p.next(nil))
		sum += n
		switch {
		case n < 11<<10:
			small++
		case n < 101<<10:
			middle++
		case n > 1<<20-200 && n < 3<<20+200:
			large++
		}
	}
	if small != poolSize*70/100 || middle != poolSize*25/100 || large != poolSize*5/100 {
		t.Errorf("%d small, %d middle, %d large of %d", small, middle, large, poolSize)
	}
	if mean := sum / poolSize; mean < 90<<10 || mean > 170<<10 {
		t.Errorf("mean of %d bytes", mean)
	}
	for _, bad := range []string{"", "10", "-1", "large"} {
		if _, err := newPool(bad, 1); err == nil || !strings.Contains(err.Error(), "--size") {
			t.Errorf("size %q: %v", bad, err)
		}
	}
}

func TestMessagesDependOnTheSeed(t *testing.T) {
	first := func(seed uint64) []byte {
		p, err := newPool("mix", seed)
		if err != nil {
			t.Fatal(err)
		}
		return p.next(nil)
	}
	if !bytes.Equal(first(7), first(7)) {
		t.Error("two pools of one seed differ")
	}
	if bytes.Equal(first(7), first(8)) {
		t.Error("pools of two seeds do not differ")
	}
}
