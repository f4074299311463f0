package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"citron/wire/imap"
)

// TestScript runs testdata/script/*.txtar: the command line as a person uses
// it, with and without a running server. Besides the commands of testscript
// and citron itself there are:
//
//	demo DATA [FLAG…]        starts the demo; $IMAP, $IMAPS and $LMTP are its addresses
//	stop INT|TERM            ends it, which must be in good order
//	[!] login USER PASSWORD  logs in by IMAP
//	imap LINE…               sends commands as alice, and shows the answers
//	[!] deliver TO FILE      delivers by LMTP
//	[!] submit TO FILE       submits as alice
//	ids                      $QUEUED is the first message of the queue, by its id
//	idle USER PASSWORD       leaves a session in IDLE
//	ended                    awaits the server's BYE to that session
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Values[sceneKey{}] = &scene{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"demo": on((*scene).demo), "quit": on((*scene).quit), "login": on((*scene).login),
			"imap": on((*scene).imap), "deliver": on((*scene).deliver),
			"submit": on((*scene).submit), "ids": on((*scene).ids),
			"idle": on((*scene).idle), "ended": on((*scene).ended),
		},
	})
}

// scene is what runs beside a script.
type scene struct {
	*process
	parked *client
}

type sceneKey struct{}

// on makes a command of a method; its error is what "!" expects.
func on(run func(*scene, *testscript.TestScript, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := run(ts.Value(sceneKey{}).(*scene), ts, args)
		switch {
		case err != nil && !neg:
			ts.Fatalf("%v", err)
		case err == nil && neg:
			ts.Fatalf("unexpected success")
		case err != nil:
			fmt.Fprintln(ts.Stderr(), err)
		}
	}
}

func (s *scene) demo(ts *testscript.TestScript, args []string) error {
	p, err := launch(ts.MkAbs(args[0]), args[1:]...)
	if err != nil {
		return err
	}
	ts.Defer(p.kill)
	s.process = p
	for name := range demoPorts {
		ts.Setenv(strings.ToUpper(name), p.addr(name))
	}
	return nil
}

func (s *scene) quit(ts *testscript.TestScript, args []string) error {
	sig := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM}[args[0]]
	code, err := s.process.stop(sig)
	fmt.Fprint(ts.Stderr(), s.stderr)
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	return err
}

func (s *scene) login(_ *testscript.TestScript, args []string) error {
	c, err := dialClient(s.addr("imap"), args[0], args[1])
	if err == nil {
		c.Close()
	}
	return err
}

func (s *scene) imap(ts *testscript.TestScript, lines []string) error {
	c, err := dialClient(s.addr("imap"), "alice@example.org", demoPassword)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, line := range lines {
		text, err := c.raw(line)
		fmt.Fprint(ts.Stdout(), text)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) deliver(ts *testscript.TestScript, args []string) error {
	m, err := dialMailer(s.addr("lmtp"))
	if err != nil {
		return err
	}
	defer m.Close()
	return m.deliver(args[0], []byte(strings.ReplaceAll(ts.ReadFile(args[1]), "\n", "\r\n")))
}

func (s *scene) submit(ts *testscript.TestScript, args []string) error {
	c, err := dialSender(s.addr("submission"))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.say("MAIL FROM:<alice@example.org>\r\nRCPT TO:<"+args[0]+">\r\nDATA\r\n", "250", "250", "354"); err != nil {
		return err
	}
	return c.say(strings.ReplaceAll(ts.ReadFile(args[1]), "\n", "\r\n")+".\r\n", "250")
}

// ids reads the last table of the queue.
func (s *scene) ids(ts *testscript.TestScript, _ []string) error {
	out, err := citron("queue", "list", "--data", s.data).Output()
	if err != nil {
		return err
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) < 2 || lines[1] == "" {
		return errors.New("the queue is empty")
	}
	ts.Setenv("QUEUED", strings.Fields(lines[1])[0])
	return nil
}

func (s *scene) idle(ts *testscript.TestScript, args []string) error {
	c, err := dialClient(s.addr("imap"), args[0], args[1])
	if err != nil {
		return err
	}
	ts.Defer(func() { c.Close() })
	s.parked = c
	if _, err := c.Write([]byte("i IDLE\r\n")); err != nil {
		return err
	}
	for {
		switch r, err := c.r.Next(); r.(type) {
		case *imap.ContinueResponse:
			return nil
		case nil:
			return err
		}
	}
}

func (s *scene) ended(ts *testscript.TestScript, _ []string) error {
	s.parked.SetDeadline(time.Now().Add(time.Minute)) // a failure rather than a hang
	for {
		r, err := s.parked.r.Next()
		if err != nil {
			return errors.Join(errors.New("no BYE"), err)
		}
		if bye, ok := r.(*imap.StatusResponse); ok && bye.Kind == imap.BYE {
			fmt.Fprintln(ts.Stdout(), bye.Text)
			return nil
		}
	}
}
