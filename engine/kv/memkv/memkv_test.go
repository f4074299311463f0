package memkv_test

import (
	"testing"

	"citron/engine/kv"
	"citron/engine/kv/kvtest"
	"citron/engine/kv/memkv"
)

func TestConformance(t *testing.T) {
	kvtest.Run(t, func(*testing.T) kvtest.Opener {
		e := memkv.New(memkv.Options{})
		return func(*testing.T) kv.Engine {
			e = e.Reopen(memkv.Options{})
			return e
		}
	})
}
