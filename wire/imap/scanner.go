package imap

import "bytes"

// Limits bound what a Scanner gathers. A zero field means its default.
type Limits struct {
	// Line is the longest line, CRLF included, literals apart: default
	// 64 KiB (RFC 9051 §4 asks for 8,192 at least).
	Line int
	// Literal is the largest literal kept in a frame: default 8 KiB.
	Literal int
	// Frame is the most octets in a frame: default 128 KiB.
	Frame int
}

func (l Limits) withDefaults() Limits {
	if l.Line == 0 {
		l.Line = 64 << 10
	}
	if l.Literal == 0 {
		l.Literal = 8 << 10
	}
	if l.Frame == 0 {
		l.Frame = 128 << 10
	}
	return l
}

// Event is what Feed came upon.
type Event uint8

const (
	// NeedMore: all input was taken, nothing is complete.
	NeedMore Event = iota
	// FrameReady: Frame is a whole command, or FeedLine's line.
	FrameReady
	// LiteralStart: a literal is announced (Literal); Frame is what came
	// before it. Call Inline, Sink or Refuse.
	LiteralStart
	// SinkData: the n octets just taken belong to the literal sunk.
	SinkData
	// SinkEnd: the literal sunk is complete.
	SinkEnd
)

// LiteralInfo describes a literal announced.
type LiteralInfo struct {
	Size int64 // 0 … 2^63-1
	// NonSync: the octets follow at once; otherwise the client waits for a
	// continuation request, which the session sends (RFC 7888).
	NonSync bool
	Binary  bool // literal8
}

// Scanner gathers input into frames, push style: it never reads, and takes
// input in pieces of any size. Between commands it holds no buffer; the zero
// value is ready.
//
// A command that comes in one piece and without literals is not copied: its
// frame aliases the input.
//
// After an error the Scanner skips to the end of the command, over
// non-synchronizing literals, and goes on with the next one.
type Scanner struct {
	Limits Limits

	state scanState
	buf   []byte // frame so far, when it does not alias the input
	line  int    // where in buf the current line begins
	left  int64  // octets of the literal still to come
	lit   LiteralInfo
	frame Frame
	tail  lineTail
	// client is set when scanning responses: NULs and stray CRs pass, and
	// text at the end of a status response is never a literal.
	client bool
}

type scanState uint8

const (
	scanLine    scanState = iota // gathering a line
	scanDone                     // a frame was handed out
	scanDecide                   // at a literal
	scanInline                   // gathering a literal
	scanSink                     // handing out a literal
	scanSkip                     // skipping a literal, then scanDiscard
	scanDiscard                  // skipping to the end of the command
)

// Idle says that no command is coming in: the last one is done with and nothing
// of another was taken.
func (s *Scanner) Idle() bool {
	return s.state == scanDone || s.state == scanLine && len(s.buf) == 0
}

// Feed takes the first n octets of p and says what they led to. Call it again
// with the rest, even when that is empty, until it says NeedMore. An error is
// an *Error, for which the command at hand is to be answered BAD; Feed can be
// called again after it.
func (s *Scanner) Feed(p []byte) (n int, ev Event, err error) { return s.feed(p, false) }

// FeedLine is Feed for a line that is no command and has no literals: the DONE
// of IDLE, or a response within AUTHENTICATE. The line is Frame().Bytes.
func (s *Scanner) FeedLine(p []byte) (n int, ev Event, err error) { return s.feed(p, true) }

func (s *Scanner) feed(p []byte, raw bool) (n int, ev Event, err error) {
	for {
		used := 0
		switch s.state {
		case scanDone:
			s.Release()
		case scanLine:
			used, ev, err = s.takeLine(p, raw)
			return n + used, ev, err
		case scanDecide:
			return n, LiteralStart, nil
		case scanInline:
			used, err = s.takeInline(p)
		case scanSink:
			used, ev, err = s.takeSink(p)
			return n + used, ev, err
		case scanSkip:
			used = int(min(s.left, int64(len(p))))
			if s.left -= int64(used); s.left == 0 {
				s.state = scanDiscard
			}
		case scanDiscard:
			used = s.discard(p, raw)
		}
		n, p = n+used, p[used:]
		if err != nil || len(p) == 0 {
			return n, NeedMore, err
		}
	}
}

