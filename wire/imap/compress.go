package imap

// Compress is COMPRESS (RFC 4978 §3). Algorithm is in upper case, known or not.
type Compress struct{ Algorithm string }

func (*Compress) Name() string { return "COMPRESS" }

func (m *Compress) appendArgs(e *encoder) {
	e.sp()
	e.raw(m.Algorithm)
}

// compress = "COMPRESS" SP algorithm. Algorithms to come are atoms, too
// (RFC 4978 §5).
func parseCompress(c *cursor) (Command, error) {
	c.sp()
	m := &Compress{Algorithm: c.upperAtom()}
	return m, c.err
}
