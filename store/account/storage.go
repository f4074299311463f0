package account

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/engine/vfs"
)

// storageError gives an error of the engine or the body store its kind.
func storageError(err error) error {
	var own *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, kv.ErrNoSpace), errors.Is(err, vfs.ErrNoSpace):
		return &Error{Kind: NoSpace, Text: ErrNoSpace.Text, Cause: err}
	case errors.Is(err, kv.ErrTooLarge):
		return &Error{Kind: TooLarge, Text: "too much for one transaction", Cause: err}
	case errors.Is(err, body.ErrCorrupt):
		return damaged("body", err)
	}
	return &Error{Kind: Temporary, Text: ErrTemporary.Text, Cause: err}
}

// damaged says that what is stored is not what was written.
func damaged(what string, err error) error {
	return &Error{Kind: Damaged, Text: ErrDamaged.Text, Cause: errors.New(what + ": " + err.Error())}
}

func chunkRange(id MailboxID) kv.Range { return kv.Prefix(appendKey32(nil, keyChunk, uint32(id))) }

func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// unix is a time in UTC seconds, as it is stored.
func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
