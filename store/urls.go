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
	//
	// The octets are what FETCH BODY gives to a client with UTF8=ACCEPT: parts
	// with a NUL in base64 (RFC 3516 §6). With binary a whole message comes as
	// it is stored instead, NULs and all (RFC 5524). A section never does: the
	// field that names its encoding is not in it, and whoever put that into the
	// message by another URL, or wrote it, had it from FETCH.
	FetchURL(ctx context.Context, application, user, url string, binary bool) (URLContent, error)
}

// URLContent is what a URL points to. It is to be closed. Reading it fails once
// the maker of the URL may no longer read the message.
type URLContent interface {
	io.ReaderAt
	io.Closer
	Size() int64 // octets
}

// ErrNoURL: the URL gives nothing, for whatever reason; none is told.
var ErrNoURL = errors.New("the URL cannot be fetched")
