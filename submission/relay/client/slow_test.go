package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"citron/wire/smtp"
)

// drip reads on slowly, 32 KiB at a time.
func drip(in io.Reader, pause time.Duration) {
	for {
		time.Sleep(pause)
		if _, err := io.CopyN(io.Discard, in, blockSize); err != nil {
			return
		}
	}
}

// A host that keeps to every timeout of RFC 5321 §4.5.3.2, barely, is given up
// when the whole takes too long. Nobody can think it has the message.
func TestSlowAllInAll(t *testing.T) {
	const mib = 1 << 20
	for name, tt := range map[string]struct {
		ehlo  string
		rcpts int
		size  int
		host  func(nc net.Conn, in *bufio.Reader, ehlo string)
		want  time.Duration // since MAIL
	}{
		"RCPT": {"250 mx\r\n", 100, 6, func(nc net.Conn, in *bufio.Reader, ehlo string) {
			upTo(nc, in, ehlo, "RCPT")
			for {
				time.Sleep(4 * time.Minute)
				io.WriteString(nc, "250 OK\r\n")
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
		}, (15 + 50) * time.Minute},
		"DATA": {"250 mx\r\n", 1, 3 * mib, func(nc net.Conn, in *bufio.Reader, ehlo string) {
			upTo(nc, in, ehlo, "DATA")
			io.WriteString(nc, "354 go ahead\r\n")
			drip(in, 2*time.Minute)
		}, 15*time.Minute + (30+3*128)*time.Second},
		"BDAT": {"250-mx\r\n250 CHUNKING\r\n", 1, 3 * mib, func(nc net.Conn, in *bufio.Reader, ehlo string) {
			for line := upTo(nc, in, ehlo, "BDAT"); line != ""; line, _ = in.ReadString('\n') {
				n, _ := strconv.ParseInt(strings.Fields(line)[1], 10, 64)
				drip(io.LimitReader(in, n), 2*time.Minute)
				io.WriteString(nc, "250 OK\r\n")
			}
		}, 15*time.Minute + (30+3*128)*time.Second},
		"the last chunk": {"250-mx\r\n250 CHUNKING\r\n", 1, 256 << 10, func(nc net.Conn, in *bufio.Reader, ehlo string) {
			upTo(nc, in, ehlo, "BDAT")
			drip(in, 170*time.Second)
		}, 15*time.Minute + (30+32)*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			against(t, Options{}, func(nc net.Conn, in *bufio.Reader) { tt.host(nc, in, tt.ehlo) }, func(t *testing.T, c *Conn, err error) {
				if err != nil {
					t.Fatal(err)
				}
				m := message(strings.Repeat("x\r\n", tt.size/3), smtp.Mail{})
				for len(m.Rcpts) < tt.rcpts {
					m.Rcpts = append(m.Rcpts, m.Rcpts[0])
				}
				m.HandOver = func(context.Context, []int) error {
					if name != "the last chunk" {
						t.Error("handed over")
					}
					return nil
				}
				began := time.Now()
				replies, err := c.Send(t.Context(), m)
				if !errors.Is(err, errSlow) || c.Usable() {
					t.Error(err)
				}
				for _, r := range replies {
					if r.Status.String() != "4.4.2" || r.Text != errSlow.Error() || r.HandedOver {
						t.Errorf("%+v", r)
						break
					}
				}
				if took := time.Since(began); took < tt.want-time.Second || took > tt.want {
					t.Errorf("took %v, want %v", took, tt.want)
				}
			})
		})
	}
}

// RFC 5321 §4.5.3.2.6: what the host has to its end is waited for all the same,
// and a host that is as fast as it need be is not slow.
func TestSlowEnough(t *testing.T) {
	for _, ehlo := range []string{"250 mx\r\n", "250-mx\r\n250 CHUNKING\r\n"} {
		against(t, Options{}, func(nc net.Conn, in *bufio.Reader) {
			end := "x\r\n"
			for _, stop := range []string{"MAIL", "RCPT"} {
				upTo(nc, in, ehlo, stop)
				time.Sleep(5*time.Minute - time.Second)
			}
			io.WriteString(nc, "250 OK\r\n")
			if line, _ := in.ReadString('\n'); strings.HasPrefix(line, "DATA") {
				time.Sleep(2*time.Minute - time.Second)
				io.WriteString(nc, "354 go ahead\r\n")
				end = ".\r\n"
				time.Sleep(3*time.Minute - time.Second)
			}
			for line := ""; line != end; {
				line, _ = in.ReadString('\n')
			}
			time.Sleep(10*time.Minute - time.Second)
			io.WriteString(nc, "250 OK\r\n")
			in.ReadString('\n')
		}, func(t *testing.T, c *Conn, err error) {
			if err != nil {
				t.Fatal(err)
			}
			mustSend(t, c, message("x\r\n", smtp.Mail{}))
			if !c.Usable() {
				t.Error("broken")
			}
			c.Close()
		})
	}
}

// Greeting, EHLO and HELO are each answered in time.
func TestSlowSetup(t *testing.T) {
	var began time.Time
	against(t, Options{Timeouts: Timeouts{Setup: 12 * time.Minute}}, func(nc net.Conn, in *bufio.Reader) {
		began = time.Now()
		for _, answer := range []string{"220 mx", "500 what", "250 mx"} {
			time.Sleep(5*time.Minute - time.Second)
			io.WriteString(nc, answer+"\r\n")
			if _, err := in.ReadString('\n'); err != nil {
				return
			}
		}
	}, func(t *testing.T, c *Conn, err error) {
		if !errors.Is(err, errSlow) || time.Since(began) != 12*time.Minute {
			t.Error(err, time.Since(began))
		}
	})
}
