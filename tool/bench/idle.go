package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// IdleCmd measures sessions in IDLE: what each costs in memory, as the growth
// of the server's proportional set size over all of them, and the time from
// the end of a delivery's data to its EXISTS.
type IdleCmd struct {
	Common     `embed:""`
	Sessions   int           `help:"Sessions in IDLE." default:"1000"`
	Compress   bool          `help:"Compress (RFC 4978) after login."`
	Messages   int           `help:"Messages in each mailbox, which is filled if it holds fewer." default:"0"`
	LMTP       []string      `help:"LMTP address of each server, in the order of --addr, for deliveries; without it only memory is measured." name:"lmtp" sep:"none" placeholder:"HOST:PORT"`
	Deliveries int           `help:"Deliveries whose arrival is timed." default:"200"`
	Settle     time.Duration `help:"Time for the server to become quiet before memory is read." default:"5s"`
}

// Run is called by kong. Servers are measured one after the other, each alone.
func (cmd *IdleCmd) Run(ctx context.Context) error {
	all, _, err := cmd.targets()
	if err != nil {
		return err
	}
	if err := cmd.fillAll(ctx, cmd.Messages); err != nil {
		return err
	}
	out := newTable(cmd.output())
	compressed := ""
	if cmd.Compress {
		compressed = ", compressed"
	}
	fmt.Fprintf(cmd.output(), "%d sessions in IDLE%s, TLS %s, %d accounts, %d messages each\n", cmd.Sessions, compressed, cmd.TLS, cmd.accounts(), cmd.Messages)
	out.row([]string{"", "PSS before KB", "PSS with KB", "KB/session", "server CPU ms/login", "EXISTS median ms", "99% ms"})
	for i, t := range all {
		row, err := cmd.measure(ctx, t, i)
		if err != nil {
			return errors.Join(out.flush(), err) // what is known already shall be seen
		}
		out.row(row)
	}
	return out.flush()
}

// idler is a session in IDLE.
type idler struct {
	conn *imapConn
	tag  string
}

func (cmd *IdleCmd) measure(ctx context.Context, t *target, index int) ([]string, error) {
	before, err := cmd.memory(ctx, t)
	if err != nil {
		return nil, err
	}
	start, err := t.server.usage()
	if err != nil {
		return nil, err
	}
	idlers, err := cmd.enter(ctx, t)
	defer func() {
		for _, s := range idlers {
			if s.conn != nil {
				s.conn.Close()
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	with, err := cmd.memory(ctx, t)
	if err != nil {
		return nil, err
	}
	now, err := t.server.usage()
	if err != nil {
		return nil, err
	}
	n := float64(cmd.Sessions)
	row := []string{t.name, fmt.Sprint(before >> 10), fmt.Sprint(with >> 10),
		fmt.Sprintf("%.1f", (float64(with)-float64(before))/1024/n),
		fmt.Sprintf("%.2f", 1e3*now.since(start).cpu.Seconds()/n), "-", "-"}
	if index < len(cmd.LMTP) {
		latency, err := cmd.deliveries(ctx, t, cmd.LMTP[index], idlers)
		if err != nil {
			return nil, err
		}
		row[5] = fmt.Sprintf("%.2f", 1e3*percentile(latency, 0.5))
		row[6] = fmt.Sprintf("%.2f", 1e3*percentile(latency, 0.99))
	}
	return row, nil
}

// memory reads the PSS when the server has had time to become quiet.
func (cmd *IdleCmd) memory(ctx context.Context, t *target) (uint64, error) {
	if t.server.kind == "none" {
		return 0, nil
	}
	if err := rest(ctx, cmd.Settle); err != nil {
		return 0, err
	}
	return t.server.pss()
}

// enter opens all sessions, a few at a time.
func (cmd *IdleCmd) enter(ctx context.Context, t *target) ([]idler, error) {
	idlers := make([]idler, cmd.Sessions)
	return idlers, each(ctx, cmd.Conns, func(ctx context.Context, w int) error {
		for i := w; i < cmd.Sessions && ctx.Err() == nil; i += cmd.Conns {
			conn, err := dialIMAP(ctx, t, cmd.TLS, cmd.user(i), cmd.Password)
			if err != nil {
				return err
			}
			idlers[i].conn = conn
			if cmd.Compress {
				if err := conn.compress(); err != nil {
					return err
				}
			}
			if err := conn.do("SELECT %s", quote(cmd.Mailbox)); err != nil {
				return err
			}
			if idlers[i].tag, err = conn.start("IDLE"); err != nil {
				return err
			}
			if line, err := conn.line(); err != nil || line[0] != '+' {
				return fmt.Errorf("%s: IDLE: %q, %w", t.name, line, err)
			}
		}
		return nil
	})
}

// arrivalTimeout bounds the wait for one EXISTS.
const arrivalTimeout = 30 * time.Second

// deliveries delivers one message after the other and times its EXISTS at one
// session of the account.
func (cmd *IdleCmd) deliveries(ctx context.Context, t *target, address string, idlers []idler) ([]time.Duration, error) {
	lmtp, err := newTarget(t.name + "=" + address)
	if err != nil {
		return nil, err
	}
	conn, err := dialLMTP(ctx, lmtp)
	if err != nil {
		return nil, err
	}
	defer conn.quit()
	messages, err := newPool("small", cmd.Seed)
	if err != nil {
		return nil, err
	}
	latency := make([]time.Duration, 0, cmd.Deliveries)
	var text []byte
	// The first session of each account watches: what reaches the others is
	// the same, and nobody reads it here.
	watchers := min(cmd.accounts(), len(idlers))
	for n := range cmd.Deliveries {
		i := n % watchers
		text = messages.next(text)
		arrived := make(chan arrival, 1)
		go func() { arrived <- idlers[i].conn.awaitExists() }()
		start := time.Now()
		if err := conn.deliver(outsider, cmd.user(i), text); err != nil {
			return nil, err
		}
		select {
		case a := <-arrived:
			if a.err != nil {
				return nil, a.err
			}
			latency = append(latency, max(0, a.at.Sub(start)))
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return latency, nil
}

// arrival is the moment at which EXISTS was read.
type arrival struct {
	at  time.Time
	err error
}

// awaitExists reads up to the next EXISTS.
func (c *imapConn) awaitExists() arrival {
	if err := c.SetReadDeadline(time.Now().Add(arrivalTimeout)); err != nil {
		return arrival{err: err}
	}
	for {
		line, err := c.line()
		if err != nil {
			return arrival{err: err}
		}
		at := time.Now()
		if bytes.HasPrefix(line, []byte("* BYE")) {
			return arrival{err: errors.New("the server ended an idle session")}
		}
		if _, ok := untagged(line, "EXISTS"); ok {
			return arrival{at: at}
		}
	}
}
