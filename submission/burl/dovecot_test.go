package burl_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"citron/ops/tlscert"
	"citron/submission"
	"citron/submission/burl"
	"citron/wire/imap"
)

// dovecotConf has one user for submission (imap_urlauth_submit_user), as RFC
// 4468 §3.3 suggests it. A URL names the host that Dovecot knows itself by.
const dovecotConf = `
base_dir = %[1]s/run
state_dir = %[1]s/run
instance_name = citron-burl-test
log_path = %[1]s/dovecot.log
listen = 127.0.0.1
protocols = imap
ssl = yes
ssl_cert = <%[1]s/cert.pem
ssl_key = <%[1]s/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain
passdb {
  driver = static
  args = password=lemonade
}
userdb {
  driver = static
  args = uid=5000 gid=5000 home=%[1]s/mail/%%u allow_all_users=yes
}
mail_location = sdbox:~/sdbox
mail_attribute_dict = file:%%h/attributes
first_valid_uid = 5000
imap_urlauth_host = localhost
imap_urlauth_port = %[2]d
imap_urlauth_submit_user = submit
service auth {
  unix_listener token-login/tokenlogin {
    mode = 0
  }
  unix_listener token-login/real-tokenlogin {
    mode = 0666
  }
}
service imap-login {
  inet_listener imap {
    port = %[2]d
  }
  inet_listener imaps {
    port = 0
  }
}
`

// dovecot starts one, and gives its directory and port.
func dovecot(t *testing.T) (dir string, port int) {
	path, err := exec.LookPath("/usr/sbin/dovecot")
	if _, err2 := os.Stat("/usr/lib/dovecot/imap-urlauth"); err != nil || err2 != nil || os.Getuid() != 0 {
		t.Skip("Dovecot (dovecot-imapd) is not installed, or this is not root")
	}
	// Its users must reach it, and its sockets have names of 108 octets.
	dir, err = os.MkdirTemp("/tmp", "burl")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o755))
	check(t, os.Mkdir(filepath.Join(dir, "mail"), 0o700))
	check(t, os.Chown(filepath.Join(dir, "mail"), 5000, 5000))
	pair := tlscert.Pair{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	_, err = tlscert.EnsureSelfSigned(pair, []string{"localhost"}, time.Now())
	check(t, err)
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port = socket.Addr().(*net.TCPAddr).Port
	socket.Close()
	conf := filepath.Join(dir, "dovecot.conf")
	check(t, os.WriteFile(conf, fmt.Appendf(nil, dovecotConf, dir, port), 0o644))
	cmd := exec.Command(path, "-F", "-c", conf)
	check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		if log, err := os.ReadFile(filepath.Join(dir, "dovecot.log")); err == nil && t.Failed() {
			t.Logf("%s", log)
		}
	})
	mendTokens(t, filepath.Join(dir, "run", "token-login"))
	return dir, port
}

// mendTokens stands between two parts of Dovecot. In 2.3.19 one does not say
// that the mechanism by which URLFETCH is let in is private, and the other dies
// of that.
func mendTokens(t *testing.T, dir string) {
	var socket net.Listener
	await(t, func() (err error) {
		if _, err = os.Stat(filepath.Join(dir, "real-tokenlogin")); err == nil {
			socket, err = net.Listen("unix", filepath.Join(dir, "tokenlogin"))
		}
		return err
	})
	check(t, os.Chmod(filepath.Join(dir, "tokenlogin"), 0o666))
	t.Cleanup(func() { socket.Close() })
	go func() {
		for {
			c, err := socket.Accept()
			if err != nil {
				return
			}
			go mendToken(c, filepath.Join(dir, "real-tokenlogin"))
		}
	}()
}

func mendToken(c net.Conn, path string) {
	defer c.Close()
	real, err := net.Dial("unix", path)
	if err != nil {
		return
	}
	defer real.Close()
	go func() {
		io.Copy(real, c)
		real.Close()
	}()
	for r := bufio.NewReader(real); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if line == "MECH\tDOVECOT-TOKEN\n" {
			line = "MECH\tDOVECOT-TOKEN\tprivate\n"
		}
		io.WriteString(c, line)
	}
}

