package account

import (
	"context"

	"citron/engine/kv"
)

// ImportKey names what an import brought, so that it brings it only once,
// whatever became of it since: source is where it came from, ID which message
// it was there.
type ImportKey struct{ Source, ID string }

// maxImportKey bounds the bytes of an ImportKey, well within an engine's key.
const maxImportKey = 1500

// remember writes it in the transaction that files the message.
func (t *txn) remember(k ImportKey) {
	if k != (ImportKey{}) {
		t.set(importKey(k.Source, k.ID), []byte{recordVersion})
	}
}

// Imported says for each of a source's messages whether it was brought before.
func (a *Account) Imported(ctx context.Context, source string, ids []string) ([]bool, error) {
	want := kv.Reads{Gets: make([][]byte, len(ids))}
	for i, id := range ids {
		want.Gets[i] = importKey(source, id)
	}
	got, err := a.view(ctx, want)
	if err != nil {
		return nil, err
	}
	brought := make([]bool, len(ids))
	for i, v := range got.Values {
		brought[i] = v != nil
	}
	return brought, nil
}
