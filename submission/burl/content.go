package burl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"citron/submission"
	"citron/wire/imap"
)

// fetch asks for what a URL points to, and opens it as soon as its size is
// known. The connection is the content's, until that is read or closed; after
// an error it is dropped, unless that is the store's proper NIL.
func (s *IMAP) fetch(ctx context.Context, c *client, url string, binary bool) (*content, error) {
	f := &content{ctx: ctx, store: s, c: c, url: url, done: c.until(ctx)}
	err := f.open(binary && c.caps["URLAUTH=BINARY"])
	if err == nil && f.left == 0 {
		if err = f.finish(); err == io.EOF {
			f.err, err = err, nil
		}
	}
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, submission.ErrNoURL):
		f.release()
		return nil, err
	}
	f.drop()
	if refusedBy(imap.BAD, err) { // RFC 4468 §6: an error is as good as no data
		return nil, fmt.Errorf("%w: %w", submission.ErrNoURL, err)
	}
	return nil, f.temporary(err)
}

// content is what a URL points to, as it comes.
type content struct {
	ctx   context.Context
	store *IMAP
	c     *client // nil once it is given back or dropped
	done  func() bool
	url   string

	command imap.Command
	tag     string
	octets  io.Reader
	size    int64
	left    int64
	// streamed: the response ends behind the octets, and was not yet seen.
	streamed bool
	err      error // what Read says from now on
}

// Size implements submission.Fetched.
func (f *content) Size() int64 { return f.size }

// open opens the content; with binary, as it is stored. For BINARY Citron gives
// a whole message just so; others may take every transfer encoding away, which
// no signature survives, so that they are asked for it only where they have no
// other way to give what there is.
func (f *content) open(binary bool) (err error) {
	if binary && f.store.cfg.Certificate == nil {
		if binary, err = f.hasBinaryPart(); err != nil {
			return err
		}
	}
	return f.ask(binary)
}

// hasBinaryPart asks whether a part is stored without transfer encoding.
func (f *content) hasBinaryPart() (has bool, err error) {
	f.command = &imap.URLFetch{URLs: []imap.URLToFetch{{URL: f.url, Items: imap.URLBodyPartStructure}}}
	if f.tag, err = f.c.send(f.command); err != nil {
		return false, err
	}
	got, err := f.response()
	if err != nil || got == nil { // nil: it was not understood
		return false, err
	}
	r, ok := got.(*imap.URLFetchResponse)
	if !ok || len(r.URLs) != 1 {
		return false, errOther
	}
	if err := f.tagged(); err != nil {
		return false, err
	}
	return isBinary(r.URLs[0].BodyPartStructure), nil
}

// isBinary says whether a part, or one of its own, is without transfer encoding.
func isBinary(b *imap.BodyStructure) bool {
	if b == nil {
		return false
	}
	for i := range b.Parts {
		if isBinary(&b.Parts[i]) {
			return true
		}
	}
	return strings.EqualFold(b.Encoding, "BINARY") || isBinary(b.Message)
}

// ask gives URLFETCH and reads up to the content. With binary, RFC 5524's
// BINARY is asked for; a store that cannot give that is asked again without.
func (f *content) ask(binary bool) (err error) {
	what := imap.URLToFetch{URL: f.url}
	if binary {
		what.Items = imap.URLBinary
	}
	f.command = &imap.URLFetch{URLs: []imap.URLToFetch{what}}
	if f.tag, err = f.c.send(f.command); err != nil {
		return err
	}
	got, err := f.response()
	if err != nil {
		return err
	}
	switch r := got.(type) {
	case *imap.URLLiteral:
		if r.URL != f.url || r.Item != what.Items {
			return errOther
		}
		f.octets, f.size, f.left, f.streamed = r.Octets, r.Size, r.Size, true
		f.c.allowed += min(r.Size, math.MaxInt64-f.c.allowed)
		return nil
	case *imap.URLFetchResponse:
		return f.small(r, what)
	}
	return errNothing
}