// Frame is the command gathered, after FrameReady, or what there is of it,
// after LiteralStart.
func (s *Scanner) Frame() Frame { return s.frame }

// Literal describes the literal announced, after LiteralStart.
func (s *Scanner) Literal() LiteralInfo { return s.lit }

// Between says that no command is half gathered: the Scanner holds nothing
// once released.
func (s *Scanner) Between() bool {
	return s.state == scanDone || s.state == scanLine && len(s.buf) == 0
}

// Release gives up the last frame's memory; Feed does so by itself when the
// next command begins.
func (s *Scanner) Release() {
	if s.state != scanDone {
		return
	}
	s.reset()
}

func (s *Scanner) reset() {
	*s = Scanner{Limits: s.Limits, client: s.client}
}

// Inline has the literal announced gathered into the frame. It fails, and
// changes nothing, when the literal is larger than the limits allow. For a
// synchronizing literal the session sends a continuation request.
func (s *Scanner) Inline() error {
	limits := s.Limits.withDefaults()
	if s.lit.Size > int64(limits.Literal) || s.lit.Size > int64(limits.Frame-len(s.buf)) {
		return s.error(TooLarge, s.frame.Bytes, "literal too large")
	}
	s.left = s.lit.Size
	s.begin(scanInline)
	return nil
}

// Sink has the octets of the literal announced handed out, as SinkData; the
// frame keeps a placeholder.
func (s *Scanner) Sink() {
	s.left = s.lit.Size
	s.begin(scanSink)
	s.frame.sinks = append(s.frame.sinks, len(s.buf))
}

// Refuse gives the command up. After a synchronizing literal's announcement
// the client sends none of it; after a non-synchronizing one's, literal and
// rest of the command are skipped.
func (s *Scanner) Refuse() { s.abandon(s.lit) }

// begin leaves scanDecide.
func (s *Scanner) begin(state scanState) {
	s.state = state
	s.frame.pending = false
	if state == scanInline && s.left == 0 {
		s.nextLine()
	}
}

func (s *Scanner) nextLine() {
	s.state = scanLine
	s.line = len(s.buf)
}

// abandon drops the frame at an announced literal.
func (s *Scanner) abandon(lit LiteralInfo) {
	s.reset()
	if !lit.NonSync {
		return
	}
	s.state, s.left = scanDiscard, lit.Size
	if lit.Size > 0 {
		s.state = scanSkip
	}
}

func (s *Scanner) error(kind ErrorKind, text []byte, msg string) error {
	return &Error{Kind: kind, Tag: Frame{Bytes: text}.Tag(), Pos: len(text), Msg: msg}
}

// takeLine gathers one line, up to its end if p has it.
func (s *Scanner) takeLine(p []byte, raw bool) (n int, ev Event, err error) {
	limits := s.Limits.withDefaults()
	end := bytes.IndexByte(p, '\n') + 1
	whole := end > 0
	if !whole {
		end = len(p)
	}
	if len(s.buf)-s.line+end > limits.Line || len(s.buf)+end > limits.Frame {
		return s.tooLong(p, end, whole, raw)
	}
	if !whole {
		s.buf = append(s.buf, p...)
		return len(p), NeedMore, nil
	}
	text := p[:end]
	if len(s.buf) > 0 {
		s.buf = append(s.buf, p[:end]...)
		text = s.buf
	}
	line := text[s.line:]
	if msg := s.badLine(line); msg != "" {
		err := s.error(BadLine, text, msg)
		s.afterBadLine(line, raw)
		return end, NeedMore, err
	}
	if lit, ok := s.announced(line); ok && !raw && !s.statusLine(text) {
		if len(s.buf) == 0 {
			s.buf = append(s.buf, text...)
		}
		s.state, s.lit = scanDecide, lit
		s.frame.Bytes, s.frame.pending = s.buf, true
		return end, LiteralStart, nil
	}
	s.state = scanDone
	s.frame.Bytes = text[:len(text)-len(lineEnd(line))]
	return end, FrameReady, nil
}

