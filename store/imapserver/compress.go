package imapserver

import (
	"io"
	"sync"

	"citron/ops/conn"
	"citron/wire/deflate"
	"citron/wire/imap"
)

// COMPRESS=DEFLATE (RFC 4978). The layer stands around the session's step and
// not under it in ops/conn. What one Step says is a burst that the client must
// be able to read at once, and only here is it known where one ends; what is
// kept between Steps is kept by the session, like everything it parks with;
// and no driver has to know of it. TLS is below both: what is compressed is
// encrypted (§3).
//
// Between Steps there is no compressor and no buffer, only what wire/deflate
// keeps and, if the session had no use for it yet, up to inflateRoom bytes of
// what came.
//
// RFC 4978 §1 would have a server offer compression in TLS, too: TLS 1.3 has
// none, and RFC 9325 §3.3 forbids it in TLS 1.2; so nothing below the session
// ever compresses.

var compressCommands = []spec{
	{"COMPRESS", inAccount, untold, on((*Session).compress)},
}

// compress begins with the CRLF of its OK. The client may send nothing before
// it has seen that; what came behind the command all the same is taken as the
// beginning of the compressed stream, which it is if the client has begun in
// good faith, and which ends the session if it is not (RFC 4978 §3).
func (s *Session) compress(c *command, a *imap.Compress) error {
	switch {
	case a.Algorithm != "DEFLATE":
		return bad("Unknown compression algorithm")
	case s.deflated != nil:
		// §3 has NO for a layer below, BAD for this one.
		return &refusal{kind: imap.BAD, code: imap.CodeCompressionActive, text: "DEFLATE active via COMPRESS"}
	}
	if err := s.mayCompress(); err != nil {
		return err
	}
	s.deflated = &deflated{hungry: true}
	s.deflated.in.Limits = deflate.Limits{Ratio: s.srv.cfg.InflateRatio, Slack: s.srv.cfg.AppendLimit}
	c.text = "DEFLATE active"
	return nil
}

// mayCompress says whether the connection is one to compress on. Where
// passwords may not be spoken of, nobody is logged in; it is said here again
// because mail, too, is to be seen by nobody.
func (s *Session) mayCompress() error {
	switch {
	case s.srv.cfg.NoCompress:
		return bad("COMPRESS is not offered here")
	case s.conn.TLS() == nil && !s.conn.Loopback():
		return no(imap.CodePrivacyRequired, "Use STARTTLS first")
	}
	return nil
}

// deflated is the layer of one session.
type deflated struct {
	out deflate.Encoder
	in  deflate.Decoder
	// plain was decompressed and not yet taken by the session.
	plain []byte
	// hungry: the session waits for more than plain.
	hungry bool
	// full: the room was filled, there may be more in what came.
	full bool
	// err of in: nothing more can come.
	err error
}

// inflateRoom is the most that is decompressed for one Step, in bytes.
const inflateRoom = 16 << 10

var (
	inflatePool = sync.Pool{New: func() any { return new([inflateRoom]byte) }}
	// plainPool holds buffers for what a Step says, before it is compressed.
	plainPool = sync.Pool{New: func() any { b := make([]byte, 0, inflateRoom); return &b }}
)

// keepPlain is the largest buffer that goes back to plainPool, in bytes.
const keepPlain = 2 * conn.HighWater

// stepDeflated is Step of a session that compresses.
func (s *Session) stepDeflated(t *conn.Turn) conn.Wait {
	d := s.deflated
	if len(t.In) > 0 {
		s.heardAt = t.Now
	}
	room := inflatePool.Get().(*[inflateRoom]byte)
	out := plainPool.Get().(*[]byte)
	inner := conn.Turn{Now: t.Now, Shutdown: t.Shutdown, Late: t.Late, In: d.inflate(t, room[:]), Out: (*out)[:0]}
	inner.EOF = d.err != nil || t.EOF && len(t.In) == 0 && !d.full
	wait := s.step(&inner)
	d.keep(inner.In)
	t.Out = d.out.Append(t.Out, inner.Out)
	if s.deflated == nil && (len(d.plain) > 0 || d.err != nil && d.err != io.EOF) {
		// UNAUTHENTICATE ended the layer, but not the client its own, or not at
		// that place: nobody knows what the rest is (RFC 8437 §4.1).
		wait = conn.Wait{Then: conn.Close}
	}
	inflatePool.Put(room)
	if cap(inner.Out) <= keepPlain {
		*out = inner.Out
		plainPool.Put(out)
	}
	if d.hungry = wait.Input; wait.Input && !inner.EOF {
		wait.Again = wait.Again || d.full || len(t.In) > 0 || t.EOF
	}
	return wait
}

// inflate gives what the session has not taken yet, and, if it waits for more,
// what can be had of that from t, in room.
func (d *deflated) inflate(t *conn.Turn, room []byte) []byte {
	n := copy(room, d.plain)
	if !d.hungry || d.err != nil {
		return room[:n]
	}
	written, taken, err := d.in.Decode(room[n:], t.In)
	t.Consume(taken)
	d.err = err
	d.full = n+written == len(room)
	return room[:n+written]
}

// keep holds what a Step has left.
func (d *deflated) keep(rest []byte) {
	if len(rest) == 0 {
		d.plain = nil
		return
	}
	d.plain = append(d.plain[:0], rest...)
}

// complaint is why nothing more can come.
func (d *deflated) complaint() string {
	switch d.err {
	case io.EOF:
		return "The compressed stream has ended"
	case deflate.ErrBomb:
		return "What was compressed is too large"
	}
	return "This is not a compressed stream"
}

// endDeflated ends the layer and notes what it was good for.
func (s *Session) endDeflated() {
	d := s.deflated
	if d == nil {
		return
	}
	s.deflated = nil
	if d.err != nil && d.err != io.EOF {
		s.srv.cfg.Logger.Info("compressed stream cut", "cause", d.err, "account", s.accountName(), "remote", s.conn.Remote())
	}
	in, out := d.in.Size(), d.out.Size()
	s.srv.cfg.Logger.Debug("compressed", "account", s.accountName(), "in", in.Packed, "in_plain", in.Plain, "out", out.Packed, "out_plain", out.Plain)
}