var (
	errOther   = errors.New("the store gives what was not asked for")
	errNothing = errors.New("the store gives nothing, and does not say so")
)

// response reads up to the response to URLFETCH; nil if the command ends
// without one.
func (f *content) response() (imap.Response, error) {
	for range maxResponses {
		r, err := f.c.next()
		var odd *imap.Error
		if errors.As(err, &odd) {
			continue
		}
		if err != nil {
			return nil, err
		}
		switch r := r.(type) {
		case *imap.URLLiteral, *imap.URLFetchResponse:
			return r, nil
		case *imap.ContinueResponse:
			return nil, errOther
		case *imap.StatusResponse:
			if r.Tag != "*" {
				return nil, verdict(f.command, f.tag, r)
			}
		}
	}
	return nil, errTalks
}

// small takes a response that has no literal in it: a short string, or NIL.
func (f *content) small(r *imap.URLFetchResponse, what imap.URLToFetch) error {
	if len(r.URLs) != 1 || r.URLs[0].URL != what.URL {
		return errOther
	}
	d := &r.URLs[0]
	if err := f.tagged(); err != nil {
		return err
	}
	switch {
	case d.Octets == nil && d.Item == imap.URLBinary && what.Items == imap.URLBinary:
		return f.ask(false) // RFC 5524 §3.2: it cannot be decoded
	case d.Octets == nil:
		return fmt.Errorf("%w: the store gives nothing", submission.ErrNoURL)
	case d.Item != what.Items:
		return errOther
	}
	f.octets, f.size, f.left = bytes.NewReader(d.Octets), int64(len(d.Octets)), int64(len(d.Octets))
	return nil
}

// tagged reads up to the end of the command.
func (f *content) tagged() error {
	for range maxResponses {
		r, err := f.c.next()
		if err != nil {
			return err // not understood is as bad: the content may be part of it
		}
		switch r := r.(type) {
		case *imap.StatusResponse:
			if r.Tag != "*" {
				return verdict(f.command, f.tag, r)
			}
		case *imap.URLLiteral, *imap.URLFetchResponse, *imap.ContinueResponse:
			return errOther
		}
	}
	return errTalks
}

// Read implements submission.Fetched. The last octet comes only when the store
// has ended its answer as it should: one that sent more or less than it had
// announced is found out.
func (f *content) Read(p []byte) (int, error) {
	if f.err != nil || len(p) == 0 {
		return 0, f.err
	}
	n, err := 0, f.ctx.Err()
	if err == nil {
		n, err = f.octets.Read(p[:min(int64(len(p)), f.left)])
	}
	if f.left -= int64(n); err == nil && f.left == 0 {
		err = f.finish()
	} else if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		f.drop()
		err = f.temporary(err)
	}
	f.err = err
	return n, err
}

// temporary gives an error its kind, and names the store; what comes of the end
// of ctx is said to.
func (f *content) temporary(err error) error {
	if ended := f.ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w (%w)", ended, err)
	}
	return f.store.temporary(err)
}

// finish reads what comes behind the content, and gives the connection back;
// io.EOF if all was well.
func (f *content) finish() error {
	if f.streamed {
		r, err := f.c.next()
		if err != nil {
			return err
		}
		whole, ok := r.(*imap.URLFetchResponse)
		if !ok || len(whole.URLs) != 1 {
			return errOther
		}
		if err := f.tagged(); err != nil {
			return err
		}
	}
	f.release()
	return io.EOF
}

// Close implements submission.Fetched. A connection on which content is still
// to come is not kept.
func (f *content) Close() error {
	f.drop()
	return nil
}

// release gives the connection back.
func (f *content) release() {
	if f.done() {
		f.store.pool.put(f.c)
	} else {
		f.store.drop(f.c)
	}
	f.c = nil
}

// drop ends the connection, if there still is one.
func (f *content) drop() {
	if f.c != nil {
		f.done()
		f.store.drop(f.c)
		f.c = nil
	}
}
