package imap

import (
	"errors"
	"io"
)

// FetchLiteral is a literal of a FETCH response about to be read.
type FetchLiteral struct {
	Seq  uint32
	UID  uint32 // 0 when it was not sent before the literal
	Kind FetchKind
	// Section and Origin are as in FetchSectionData.
	Section Section
	Origin  int64
	Size    int64 // octets
}

// ResponseReader reads responses from a connection, on the client's side. It
// does not read beyond what a response needs once Next returned, except into
// its buffer (Buffered).
type ResponseReader struct {
	// UTF8 is set once the client has enabled IMAP4rev2 or UTF8=ACCEPT.
	UTF8 bool
	// OnLiteral, if set, is given each literal of FETCH's body items that is
	// larger than StreamAbove octets, to read as it comes. What it leaves
	// is skipped; its error ends the reading. Without it they stand in the
	// response.
	OnLiteral   func(FetchLiteral, io.Reader) error
	StreamAbove int64
	// StreamURLs has Next give each literal that is a value of URLFETCH as a
	// URLLiteral, to be read as it comes, before the response it stands in.
	StreamURLs bool

	r       io.Reader
	scanner Scanner
	buf     []byte
	from    int            // buf[from:] is not yet scanned
	open    *literalReader // of the last URLLiteral
}

const readerBuffer = 32 << 10

// NewResponseReader reads from r. Responses may have lines and literals of up to
// 64 MiB; memory grows only as they come.
func NewResponseReader(r io.Reader) *ResponseReader {
	const limit = 64 << 20
	return &ResponseReader{r: r, scanner: Scanner{
		Limits: Limits{Line: limit, Literal: limit, Frame: 2 * limit},
		client: true,
	}}
}

// Limit bounds each line and each literal that is not streamed, in octets, and a
// response to twice as many; what is beyond is skipped, and an *Error.
func (r *ResponseReader) Limit(octets int) {
	r.scanner.Limits = Limits{Line: octets, Literal: octets, Frame: 2 * octets}
}

// Reset goes on with r, after STARTTLS or COMPRESS. Octets buffered are
// dropped.
func (r *ResponseReader) Reset(to io.Reader) {
	r.r, r.buf, r.from, r.open = to, r.buf[:0], 0, nil
}

// Buffered is the count of octets read and not yet scanned.
func (r *ResponseReader) Buffered() int { return len(r.buf) - r.from }

// Next gives the next response. An *Error is a response that could not be
// understood; Next can be called again. Any other error is the connection's;
// io.EOF stands between responses only.
func (r *ResponseReader) Next() (Response, error) {
	if l := r.open; l != nil {
		r.open = nil
		if _, err := io.Copy(io.Discard, l); err != nil {
			return nil, err
		}
	}
	for {
		ev, _, err := r.feed(len(r.buf))
		if err != nil {
			return nil, err
		}
		switch ev {
		case FrameReady:
			return ParseResponse(r.scanner.Frame(), r.UTF8)
		case LiteralStart:
			if l, err := r.literal(); l != nil || err != nil {
				return l, err
			}
		case NeedMore:
			if err := r.fill(); err != nil {
				if errors.Is(err, io.EOF) && r.scanner.Between() {
					return nil, io.EOF
				}
				return nil, unexpected(err)
			}
		}
	}
}

// feed has at most most octets scanned and gives those taken.
func (r *ResponseReader) feed(most int) (ev Event, taken []byte, err error) {
	end := min(len(r.buf), r.from+most)
	n, ev, err := r.scanner.Feed(r.buf[r.from:end])
	taken = r.buf[r.from : r.from+n]
	r.from += n
	return ev, taken, err
}

// fill reads once. All octets were scanned before, and none is in a frame any
// more.
func (r *ResponseReader) fill() error {
	if r.buf == nil {
		r.buf = make([]byte, 0, readerBuffer)
	}
	for range 100 {
		n, err := r.r.Read(r.buf[:cap(r.buf)])
		r.buf, r.from = r.buf[:n], 0
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// literal decides on the literal announced; a response is one to be read as it
// comes.
func (r *ResponseReader) literal() (Response, error) {
	size := r.scanner.Literal().Size
	if r.StreamURLs {
		if l, ok := urlLiteral(r.scanner.Frame(), r.UTF8); ok {
			l.Size, l.Binary = size, r.scanner.Literal().Binary
			return r.stream(l), nil
		}
	}
	if r.OnLiteral == nil || size <= r.StreamAbove {
		return nil, r.inline()
	}
	lit, ok := fetchLiteral(r.scanner.Frame(), r.UTF8)
	if !ok {
		return nil, r.inline()
	}
	r.scanner.Sink()
	lit.Size = size
	octets := &literalReader{r: r}
	if err := r.OnLiteral(lit, octets); err != nil {
		return nil, err
	}
	_, err := io.Copy(io.Discard, octets)
	return nil, err
}

// inline has a literal stand in the response; one too large for that is skipped,
// with the rest of the response.
func (r *ResponseReader) inline() error {
	err := r.scanner.Inline()
	if err != nil {
		r.scanner.Refuse()
	}
	return err
}

// stream hands out a literal of URLFETCH.
func (r *ResponseReader) stream(l *URLLiteral) Response {
	r.scanner.Sink()
	r.open = &literalReader{r: r}
	l.Octets = r.open
	return l
}

// fetchLiteral says which item of a FETCH the frame ends in.
func fetchLiteral(f Frame, utf8Mode bool) (FetchLiteral, bool) {
	c := &cursor{buf: f.Bytes, frame: &f, utf8: utf8Mode, client: true}
	r, ok := parseResponse(c).(*FetchResponse)
	if !ok || len(r.Sections) == 0 || !c.reached {
		return FetchLiteral{}, false
	}
	d := &r.Sections[len(r.Sections)-1]
	if d.Literal.Sink >= 0 || d.Literal.Data != nil || d.Null || d.Kind == 0 {
		return FetchLiteral{}, false
	}
	return FetchLiteral{Seq: r.Seq, UID: r.UID, Kind: d.Kind, Section: d.Section, Origin: d.Origin}, true
}

// literalReader reads the octets of a literal sunk.
type literalReader struct {
	r    *ResponseReader
	done bool
}

// Read implements io.Reader; io.EOF comes after all octets that were announced,
// and never before.
func (l *literalReader) Read(p []byte) (int, error) {
	for !l.done && len(p) > 0 {
		ev, taken, err := l.r.feed(len(p))
		if err != nil {
			return 0, err
		}
		switch ev {
		case SinkData:
			return copy(p, taken), nil
		case SinkEnd:
			l.done = true
		case NeedMore:
			if err := l.r.fill(); err != nil {
				return 0, unexpected(err)
			}
		}
	}
	if l.done {
		return 0, io.EOF
	}
	return 0, nil
}
