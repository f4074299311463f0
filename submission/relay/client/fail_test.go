package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/submission/relay/client/smtptest"
	"citron/submission/relay/relaytest"
	"citron/wire/sasl"
	"citron/wire/smtp"
)

// against runs a client against a host that is a function, in virtual time.
func against(t *testing.T, o Options, host func(nc net.Conn, in *bufio.Reader), client func(t *testing.T, c *Conn, err error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer theirs.Close()
			host(theirs, bufio.NewReader(theirs))
		}()
		o.Hello = "client.example"
		c, err := Start(t.Context(), ours, o)
		client(t, c, err)
		ours.Close()
		<-done
	})
}

// upTo answers every line up to one that begins with one of stop.
func upTo(nc net.Conn, in *bufio.Reader, ehlo string, stop ...string) string {
	for reply := "220 mx\r\n"; ; {
		io.WriteString(nc, reply)
		line, err := in.ReadString('\n')
		for reply == "354 go ahead\r\n" && err == nil && line != ".\r\n" {
			line, err = in.ReadString('\n')
		}
		for _, s := range stop {
			if strings.HasPrefix(line, s) {
				return line
			}
		}
		switch {
		case err != nil:
			return ""
		case strings.HasPrefix(line, "EHLO"):
			reply = ehlo
		case strings.HasPrefix(line, "DATA"):
			reply = "354 go ahead\r\n"
		default:
			reply = "250 OK\r\n"
		}
	}
}

// A host that answers in the midst of DATA, and then closes, reads on or does
// neither.
func TestAnswerInTheMidst(t *testing.T) {
	then := map[string]func(in *bufio.Reader){
		"closes": func(*bufio.Reader) {},
		"reads on": func(in *bufio.Reader) {
			time.Sleep(time.Second)
			io.Copy(io.Discard, in)
		},
		"stalls": func(*bufio.Reader) { time.Sleep(time.Hour) },
	}
	for name, after := range then {
		for answer, want := range map[string]Reply{
			"554 5.7.1 spam\r\n":     {Code: 554, Status: smtp.Status{Class: 5, Subject: 7, Detail: 1}, Text: "5.7.1 spam"},
			"421 4.3.2 overload\r\n": {Code: 421, Status: smtp.Status{Class: 4, Subject: 3, Detail: 2}, Text: "4.3.2 overload"},
			"250 fine\r\n":           replyNonsense,
			"what\r\n":               replyNonsense,
			"":                       {Status: smtp.Status{Class: 4, Subject: 4, Detail: 2}, Text: "the host closed the connection"},
		} {
			for _, ehlo := range []string{"250 mx\r\n", "250-mx\r\n250 CHUNKING\r\n"} {
				if answer == "" && name != "closes" || answer == "250 fine\r\n" && strings.Contains(ehlo, "CHUNKING") {
					continue
				}
				t.Run(fmt.Sprintf("%s/%.3s/%t", name, answer, strings.Contains(ehlo, "CHUNKING")), func(t *testing.T) {
					against(t, Options{}, func(nc net.Conn, in *bufio.Reader) {
						if line := upTo(nc, in, ehlo, "DATA", "BDAT"); strings.HasPrefix(line, "DATA") {
							io.WriteString(nc, "354 go ahead\r\n")
						}
						io.CopyN(io.Discard, in, 100_000)
						io.WriteString(nc, answer)
						after(in)
					}, func(t *testing.T, c *Conn, err error) {
						if err != nil {
							t.Fatal(err)
						}
						m := message(strings.Repeat("x\r\n", 1<<18), smtp.Mail{})
						m.HandOver = func(context.Context, []int) error {
							t.Error("handed over")
							return nil
						}
						replies, err := c.Send(t.Context(), m)
						// A refusal of a chunk that was read to its end breaks nothing.
						goesOn := want.Code == 554 && c.Offer().Has(&smtp.Chunking) && name == "reads on"
						if replies[0] != want || (err == nil || c.Usable()) && !goesOn {
							t.Errorf("%+v, %v", replies, err)
						}
					})
				})
			}
		}
	}
}

