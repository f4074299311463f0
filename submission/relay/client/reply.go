package client

import (
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"citron/wire/smtp"
)

// Reply is the verdict on a recipient, or a host's answer to a command.
type Reply struct {
	// Code is SMTP's; 0: the host did not say it, we do.
	Code int
	// Status is the host's enhanced code, or the one that its Code stands for.
	Status smtp.Status
	// Text is printable and at most 1 KiB: the lines of the host's answer behind
	// its code, separated by LF, or what we say.
	Text string
	// HandedOver: the message went out to its end and no answer came: the
	// host may have it.
	HandedOver bool
}

// OK says that the host took over the message for the recipient.
func (r Reply) OK() bool { return r.Status.Class == 2 }

// Permanent says that it will never do so.
func (r Reply) Permanent() bool { return r.Status.Class == 5 }

// maxText bounds the text of a Reply, in octets.
const maxText = 1 << 10

// replyOf makes a verdict of an answer. A 3xx where none belongs is a temporary
// failure, as nobody can tell what it means.
func replyOf(r smtp.Response) Reply {
	reply := Reply{Code: r.Code, Status: r.Status, Text: printable(r.Lines)}
	if reply.Status == (smtp.Status{}) {
		reply.Status = bareStatus(r.Code)
	}
	return reply
}

func bareStatus(code int) smtp.Status {
	if class := uint16(code / 100); class != 3 {
		return smtp.Status{Class: class}
	}
	return smtp.Status{Class: 4, Subject: 5}
}

// printable makes of what a host says something that may stand in a report:
// UTF-8 without controls.
func printable(lines []string) string {
	var text strings.Builder
	for i, line := range lines {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(strings.TrimRight(strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(line, "?")), " "))
	}
	cut := text.String()
	if len(cut) > maxText {
		cut = cut[:maxText]
		for !utf8.ValidString(cut) {
			cut = cut[:len(cut)-1]
		}
	}
	return cut
}

// Verdicts of our own.
var (
	replyLost      = ours(4, 4, 2, "the connection broke")
	replyUnclear   = Reply{Status: smtp.Status{Class: 4, Subject: 4, Detail: 2}, Text: "the connection broke when the message had been sent: the host may have it", HandedOver: true}
	replyNonsense  = ours(4, 5, 0, "the host does not speak SMTP")
	replyOurFault  = ours(4, 3, 0, "a fault on our side")
	replyLater     = ours(4, 5, 3, "the host takes no more recipients at a time")
	replyTooLarge  = ours(5, 3, 4, "the message is larger than the host takes")
	replyNo8Bit    = ours(5, 6, 3, "the host takes no 8-bit content (8BITMIME)")
	replyNoBinary  = ours(5, 6, 3, "the host takes no binary content (BINARYMIME)")
	replyNoUTF8    = ours(5, 6, 7, "the host takes no addresses in UTF-8 (SMTPUTF8)")
	replyNoUTF8Hdr = ours(5, 6, 9, "the host takes no header in UTF-8 (SMTPUTF8)")
	replyNoBy      = ours(5, 3, 3, "the host does not promise delivery in time (DELIVERBY)")
	replyNoTLS     = ours(5, 7, 10, "the sender requires TLS with a verified host")
	replyLogin     = ours(4, 7, 0, "login at the host failed")
	replyHostNoTLS = ours(4, 7, 10, "the host does not do TLS, which is required")
	replyNoReqTLS  = ours(5, 7, 30, "the host does not promise TLS on its way on (REQUIRETLS)")
)

// ours is what we say, and not the host.
func ours(class, subject, detail uint16, text string) Reply {
	return Reply{Status: smtp.Status{Class: class, Subject: subject, Detail: detail}, Text: text}
}

// lostBy makes the verdict of an error of the connection, without the addresses
// in it, which are nobody's business.
func lostBy(err error) Reply {
	reply := replyLost
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Reply
	case errors.Is(err, ErrProtocol):
		reply = replyNonsense
	case errors.Is(err, errSlow):
		reply.Text = errSlow.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		reply.Text = "the host did not answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF):
		reply.Text = "the host closed the connection"
	}
	return reply
}

// Error is why a connection cannot be used, or no longer.
type Error struct {
	Op    string // the command, or "greeting"
	Reply Reply  // the host's answer, or what we say of it: fit for a report
	Err   error  // nil if the Reply is the host's
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + ": " + smtp.Reply{Code: e.Reply.Code, Status: e.Reply.Status, Text: smtp.Plain(e.Reply.Code, e.Reply.Text)}.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// What may be in the way, beside errors of the network and of ctx.
var (
	// ErrNoTLS: TLS is required, and the host does not offer it or refuses.
	ErrNoTLS = errors.New("the host does not do TLS")
	// ErrHandshake: the TLS handshake failed, be it for the certificate.
	ErrHandshake = errors.New("TLS handshake failed")
	// ErrMechanism: no mechanism that may be used is offered.
	ErrMechanism = errors.New("the host offers no login that we may use")
	// ErrProtocol: what the host says is no SMTP, or comes when nothing was
	// asked.
	ErrProtocol = errors.New("the host does not speak SMTP")
)
