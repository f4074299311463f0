// Package store is the vocabulary by which other roles meet the message store:
// small interfaces and errors, with an in-process implementation in
// store/account and, later, a remote one. No other role imports what is below.
package store
