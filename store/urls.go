package store

import (
	"context"
	"errors"
	"io"
)

// URLs gives other roles the octets that authorized URLs point to (RFC 4467):
// submission's way to what BURL names (RFC 4468). All methods may be called
// concurrently.
type URLs interface {
	// FetchURL opens what a URL points to, for an application ("submit",
	// "stream", …: RFC 5593) that the process itself is, on behalf of a user
	// whom the application has authenticated. URLs for the application and
	// that user are given, and those for everybody. Errors wrap ErrNoURL or
	// ErrTemporary.
	FetchURL(ctx context.Context, application, user, url string) (URLContent, error)
}

// URLContent is what a URL points to, as FETCH BODY would give it to a client
// with UTF8=ACCEPT. It is to be closed.
type URLContent interface {
	io.ReaderAt
	io.Closer
	Size() int64 // octets
}

// ErrNoURL: the URL gives nothing, for whatever reason; none is told.
var ErrNoURL = errors.New("the URL cannot be fetched")
