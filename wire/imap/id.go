package imap

// IDParam is a field of ID. Null says that the value was NIL.
type IDParam struct {
	Field, Value string
	Null         bool
}

// ID is ID (RFC 2971). Params is nil for NIL.
type ID struct{ Params []IDParam }

// Limits of RFC 2971 §3.3.
const (
	maxIDParams = 30
	maxIDField  = 30
	maxIDValue  = 1024
)

// Enable is ENABLE (RFC 9051 §6.3.1, RFC 5161): capabilities in upper case, known or not.
type Enable struct{ Capabilities []string }

func (*ID) Name() string     { return "ID" }
func (*Enable) Name() string { return "ENABLE" }

func (m *ID) appendArgs(e *encoder) {
	e.sp()
	e.dst = AppendIDParams(e.dst, m.Params)
}

func (m *Enable) appendArgs(e *encoder) {
	for _, name := range m.Capabilities {
		e.sp()
		e.raw(name)
	}
}

// enable = "ENABLE" 1*(SP capability)
func parseEnable(c *cursor) (Command, error) {
	m := &Enable{}
	for {
		c.sp()
		m.Capabilities = addFold(m.Capabilities, c.upperAtom())
		if c.err != nil || c.atEnd() {
			return m, c.err
		}
	}
}

func parseID(c *cursor) (Command, error) {
	c.sp()
	m := &ID{Params: parseIDParams(c)}
	return m, c.err
}

// id-params-list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil.
// Servers and clients in use send () too.
func parseIDParams(c *cursor) []IDParam {
	if c.nil() {
		return nil
	}
	params := []IDParam{}
	c.listOrEmpty(func() {
		at := c.pos
		p := IDParam{Field: c.str()}
		c.sp()
		value, ok := c.nstring()
		p.Value, p.Null = value, !ok
		params = append(params, p)
		if len(params) > maxIDParams || len(p.Field) > maxIDField || len(p.Value) > maxIDValue {
			c.failAt(at, "more than RFC 2971 allows in ID")
		}
	})
	return params
}
