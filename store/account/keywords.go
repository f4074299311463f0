package account

import (
	"fmt"
	"slices"
	"strings"
)

// maxKeyword is the longest keyword, in bytes.
const maxKeyword = 250

// Reserved are the keywords that every mailbox can hold, however many others it
// has had: a message must not lose them when it is copied (RFC 5550 §5.9,
// §5.10). They take a place in a mailbox's table when they first come, as all
// do; until then the place is kept free for them.
//
// Places are never given back. That no message has a keyword any more only a
// look at every entry would tell, and one that was expunged may still be read by
// a session not yet told, or in another's hands, with the bit that would mean
// something else by then.
var Reserved = []string{"$Forwarded", "$SubmitPending", "$Submitted"}

// FreeKeywords is how many keywords, besides those of Reserved, a table can
// still take in.
func FreeKeywords(table []string) int {
	return max(MaxKeywords-len(table)-len(Missing(table)), 0)
}

// Missing are those of Reserved that have no place in a table yet, and can have
// one.
func Missing(table []string) (names []string) {
	for _, name := range Reserved {
		if indexOf(table, name) < 0 && len(table)+len(names) < MaxKeywords {
			names = append(names, name)
		}
	}
	return names
}

// indexOf finds a keyword without regard to ASCII case (RFC 9051 §2.3.2); -1 if
// it is not there.
func indexOf(table []string, name string) int {
	return slices.IndexFunc(table, func(s string) bool { return strings.EqualFold(s, name) })
}

// resolve gives the indices of keywords in a mailbox's table, which it extends
// by those it lacks; the table given is not changed. Kind: Limit.
func resolve(table []string, names []string) (k Keywords, extended []string, err error) {
	for _, name := range names {
		i := indexOf(table, name)
		if i < 0 {
			if FreeKeywords(table) == 0 && indexOf(Missing(table), name) < 0 {
				return k, nil, refuse(Limit, fmt.Sprintf("a mailbox has at most %d different keywords", MaxKeywords-len(Reserved)))
			}
			if name == "" || len(name) > maxKeyword {
				return k, nil, refuse(Limit, fmt.Sprintf("keywords have 1 to %d bytes", maxKeyword))
			}
			i = len(table)
			table = append(slices.Clip(table), name)
		}
		k = k.With(i)
	}
	return k, table, nil
}

// fit is resolve for messages that must not be lost for want of a keyword: what
// finds no room is left out.
func fit(table []string, names []string) (k Keywords, extended []string) {
	for _, name := range names {
		if one, more, err := resolve(table, []string{name}); err == nil {
			k, table = k.Union(one), more
		}
	}
	return k, table
}

// known gives the indices of those keywords that the table has.
func known(table []string, names []string) (k Keywords) {
	for _, name := range names {
		if i := indexOf(table, name); i >= 0 {
			k = k.With(i)
		}
	}
	return k
}

// resolveAll is resolve for the items of an APPEND, and fit for those that an
// import or another account brings.
func resolveAll(table []string, items []AppendItem) ([]Keywords, []string, error) {
	all := make([]Keywords, len(items))
	for i := range items {
		if len(items[i].Keywords) == 0 {
			continue
		}
		if items[i].Import != (ImportKey{}) || items[i].Incoming.kept != nil {
			all[i], table = fit(table, items[i].Keywords)
			continue
		}
		var err error
		if all[i], table, err = resolve(table, items[i].Keywords); err != nil {
			return nil, nil, err
		}
	}
	return all, table, nil
}