// RFC 5321 §4.5.3.2: how long each answer may take.
func TestTimeouts(t *testing.T) {
	const chunking = "250-mx\r\n250 CHUNKING\r\n"
	for _, tt := range []struct {
		stop, ehlo string
		want       time.Duration
	}{
		{"", "", 5 * time.Minute},
		{"EHLO", "", 5 * time.Minute},
		{"MAIL", "250 mx\r\n", 5 * time.Minute},
		{"RCPT", "250 mx\r\n", 5 * time.Minute},
		{"DATA", "250 mx\r\n", 2 * time.Minute},
		{".", "250 mx\r\n", 10 * time.Minute},
		{"BDAT 3 LAST", chunking, 10 * time.Minute},
		{"RSET", "250 mx\r\n", time.Minute},
	} {
		t.Run(tt.stop, func(t *testing.T) {
			var stalled, ended time.Time
			against(t, Options{}, func(nc net.Conn, in *bufio.Reader) {
				if tt.stop != "" {
					upTo(nc, in, tt.ehlo, tt.stop)
				}
				stalled = time.Now()
				io.Copy(io.Discard, in)
				ended = time.Now()
			}, func(t *testing.T, c *Conn, err error) {
				if err == nil && tt.stop == "RSET" {
					err = c.Ready(t.Context())
				} else if err == nil {
					_, err = c.Send(t.Context(), message("x\r\n", smtp.Mail{}))
				}
				if err == nil {
					t.Error("no error")
				}
				if c != nil {
					c.Close()
				}
			})
			if got := ended.Sub(stalled); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// RFC 5321 §4.5.3.2.5: a host that does not read is given up.
func TestBlockTimeout(t *testing.T) {
	for _, ehlo := range []string{"250 mx\r\n", "250-mx\r\n250 CHUNKING\r\n"} {
		against(t, Options{}, func(nc net.Conn, in *bufio.Reader) {
			if line := upTo(nc, in, ehlo, "DATA", "BDAT"); strings.HasPrefix(line, "DATA") {
				io.WriteString(nc, "354 go ahead\r\n")
			}
			time.Sleep(time.Hour)
		}, func(t *testing.T, c *Conn, _ error) {
			began := time.Now()
			replies, err := c.Send(t.Context(), message(strings.Repeat("x\r\n", 1<<20), smtp.Mail{}))
			if err == nil || replies[0].Status.String() != "4.4.2" || replies[0].HandedOver || time.Since(began) > 4*time.Minute {
				t.Errorf("%+v, %v after %v", replies, err, time.Since(began))
			}
		})
	}
}

// When the end may have gone out, the host may have the message.
func TestEndNotTaken(t *testing.T) {
	against(t, Options{}, func(nc net.Conn, in *bufio.Reader) {
		upTo(nc, in, "250 mx\r\n", "DATA")
		io.WriteString(nc, "354 go ahead\r\n")
		io.CopyN(io.Discard, in, int64(len("x\r\n")))
		time.Sleep(time.Hour)
	}, func(t *testing.T, c *Conn, _ error) {
		replies, err := c.Send(t.Context(), message("x\r\n", smtp.Mail{}))
		if err == nil || replies[0] != replyUnclear {
			t.Errorf("%+v, %v", replies, err)
		}
	})
}

// The end of ctx ends every wait.
func TestContext(t *testing.T) {
	for _, stop := range []string{"EHLO", "MAIL", "DATA", "."} {
		against(t, Options{}, func(nc net.Conn, in *bufio.Reader) {
			upTo(nc, in, "250 mx\r\n", stop)
			io.Copy(io.Discard, in)
		}, func(t *testing.T, c *Conn, _ error) {
			if stop == "EHLO" {
				return
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, io.ErrShortBuffer)
			defer cancel()
			replies, err := c.Send(ctx, message("x\r\n", smtp.Mail{}))
			if !errors.Is(err, io.ErrShortBuffer) || replies[0].Status.String() != "4.4.2" || replies[0].HandedOver != (stop == ".") {
				t.Errorf("%s: %+v, %v", stop, replies, err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := Start(ctx, ours, Options{Hello: "x"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		theirs.Close()
	})
}

// A host that answers each command before it reads the next is no trouble when
// a group of them is sent (RFC 2920 §3.1).
func TestPipelineWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe() // it holds nothing
		go func() {
			defer theirs.Close()
			upTo(theirs, bufio.NewReaderSize(theirs, 16), "250-mx\r\n250 PIPELINING\r\n", "QUIT")
		}()
		c, err := Start(t.Context(), ours, Options{Hello: "x"})
		if err != nil {
			t.Fatal(err)
		}
		m := message("", smtp.Mail{})
		for range 3 * DefaultMaxRcpts {
			m.Rcpts = append(m.Rcpts, smtp.Rcpt{To: bob})
		}
		replies, _ := c.Send(t.Context(), m)
		later := 0
		for _, r := range replies {
			if r == replyLater {
				later++
			}
		}
		if later != 2*DefaultMaxRcpts+1 {
			t.Error(later)
		}
		c.Close()
	})
}

// RFC 3030 §2: after a refusal no more chunks are sent, and RSET goes on.
func TestChunkRefused(t *testing.T) {
	for _, offered := range [][]*smtp.Extension{smtptest.Everything, without(&smtp.Pipelining)} {
		bdats := 0
		s := peer(t, smtptest.Options{Extensions: offered, Answer: func(_ int, verb, args string) smtp.Reply {
			if verb == "BDAT" {
				if bdats++; bdats == 1 {
					return smtp.NewReply(452, 4, 3, 1, "disk full")
				}
			}
			return smtp.Reply{}
		}})
		c := mustStart(t, s, Options{})
		replies, err := c.Send(t.Context(), message(strings.Repeat("x\r\n", 1<<20), smtp.Mail{}))
		if replies[0].Code != 452 || err != nil || bdats > 2 {
			t.Errorf("%+v, %v, %d chunks", replies, err, bdats)
		}
		mustSend(t, c, message("y\r\n", smtp.Mail{}))
	}
}

// What is put behind the answer to STARTTLS in plaintext counts for nothing (RFC
// 3207 §4.2).
func TestInjectedBeforeTLS(t *testing.T) {
	ca := relaytest.NewCA(t)
	nc, theirs := net.Pipe()
	go func() {
		in := bufio.NewReader(theirs)
		upTo(theirs, in, "250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n", "STARTTLS")
		io.WriteString(theirs, "220 go ahead\r\n250-evil\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n")
		tc := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{ca.Leaf(t, "mx")}})
		line, _ := bufio.NewReader(tc).ReadString('\n')
		fmt.Fprintf(tc, "250 %.4s\r\n", line)
		io.Copy(io.Discard, tc)
	}()
	c, err := Start(t.Context(), nc, Options{Hello: "x", Policy: TLSRequired, TLS: &tls.Config{RootCAs: ca.Roots, ServerName: "mx"}})
	if err != nil {
		t.Fatal(err)
	}
	if o := c.Offer(); o.Domain != "EHLO" || o.Has(&smtp.Pipelining) || o.Has(&smtp.Chunking) || o.Has(&smtp.Authentication) {
		t.Errorf("%+v", o)
	}
	c.Close()
}

// Hosts that do not log in as they must (RFC 4954 §4).
func TestLoginRefused(t *testing.T) {
	for _, tt := range []struct {
		mechanism string
		answers   string // to each line
		err       error
		last      string
	}{
		{sasl.ScramSHA256, "235 you are in\r\n", sasl.ErrServer, "AUTH"},
		{sasl.ScramSHA256, "334 !!!\r\n", ErrProtocol, "*"},
		{sasl.ScramSHA256, "334 cj1ldmls\r\n", sasl.ErrServer, "*"},
		{sasl.ScramSHA256, "535 5.7.8 no\r\n", nil, "QUIT"},
		{sasl.Plain, "334 \r\n", sasl.ErrSyntax, "*"},
		{sasl.ScramSHA256Plus, "", ErrMechanism, "QUIT"},
	} {
		against(t, Options{Login: &Login{Username: "u", Password: "p", Cleartext: true, Mechanism: tt.mechanism}}, func(nc net.Conn, in *bufio.Reader) {
			line := upTo(nc, in, "250-mx\r\n250 AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN\r\n", "AUTH")
			last := ""
			for line != "" {
				last = line
				switch {
				case strings.HasPrefix(line, "AUTH"):
					io.WriteString(nc, tt.answers)
				case strings.HasPrefix(line, "QUIT"):
					line = ""
					continue
				default:
					io.WriteString(nc, "501 cancelled\r\n")
				}
				line, _ = in.ReadString('\n')
				if tt.last == "*" && strings.HasPrefix(line, "QUIT") {
					line = ""
				}
			}
			if tt.answers != "" && !strings.HasPrefix(last, tt.last) {
				t.Errorf("%s %s: %q was the last", tt.mechanism, tt.answers, last)
			}
		}, func(t *testing.T, _ *Conn, err error) {
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, tt.err) && tt.err != nil || tt.err == nil && e.Reply.Code != 535 {
				t.Errorf("%s %s: %v", tt.mechanism, tt.answers, err)
			}
		})
	}
}

// FuzzHost: whatever a host says, every recipient gets a verdict, and a positive
// one only when the message was handed over.
func FuzzHost(f *testing.F) {
	f.Add([]byte("220 mx\r\n250-mx\r\n250 PIPELINING\r\n250 OK\r\n250 OK\r\n550 no\r\n354 go\r\n250 OK\r\n"))
	f.Add([]byte("220 mx\r\n250-mx\r\n250-CHUNKING\r\n250-SIZE 5000\r\n250 LIMITS RCPTMAX=1\r\n250 OK\r\n250 OK\r\n250 OK\r\n"))
	f.Add([]byte("220 mx\r\n502 what\r\n250 mx\r\n250 OK\r\n250 OK\r\n250 OK\r\n354 go\r\n421 no\r\n"))
	f.Add([]byte("220 mx\r\n250-mx\r\n250-AUTH PLAIN\r\n250 BINARYMIME\r\n235 in\r\n250 OK\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		ours, theirs := net.Pipe()
		go io.Copy(io.Discard, theirs)
		go func() {
			for line := range bytes.Lines(said) {
				theirs.Write(line)
			}
			theirs.Close()
		}()
		c, err := Start(t.Context(), ours, Options{Hello: "x", Login: nil, Policy: TLSNone})
		if err != nil {
			return
		}
		for range 2 {
			handed := false
			m := message("x\r\n.\r\n", smtp.Mail{})
			m.Rcpts = append(m.Rcpts, smtp.Rcpt{To: alice, Notify: smtp.NotifyDelay})
			m.HandOver = func(context.Context, []int) error {
				if handed {
					t.Fatal("handed over twice")
				}
				handed = true
				return nil
			}
			replies, err := c.Send(t.Context(), m)
			for _, r := range replies {
				if r.Status.Class == 0 || r.OK() && !handed || r.HandedOver && !handed || len(r.Text) > maxText {
					t.Fatalf("%q: %+v, %v, %v", said, r, handed, err)
				}
			}
			if err == nil != (c.broken == nil) {
				t.Fatalf("%q: %v, %v", said, err, c.broken)
			}
		}
		c.Quit(t.Context())
	})
}
