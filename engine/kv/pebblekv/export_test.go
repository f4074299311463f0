package pebblekv

import (
	"github.com/cockroachdb/pebble/v2"

	"citron/engine/kv"
)

// SetHeadForTest writes an account's head as it is given.
func (e *Engine) SetHeadForTest(a kv.Account, value []byte) error {
	return e.db.Set(appendAccount(nil, a), value, pebble.Sync)
}
