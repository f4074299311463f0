package submission

import (
	"context"
	"errors"
	"io"
)

// Fetcher gets what BURL names (RFC 4468) from the store that has it: over IMAP,
// or within the process. Its methods may be called concurrently.
type Fetcher interface {
	// Fetch opens what a URL points to, for a user whom submission has
	// authenticated (canonical name). Nothing in it is NUL, unless binary is
	// wanted: then a whole message comes as it is stored (URLAUTH=BINARY, RFC
	// 5524). A section is always what FETCH BODY of it is, as its own MIME
	// header and the BODYSTRUCTURE, of which the client makes the rest of its
	// message, describe it (RFC 3516 §6).
	//
	// ctx is for reading, too. Errors wrap ErrNoURL, ErrForeignStore or
	// ErrTemporary.
	Fetch(ctx context.Context, user, url string, binary bool) (Fetched, error)
}

// Fetched is what a URL points to. Reading may fail with an error that wraps
// ErrTemporary: the store died in the middle. It is to be closed.
type Fetched interface {
	io.ReadCloser
	Size() int64 // octets there will be
}

var (
	// ErrNoURL: the URL gives nothing, for whatever reason; none is told.
	ErrNoURL = errors.New("the URL cannot be fetched")
	// ErrForeignStore: the configuration does not name the URL's store, which
	// is not contacted (RFC 4468 §3.3, §6).
	ErrForeignStore = errors.New("the URL's store is not one of ours")
)
