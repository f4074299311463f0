package session

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"

	"citron/store"
	"citron/submission"
	"citron/submission/burl"
	"citron/wire/imap"
)

// urls is a store.URLs in memory: of a URL counts the UID, and that its token
// begins with a 9.
type urls struct {
	content map[uint32]content
	asked   atomic.Int64
	open    atomic.Int64
}

// content is what a URL points to. kind: "down": the store does not answer;
// "dies": it does in the middle; "short": it ends early; "slow": it answers when
// it is too late; anything else: all is well.
type content struct {
	kind, text string
}

// fetcher is what BURL uses: the store is mail.example.org and
// gryffindor.example.com.
func (s *site) fetcher() submission.Fetcher {
	local := burl.Local{URLs: s.urls}
	f, err := burl.New(burl.Config{Names: s.dir, Stores: map[string]submission.Fetcher{
		"mail.example.org": local, "gryffindor.example.com": local,
	}})
	if err != nil {
		panic(err)
	}
	return f
}

var errDown = errors.New("connection refused")

func (u *urls) FetchURL(ctx context.Context, _, _, url string, _ bool) (store.URLContent, error) {
	u.asked.Add(1)
	parsed, err := imap.ParseURL(url)
	if err != nil || parsed.Auth == nil || !strings.HasPrefix(parsed.Auth.Token, "9") {
		return nil, store.ErrNoURL
	}
	c, ok := u.content[parsed.UID]
	switch {
	case !ok:
		return nil, store.ErrNoURL
	case c.kind == "down":
		return nil, errDown
	case c.kind == "slow":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	u.open.Add(1)
	return &opened{urls: u, content: c}, nil
}

type opened struct {
	urls    *urls
	content content
}

func (o *opened) Size() int64 { return int64(len(o.content.text)) }

func (o *opened) ReadAt(p []byte, at int64) (int, error) {
	half := o.Size() / 2
	if o.content.kind == "dies" && at+int64(len(p)) > half {
		return 0, errDown
	}
	if o.content.kind == "short" && at >= half {
		return 0, io.EOF
	}
	n := copy(p, o.content.text[at:])
	if o.content.kind == "short" {
		n = min(n, int(half-at))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (o *opened) Close() error {
	o.urls.open.Add(-1)
	return nil
}