// tooLong ends a frame whose line passes the limits within p[:end].
func (s *Scanner) tooLong(p []byte, end int, whole, raw bool) (int, Event, error) {
	text := append(s.buf[:len(s.buf):len(s.buf)], p[:end]...)
	last := text[s.line:]
	limits := s.Limits.withDefaults()
	err := s.error(TooLarge, text[:min(len(text), limits.Line)], "command too long")
	if whole {
		s.afterBadLine(last, raw)
		return end, NeedMore, err
	}
	s.reset()
	s.state = scanDiscard
	s.tail.add(last)
	return end, NeedMore, err
}

// badLine says what is wrong with a line, "" if nothing.
func (s *Scanner) badLine(line []byte) string {
	if s.client {
		return ""
	}
	body := bytes.TrimSuffix(line, []byte("\r\n"))
	switch {
	case len(body) == len(line):
		return "line ended by LF without CR"
	case bytes.IndexByte(body, 0) >= 0:
		return "NUL octet in command"
	case bytes.IndexByte(body, '\r') >= 0:
		return "CR without LF in command"
	}
	return ""
}

// lineEnd is the line ending of line.
func lineEnd(line []byte) []byte {
	if bytes.HasSuffix(line, []byte("\r\n")) {
		return line[len(line)-2:]
	}
	return line[len(line)-1:]
}

// afterBadLine drops the frame at the end of a line that may announce a
// literal.
func (s *Scanner) afterBadLine(line []byte, raw bool) {
	lit, ok := s.announced(line)
	if raw || !ok {
		lit = LiteralInfo{}
	}
	s.abandon(lit)
}

// announced is the literal that a line ends in. Those of a server wait for
// nobody.
func (s *Scanner) announced(line []byte) (lit LiteralInfo, ok bool) {
	lit, ok = announced(line)
	lit.NonSync = lit.NonSync || ok && s.client
	return lit, ok
}

// takeInline gathers literal octets.
func (s *Scanner) takeInline(p []byte) (n int, err error) {
	n = int(min(s.left, int64(len(p))))
	if !s.allowed(p[:n]) {
		err = s.error(BadLine, s.buf, "NUL octet in a literal")
		left := s.left - int64(n)
		s.abandon(LiteralInfo{Size: left, NonSync: true})
		return n, err
	}
	s.buf = append(s.buf, p[:n]...)
	if s.left -= int64(n); s.left == 0 {
		s.nextLine()
	}
	return n, nil
}

// takeSink hands out literal octets.
func (s *Scanner) takeSink(p []byte) (n int, ev Event, err error) {
	if s.left == 0 {
		s.nextLine()
		return 0, SinkEnd, nil
	}
	n = int(min(s.left, int64(len(p))))
	if n == 0 {
		return 0, NeedMore, nil
	}
	if s.left -= int64(n); !s.allowed(p[:n]) {
		err = s.error(BadLine, s.buf, "NUL octet in a literal")
		s.abandon(LiteralInfo{Size: s.left, NonSync: true})
		return n, NeedMore, err
	}
	return n, SinkData, nil
}

// allowed: NULs stand in literal8 only.
func (s *Scanner) allowed(p []byte) bool {
	return s.client || s.lit.Binary || bytes.IndexByte(p, 0) < 0
}

// discard skips p up to the end of the command.
func (s *Scanner) discard(p []byte, raw bool) int {
	end := bytes.IndexByte(p, '\n') + 1
	if end == 0 {
		s.tail.add(p)
		return len(p)
	}
	s.tail.add(p[:end])
	tail := s.tail
	s.afterBadLine(tail.bytes(), raw)
	return end
}
