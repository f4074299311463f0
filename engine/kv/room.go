package kv

import "context"

// makingRoom is the key of MakingRoom.
type makingRoom struct{}

// MakingRoom marks an Update after which, at once or when what was put off is
// done, less is stored than before: whoever deletes on a full disk must get
// through. An engine that keeps some space free lets such Updates use a part of
// it; how much, it says itself.
func MakingRoom(ctx context.Context) context.Context {
	return context.WithValue(ctx, makingRoom{}, true)
}

// MakesRoom says whether the context was marked.
func MakesRoom(ctx context.Context) bool { return ctx.Value(makingRoom{}) != nil }