// await tries until something works, for half a minute.
func await(t *testing.T, try func() error) {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(until) {
			t.Fatal("Dovecot does not come up: ", err)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dovecotUser is a session of alice's at Dovecot, as soon as that answers.
func dovecotUser(t *testing.T, port int) func(format string, args ...any) []imap.Response {
	var c net.Conn
	await(t, func() (err error) {
		c, err = net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
		return err
	})
	t.Cleanup(func() { c.Close() })
	r := imap.NewResponseReader(c)
	_, err := r.Next()
	check(t, err)
	return func(format string, args ...any) (said []imap.Response) {
		t.Helper()
		_, err := io.WriteString(c, "a "+fmt.Sprintf(format, args...)+"\r\n")
		check(t, err)
		for {
			r, err := r.Next()
			check(t, err)
			if status, ok := r.(*imap.StatusResponse); ok && status.Tag == "a" {
				if status.Kind != imap.OK {
					t.Fatalf("%s: %v", format, status)
				}
				return said
			}
			said = append(said, r)
		}
	}
}

// TestDovecot: a store that is not Citron, by PLAIN after STARTTLS.
func TestDovecot(t *testing.T) {
	dir, port := dovecot(t)
	alice := dovecotUser(t, port)
	alice("LOGIN alice lemonade")
	const text = "Subject: trip\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello.\r\n" +
		"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8uDQo=\r\n--b--\r\n"
	long := "Subject: long\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", 100_000)
	nul := "Content-Type: image/gif\r\nContent-Transfer-Encoding: binary\r\n\r\na\x00b"
	inBase64 := "Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi" // so Dovecot stores it (RFC 3516 §4.4)
	for _, message := range []string{text, long} {
		alice("APPEND INBOX {%d+}\r\n%s", len(message), message)
	}
	alice("APPEND INBOX ~{%d+}\r\n%s", len(nul), nul)
	authorize := func(uid int, rest string) string {
		t.Helper()
		for _, r := range alice(`GENURLAUTH "imap://alice@localhost:%d/INBOX/;uid=%d%s" INTERNAL`, port, uid, rest) {
			if urls, ok := r.(*imap.GenURLAuthResponse); ok {
				return urls.URLs[0]
			}
		}
		t.Fatal("no GENURLAUTH")
		return ""
	}
	pem, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	check(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	host := fmt.Sprint("localhost:", port)
	f, err := burl.New(burl.Config{Stores: map[string]submission.Fetcher{host: newIMAP(t, burl.IMAPConfig{
		Address: host, TLS: &tls.Config{RootCAs: roots}, Password: func() (string, error) { return "lemonade", nil },
	})}})
	check(t, err)
	for _, c := range []struct {
		uid    int
		rest   string
		want   string
		binary bool
	}{
		{1, ";urlauth=submit+alice", text, false}, {1, ";urlauth=submit+alice", text, true}, {1, "/;section=1;urlauth=submit+alice", "Hello.", false},
		{1, "/;section=2;urlauth=submit+alice", "SGVsbG8uDQo=", true}, {1, "/;section=2.MIME;urlauth=submit+alice", "Content-Transfer-Encoding: base64\r\n\r\n", true},
		{2, ";urlauth=submit+alice", long, false}, {2, ";urlauth=submit+alice", long, true},
		{3, ";urlauth=submit+alice", inBase64, true}, {3, ";urlauth=submit+alice", inBase64, false},
		{1, "/;section=1;urlauth=authuser", "Hello.", false}, {1, "/;section=1;urlauth=anonymous", "Hello.", false},
	} {
		content, err := f.Fetch(context.Background(), "alice", authorize(c.uid, c.rest), c.binary)
		if err != nil {
			t.Errorf("%d%s: %v", c.uid, c.rest, err)
			continue
		}
		if got, err := io.ReadAll(content); string(got) != c.want || err != nil || content.Size() != int64(len(got)) {
			t.Errorf("%d%s, binary %v: %.300q, %v", c.uid, c.rest, c.binary, got, err)
		}
		content.Close()
	}
	good := authorize(1, ";urlauth=submit+alice")
	for _, bad := range []string{authorize(1, ";urlauth=user+alice"), good[:len(good)-1] + map[bool]string{true: "1", false: "0"}[good[len(good)-1] == '0'],
		strings.Replace(good, "uid=1", "uid=2", 1)} {
		if _, err := f.Fetch(context.Background(), "alice", bad, false); !errors.Is(err, submission.ErrNoURL) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	alice("RESETKEY INBOX")
	if _, err := f.Fetch(context.Background(), "alice", good, false); !errors.Is(err, submission.ErrNoURL) {
		t.Errorf("after RESETKEY: %v", err)
	}
}
