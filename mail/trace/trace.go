// Package trace writes the header fields that a message is given on its way
// (RFC 5321 §4.4): Received by who takes it in, Return-Path and Delivered-To by
// who files it.
package trace

import (
	"encoding/base32"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"

	"citron/wire/smtp"
)

// Received says how a message came.
type Received struct {
	// From is what the client said in EHLO, or LHLO; empty: the message came
	// over no connection.
	From string
	// Remote is the client's address; the zero value on a Unix socket.
	Remote netip.AddrPort
	By     string // our own host name
	With   string // the protocol (RFC 3848); empty without From
	ID     string
	For    smtp.Path // the only recipient; the zero Path: not said
	// Priority is what MAIL said of it (RFC 6710 §4.1).
	Priority smtp.Priority
	Date     time.Time
}

// Append appends the field with its line ends:
//
//	Received: from hello (address) by hostname with protocol id id for <forward-path> PRIORITY level; date
func (r *Received) Append(b []byte) []byte {
	b = append(b, "Received: "...)
	if r.From != "" {
		b = append(append(b, "from "...), r.From...)
		b = append(appendAddress(b, r.Remote), "\r\n\t"...)
	}
	b = append(append(b, "by "...), r.By...)
	if r.With != "" {
		b = append(append(b, " with "...), r.With...)
	}
	b = append(append(b, " id "...), r.ID...)
	if !r.For.IsNull() {
		b = append(b, "\r\n\tfor <"...)
		b = append(r.For.Append(b), '>')
	}
	if r.Priority.Said {
		b = strconv.AppendInt(append(b, "\r\n\tPRIORITY "...), int64(r.Priority.Level), 10)
	}
	b = append(b, "; "...)
	b = r.Date.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 -0700")
	return append(b, '\r', '\n')
}

// appendAddress appends the client's address (RFC 5321 §4.4 TCP-info); there is
// none on a Unix socket.
func appendAddress(b []byte, remote netip.AddrPort) []byte {
	if !remote.IsValid() {
		return b
	}
	b = append(b, " (["...)
	a := remote.Addr().Unmap().WithZone("")
	if a.Is6() {
		b = append(b, "IPv6:"...)
	}
	return append(a.AppendTo(b), "])"...)
}

// AppendDelivery appends what final delivery puts in front of a message:
//
//	Return-Path: <reverse-path>
//	Delivered-To: forward-path
func AppendDelivery(b []byte, from, to smtp.Path) []byte {
	b = append(b, "Return-Path: <"...)
	b = from.Append(b)
	b = append(b, ">\r\nDelivered-To: "...)
	return append(to.Append(b), '\r', '\n')
}

// Size is about how many octets both will have for a recipient, besides From
// and By: all that varies, and the rest, which is 150 to 200 octets.
func Size(from, to smtp.Path) int {
	return 200 + len(from.Local) + len(from.Domain) + 2*(len(to.Local)+len(to.Domain))
}

// NewID makes an id that joins the copies of one message; it is no secret.
func NewID() string {
	var raw [8]byte
	n := rand.Uint64()
	for i := range raw {
		raw[i] = byte(n >> (8 * i))
	}
	return base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:])
}
