package imapserver

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"citron/store/account"
	"citron/wire/imap"
)

// FILTERS (RFC 5466): searches that are kept under a name, as annotations of the
// server, private to the user or shared by all; FILTER in a search stands for
// what the name means. They are put in before anything else looks at a search.

// Bounds of one search with filters.
const (
	maxFilterPasses = 10   // filters named by filters; RFC 5466 §3.1 asks for 3
	maxFilters      = 100  // different ones
	maxFilterKeys   = 5000 // search keys, of all filters and once they are put in
	maxFilterDepth  = 500  // of keys within keys
)

// filterRoot is what the names of filters' values begin with, after /private or
// /shared.
const filterRoot = "/filters/values/"

// filtering makes a handler of a search command that never sees FILTER.
func filtering[T argument](run func(*Session, *command, T) error) handler {
	return func(s *Session, c *command, arg argument) error {
		a := searchOf(arg)
		if err := s.expandFilters(a); err != nil {
			s.forgetSaved(a, err)
			return err
		}
		return run(s, c, arg.(T))
	}
}

// searchOf is the search in a command.
func searchOf(arg argument) *imap.Search {
	switch a := arg.(type) {
	case *imap.Sort:
		return &a.Search
	case *imap.Thread:
		return &a.Search
	case *imap.MultiSearch:
		return &a.Search
	}
	return arg.(*imap.Search)
}

// filters are the criteria of those that a search names, by name in lower case
// (RFC 5464 §3.2).
type filters struct {
	known map[string]*imap.SearchKey // nil: none, or not one that can be used
	read  int                        // keys of those known
	keys  int                        // put in so far
	path  []string                   // of those being put in, each named by the one before
}

// expandFilters puts criteria in the place of FILTER, as one key each: "verbatim"
// (§3.1) is taken as far as that makes no other search of what stands around.
func (s *Session) expandFilters(a *imap.Search) error {
	if !hasKey(&a.Key, imap.SearchFilter) {
		return nil
	}
	switch a.Charset {
	case "", "UTF-8", "US-ASCII":
	default: // §3.1: the criteria are in UTF-8
		return &refusal{kind: imap.BAD, code: imap.CodeBadCharset{"US-ASCII", "UTF-8"}, text: "A search with FILTER is in UTF-8"}
	}
	f := &filters{known: map[string]*imap.SearchKey{}}
	if err := s.readFilters(f, &a.Key); err != nil {
		return err
	}
	key, err := f.expand(&a.Key, 0)
	if err == nil {
		a.Key = key
	}
	return err
}

// readFilters reads the filters that a key names, and those that they name, one
// round trip for each pass.
func (s *Session) readFilters(f *filters, key *imap.SearchKey) error {
	fresh := f.unknown(key, nil)
	for pass := 0; len(fresh) > 0 && pass < maxFilterPasses; pass++ {
		if len(f.known)+len(fresh) > maxFilters {
			return errTooMuchFiltered
		}
		if err := s.readCriteria(f, fresh); err != nil {
			return err
		}
		var more []string
		for _, name := range fresh {
			if k := f.known[strings.ToLower(name)]; k != nil {
				more = f.unknown(k, more)
			}
		}
		fresh = more
	}
	return nil
}

var errTooMuchFiltered = no(imap.CodeLimit, "Filters make the search too large")

// unknown adds the names of filters in a key that are not known yet.
func (f *filters) unknown(k *imap.SearchKey, names []string) []string {
	if k.Op == imap.SearchFilter {
		if _, known := f.known[strings.ToLower(k.Text)]; !known && !containsFold(names, k.Text) {
			names = append(names, k.Text)
		}
	}
	for i := range k.Keys {
		if names = f.unknown(&k.Keys[i], names); len(names) > maxFilters {
			break
		}
	}
	return names
}

func containsFold(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// readCriteria reads the criteria of filters, the user's own before those that
// all share (§3.1).
func (s *Session) readCriteria(f *filters, names []string) error {
	entries := make([]string, len(names))
	for i, name := range names {
		entries[i] = "/private" + filterRoot + name
	}
	a := s.user.account
	read, err := a.ReadMetadata(s.srv.ctx, s.user.actor(), []account.MailboxID{account.OwnMetadata}, entries)
	if err != nil {
		return err
	}
	for i, e := range read[0] {
		value := e.Value
		if value == nil {
			value = s.srv.annotation("/shared" + filterRoot + names[i])
		}
		name := strings.ToLower(names[i])
		f.known[name] = nil
		key, err := parseFilter(value)
		if err != nil {
			continue
		}
		f.known[name] = &key
		if f.read += countKeys(&key); f.read > maxFilterKeys {
			return errTooMuchFiltered
		}
	}
	return nil
}

// countKeys is how many keys a key is made of.
func countKeys(k *imap.SearchKey) int {
	n := 1
	for i := range k.Keys {
		n += countKeys(&k.Keys[i])
	}
	return n
}

// parseFilter parses the value of a filter.
func parseFilter(value []byte) (imap.SearchKey, error) {
	if !utf8.Valid(value) {
		return imap.SearchKey{}, errors.New("not in UTF-8")
	}
	return imap.ParseCriteria(string(value))
}

// expand gives a key with criteria in the place of FILTER. A filter that names
// itself, however indirectly, or is named too deep, is none (§3.1).
func (f *filters) expand(k *imap.SearchKey, depth int) (imap.SearchKey, error) {
	if f.keys++; f.keys > maxFilterKeys || depth > maxFilterDepth {
		return *k, errTooMuchFiltered
	}
	if k.Op == imap.SearchFilter {
		name := strings.ToLower(k.Text)
		criteria := f.known[name]
		if criteria == nil || len(f.path) == maxFilterPasses || containsFold(f.path, name) {
			return *k, no(imap.CodeUndefinedFilter(k.Text), "No such filter, or not one that can be used")
		}
		f.path = append(f.path, name)
		defer func() { f.path = f.path[:len(f.path)-1] }()
		return f.expand(criteria, depth+1)
	}
	out := *k
	out.Keys = nil // a filter may be put in again elsewhere
	for i := range k.Keys {
		one, err := f.expand(&k.Keys[i], depth+1)
		if err != nil {
			return out, err
		}
		out.Keys = append(out.Keys, one)
	}
	return out, nil
}

// checkFilter refuses a filter of the server that could never be used (§3.2).
func checkFilter(e imap.MetadataEntry) error {
	name, ok := strings.CutPrefix(strings.ToLower(e.Name), "/private"+filterRoot)
	if !ok || e.Value == nil {
		return nil
	}
	if err := CheckFilter(name, string(e.Value)); err != nil {
		return no(imap.CodeCannot, err.Error())
	}
	return nil
}

// CheckFilter says what is wrong with a filter.
func CheckFilter(name, criteria string) error {
	if !imap.IsFilterName(name) {
		return errors.New("this is not the name of a filter (RFC 5466)")
	}
	_, err := parseFilter([]byte(criteria))
	var syntax *imap.Error
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("the filter is not a search: %s", syntax.Text())
	case err != nil:
		return fmt.Errorf("the filter is not a search: %w", err)
	}
	return nil
}
