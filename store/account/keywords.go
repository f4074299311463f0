package account

import (
	"fmt"
	"slices"
	"strings"
)

// maxKeyword is the longest keyword, in bytes.
const maxKeyword = 250

// resolve gives the indices of keywords in a mailbox's table, which it extends
// by those it lacks; the table given is not changed. Keywords are compared
// without regard to ASCII case (RFC 9051 §2.3.2). Kind: Limit.
func resolve(table []string, names []string) (k Keywords, extended []string, err error) {
	for _, name := range names {
		i := slices.IndexFunc(table, func(s string) bool { return strings.EqualFold(s, name) })
		if i < 0 {
			if len(table) >= MaxKeywords {
				return k, nil, refuse(Limit, fmt.Sprintf("a mailbox has at most %d different keywords", MaxKeywords))
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
		if i := slices.IndexFunc(table, func(s string) bool { return strings.EqualFold(s, name) }); i >= 0 {
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
