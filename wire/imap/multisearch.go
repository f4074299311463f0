package imap

// MultiSearch is ESEARCH (RFC 7377 §2): a search of several mailboxes, whose
// answers are about UIDs in either form.
type MultiSearch struct {
	Search
	// In says which mailboxes; nil when not given: the selected one.
	In []MailboxFilter
}

func (*MultiSearch) Name() string { return "ESEARCH" }

// esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP
// search-program; RFC 7377 §2 has examples of a UID form, too.
func parseMultiSearch(c *cursor) (Command, error) {
	m := &MultiSearch{Search: Search{UID: c.uid}}
	c.sp()
	if c.takeWord("IN") {
		c.sp()
		m.In = c.sourceMailboxes()
		c.sp()
	}
	parseSearchArgs(c, &m.Search)
	return m, c.err
}

// esearch-source-opts is what follows IN: "(" source-mbox [SP "("
// scope-options ")"] ")"; no scope options are defined.
func (c *cursor) sourceMailboxes() (list []MailboxFilter) {
	c.list(func() {
		if c.peek() == '(' {
			c.fail("unknown scope option")
			return
		}
		list = append(list, c.mailboxFilter(FilterSelectedDelayed))
	})
	return list
}

func (m *MultiSearch) appendArgs(e *encoder) {
	if m.In != nil {
		e.raw(" IN (")
		for i := range m.In {
			if i > 0 {
				e.sp()
			}
			e.mailboxFilter(&m.In[i])
		}
		e.raw(")")
	}
	m.Search.appendArgs(e)
}
