package imap

// ResetKey is RESETKEY (RFC 4467 §7): new keys for the URLs of one mailbox, or,
// with Mailbox "", an end to all of the user's.
type ResetKey struct {
	Mailbox    string
	Mechanisms []string // upper case
}

// GenURLAuth is GENURLAUTH (RFC 4467 §7).
type GenURLAuth struct{ URLs []URLToAuthorize }

// URLToAuthorize is a URL as sent, perhaps no URL at all, and the mechanism in
// upper case.
type URLToAuthorize struct{ URL, Mechanism string }

// URLFetch is URLFETCH (RFC 4467 §7, RFC 5524).
type URLFetch struct{ URLs []URLToFetch }

// URLToFetch is a URL as sent, perhaps no URL at all.
type URLToFetch struct {
	URL string
	// Items is 0 for the form of RFC 4467, which has the octets alone.
	Items URLItems
}

// URLItems is a bit set of what is asked for of a URL (RFC 5524 §3.1).
type URLItems uint8

const (
	URLBodyPartStructure URLItems = 1 << iota
	URLBinary
	URLBody
)

// urlItems are the url-fetch-param, by name, in the order of the bits.
var urlItems = [...]string{"BODYPARTSTRUCTURE", "BINARY", "BODY"}

func (*ResetKey) Name() string   { return "RESETKEY" }
func (*GenURLAuth) Name() string { return "GENURLAUTH" }
func (*URLFetch) Name() string   { return "URLFETCH" }

// resetkey = "RESETKEY" [SP mailbox *(SP mechanism)]
func parseResetKey(c *cursor) (Command, error) {
	r := &ResetKey{}
	if c.atEnd() {
		return r, c.err
	}
	c.sp()
	r.Mailbox = c.mailbox()
	for !c.atEnd() {
		c.sp()
		r.Mechanisms = append(r.Mechanisms, c.urlMechanism())
		c.bound(len(r.Mechanisms))
	}
	return r, c.err
}

// mechanism = "INTERNAL" / 1*(ALPHA / DIGIT / "-" / ".")
func (c *cursor) urlMechanism() string {
	at := c.pos
	name := c.upperAtom()
	if c.ok() && !isMechanism(name, "-.") {
		c.failAt(at, "expected the name of a mechanism")
	}
	return name
}

// bound refuses more than maxListItems of anything.
func (c *cursor) bound(n int) {
	if n > maxListItems {
		c.failKind(TooLarge, c.pos, "too many arguments")
	}
}

// genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism)
func parseGenURLAuth(c *cursor) (Command, error) {
	g := &GenURLAuth{}
	for first := true; first || !c.atEnd(); first = false {
		c.sp()
		u := URLToAuthorize{URL: c.astring()}
		c.sp()
		u.Mechanism = c.urlMechanism()
		g.URLs = append(g.URLs, u)
		c.bound(len(g.URLs))
	}
	return g, c.err
}

// urlfetch = "URLFETCH" 1*(SP (url-full / "(" url-full *(SP url-fetch-param)
// ")"))
func parseURLFetch(c *cursor) (Command, error) {
	f := &URLFetch{}
	for first := true; first || !c.atEnd(); first = false {
		c.sp()
		u := URLToFetch{}
		if !c.take('(') {
			u.URL = c.astring()
		} else {
			u.URL = c.astring()
			for c.ok() && !c.take(')') {
				c.sp()
				parseURLItem(c, &u)
			}
		}
		f.URLs = append(f.URLs, u)
		c.bound(len(f.URLs))
	}
	return f, c.err
}

func parseURLItem(c *cursor, u *URLToFetch) {
	at := c.pos
	name := c.upperAtom()
	for i, known := range urlItems {
		if name != known {
			continue
		}
		if u.Items&(1<<i) != 0 {
			c.failAt(at, name+" given twice")
		}
		u.Items |= 1 << i
		if u.Items&(URLBinary|URLBody) == URLBinary|URLBody {
			c.failAt(at, "either BINARY or BODY")
		}
		return
	}
	c.failAt(at, "expected BODY, BINARY or BODYPARTSTRUCTURE")
}

func (r *ResetKey) appendArgs(e *encoder) {
	if r.Mailbox == "" {
		return
	}
	e.sp()
	e.mailbox(r.Mailbox)
	for _, m := range r.Mechanisms {
		e.sp()
		e.raw(m)
	}
}

func (g *GenURLAuth) appendArgs(e *encoder) {
	for _, u := range g.URLs {
		e.sp()
		e.astring(u.URL)
		e.sp()
		e.raw(u.Mechanism)
	}
}

func (f *URLFetch) appendArgs(e *encoder) {
	for _, u := range f.URLs {
		e.sp()
		if u.Items == 0 {
			e.astring(u.URL)
			continue
		}
		e.raw("(")
		e.astring(u.URL)
		for i, name := range urlItems {
			if u.Items&(1<<i) != 0 {
				e.sp()
				e.raw(name)
			}
		}
		e.raw(")")
	}
}
