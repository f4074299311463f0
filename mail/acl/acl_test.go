package acl

import (
	"strings"
	"testing"
)

// The virtual rights are written wherever a member is, and read as all of
// theirs (RFC 4314 §2.1.1).
func TestVirtualRights(t *testing.T) {
	for given, want := range map[string]string{
		"":              "",
		"lrswida":       "lrswiteda",
		"lrswikda":      "lrswiktecda",
		"lrswicda":      "lrswikxtecda",
		"x":             "xc",
		"e":             "ed",
		"lrswipkxteacd": "lrswipkxtecda",
		"aaallr":        "lra",
	} {
		r, err := Parse(given)
		if err != nil || r.String() != want {
			t.Errorf("%q: %q, %v, want %q", given, r, err, want)
		}
	}
}

// Rights that are not known are an error, never passed over (RFC 4314 §3.1).
func TestUnknownRights(t *testing.T) {
	for _, given := range []string{"lrQswicda", "lrqswicda", "l r", "lr0", "l\x00", "é"} {
		if r, err := ParseChange(given); err == nil {
			t.Errorf("%q was taken for %q", given, r.Rights)
		}
	}
}

// No right is listed twice, and what is required is not optional (RFC 4314
// §3.7).
func TestOptional(t *testing.T) {
	if got := strings.Join(Optional(None), " "); got != "l r s w i p k x t e a c d" {
		t.Error(got)
	}
	if got := strings.Join(Optional(Standing), " "); got != "s w i p k x t e c d" {
		t.Error(got)
	}
}

const owner, fred, chris = 7, 3, 9

func change(t *testing.T, l List, who Who, text string) List {
	t.Helper()
	c, err := ParseChange(text)
	if err != nil {
		t.Fatal(err)
	}
	l = l.With(owner, who, c)
	if !l.Sorted() {
		t.Fatalf("not in order: %v", l)
	}
	return l
}

func wantRights(t *testing.T, l List, who uint64, want string) {
	t.Helper()
	if got := l.Rights(owner, who).String(); got != want {
		t.Errorf("account %d has %q in %v, want %q", who, got, l, want)
	}
}

func TestRightsAreCombined(t *testing.T) {
	var l List
	wantRights(t, l, owner, "lrswipkxtecda")
	wantRights(t, l, fred, "")
	l = change(t, l, Who{Account: fred}, "lrs")
	l = change(t, l, Who{Account: Anyone}, "lw")
	wantRights(t, l, fred, "lrsw")
	wantRights(t, l, chris, "lw")
	// RFC 4314 §2: a negative right takes away what another identifier gave.
	l = change(t, l, Who{Account: fred, Negative: true}, "w")
	wantRights(t, l, fred, "lrs")
	// Deleting fred leaves -fred alone.
	l = l.Without(owner, Who{Account: fred})
	wantRights(t, l, fred, "l")
	l = change(t, l, Who{Account: fred, Negative: true}, "-w")
	wantRights(t, l, fred, "lw")
	l = change(t, l, Who{Account: Anyone}, "")
	if l != nil {
		t.Errorf("%v, want the list of the beginning", l)
	}
}

// The owner cannot lock himself out.
func TestOwnerKeepsStanding(t *testing.T) {
	l := change(t, nil, Who{Account: owner}, "sw")
	wantRights(t, l, owner, "lrswa")
	l = l.Without(owner, Who{Account: owner})
	if l == nil {
		t.Fatal("the empty list is not the one of the beginning")
	}
	wantRights(t, l, owner, "lra")
	l = change(t, l, Who{Account: owner, Negative: true}, "lra")
	wantRights(t, l, owner, "lra")
	l = change(t, l, Who{Account: owner}, "+swipkxte")
	wantRights(t, l, owner, "lrswipkxtecda")
}

func TestShares(t *testing.T) {
	l := change(t, nil, Who{Account: fred}, "l")
	l = change(t, l, Who{Account: chris, Negative: true}, "l")
	l = change(t, l, Who{Account: Anyone}, "l")
	if got := l.Shares(owner); len(got) != 2 || got[0] != fred || got[1] != Anyone {
		t.Error(got)
	}
}
