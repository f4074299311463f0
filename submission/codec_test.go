package submission_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"citron/engine/record"
	"citron/submission"
	"citron/wire/smtp"
)

// full is an envelope with something in every field.
func full() *submission.Envelope {
	at := time.Date(2026, 11, 25, 21, 0, 0, 123456789, time.UTC)
	return &submission.Envelope{
		Account: 7, Sender: "alice@example.org",
		Mail: smtp.Mail{
			From: smtp.Path{Local: "alice", Domain: "example.org"}, Size: 1 << 40, Body: smtp.BodyBinary, UTF8: true,
			Auth: smtp.Auth{Said: true, Mailbox: "alice@example.org"}, Return: smtp.ReturnHeaders, EnvelopeID: "QQ314159",
			Hold: smtp.Hold{For: time.Hour, Until: at.Add(time.Minute)},
			By:   smtp.DeliverBy{Mode: smtp.ByNotify, Trace: true, Within: -time.Second}, Priority: smtp.Priority{Said: true, Level: -9}, RequireTLS: true,
		},
		Rcpts: []smtp.Rcpt{
			{To: smtp.Path{Local: "postmaster"}},
			{To: smtp.Path{Local: "бob", Domain: "[192.0.2.1]"}, Notify: smtp.NotifySuccess | smtp.NotifyDelay,
				Original: smtp.OriginalRecipient{Type: "utf-8", Address: "бob@example.com"}},
		},
		Received: at, HoldUntil: at.Add(time.Hour),
		Content: submission.Content{EightBit: true, Binary: true, UTF8Header: true, TLSOptional: true, Hops: 3, MessageID: "<1@example.org>"},
		Origin:  "7 attempt",
	}
}

func TestEnvelopeComesBack(t *testing.T) {
	for name, e := range map[string]*submission.Envelope{
		"full":   full(),
		"report": {Rcpts: []smtp.Rcpt{{To: smtp.Path{Local: "a", Domain: "b"}}}},
	} {
		b := submission.AppendEnvelope(nil, e)
		if n := submission.EnvelopeSize(e); len(b) > n {
			t.Errorf("%s: %d octets, EnvelopeSize says %d", name, len(b), n)
		}
		got, err := submission.DecodeEnvelope(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for n := range b {
			if _, err := submission.DecodeEnvelope(b[:n]); !errors.Is(err, record.ErrMalformed) {
				t.Fatalf("%s: cut to %d octets: %v", name, n, err)
			}
		}
	}
}

func TestEnvelopeRefused(t *testing.T) {
	good := submission.AppendEnvelope(nil, full())
	none := full()
	none.Rcpts = nil
	loud := full()
	loud.Mail.Priority.Level = 10
	for name, b := range map[string][]byte{
		"version":       append([]byte{2}, good[1:]...),
		"too much":      append(bytes.Clone(good), 0),
		"no recipients": submission.AppendEnvelope(nil, none),
		"priority":      submission.AppendEnvelope(nil, loud),
		"too long":      append(bytes.Clone(good), make([]byte, submission.MaxEnvelope)...),
	} {
		if _, err := submission.DecodeEnvelope(b); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	f.Add(submission.AppendEnvelope(nil, full()))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := submission.DecodeEnvelope(b)
		if err != nil {
			return
		}
		again, err := submission.DecodeEnvelope(submission.AppendEnvelope(nil, e))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
