package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"citron/submission/queue"
)

// Operations behind `citron queue`.

// QueueRequest says which messages an operation is about: one by its ID, those
// for a Domain, or of an Account (a name), or all.
type QueueRequest struct {
	ID, Domain, Account string
	All                 bool
	State               string // of queue.list: waiting, due, out or held; "" for any
	After               string // of queue.list: the ID after which a page begins
	Report              bool   // of queue.delete: the sender is told
}

// QueueMessage is a line of `citron queue list`.
type QueueMessage struct {
	ID         string
	Account    string // its name; "" for the server itself
	From       string // "" for reports
	Size       int64  // octets
	Received   time.Time
	Recipients uint64    // that are not done
	Domains    []string  // where they are, the first few
	State, Why string    // why it is not tried now, besides its time
	Next       time.Time // zero if it is held
	Last       string    // how the last try ended
}

// QueueDetails are what `citron queue show` says of a message.
type QueueDetails struct {
	QueueMessage
	MessageID, EnvelopeID string
	Deadline, GiveUp      time.Time // zero: none
	Pending               []QueueRecipient
}

// QueueRecipient is one that is not done.
type QueueRecipient struct {
	Address, State, Why, Last string
	Attempts                  int
	Next                      time.Time
	// HandedOver are hosts that may have the message without our knowing it.
	HandedOver []string
}

// QueueCount is how many messages an operation concerned.
type QueueCount struct{ Messages int }

var queueOperations = []operation{
	on("queue.list", (*Service).listQueue),
	on("queue.show", (*Service).showQueued),
	on("queue.retry", selected((*queue.Queue).Retry)),
	on("queue.hold", selected((*queue.Queue).Hold)),
	on("queue.unhold", selected((*queue.Queue).Unhold)),
	on("queue.delete", (*Service).deleteQueued),
}

// queuePage is the number of messages queue.list gives at once.
const queuePage = 1000

// queueStates are the states by name.
var queueStates = map[string]queue.State{
	"": queue.AnyState, "waiting": queue.Waiting, "due": queue.Due, "out": queue.Out, "held": queue.Held,
}

// selected makes an operation of a method on messages.
func selected(run func(*queue.Queue, context.Context, queue.Selection) (int, error)) func(*Service, context.Context, QueueRequest) (QueueCount, error) {
	return func(s *Service, ctx context.Context, r QueueRequest) (QueueCount, error) {
		what, err := s.selection(ctx, r)
		if err != nil {
			return QueueCount{}, err
		}
		n, err := run(s.Queue, ctx, what)
		return QueueCount{n}, err
	}
}

func (s *Service) deleteQueued(ctx context.Context, r QueueRequest) (QueueCount, error) {
	what, err := s.selection(ctx, r)
	if err != nil {
		return QueueCount{}, err
	}
	n, err := s.Queue.Delete(ctx, what, r.Report)
	return QueueCount{n}, err
}

func (s *Service) selection(ctx context.Context, r QueueRequest) (queue.Selection, error) {
	number, err := s.accountNumber(ctx, r.Account)
	return queue.Selection{ID: r.ID, Domain: r.Domain, Account: number, All: r.All}, err
}

// accountNumber is nil for no name.
func (s *Service) accountNumber(ctx context.Context, name string) (*uint64, error) {
	if name == "" {
		return nil, nil
	}
	found, err := s.Directory.Lookup(ctx, name)
	return &found.Number, err
}

func (s *Service) listQueue(ctx context.Context, r QueueRequest) ([]QueueMessage, error) {
	state, known := queueStates[r.State]
	if !known {
		return nil, fmt.Errorf("no state %q: waiting, due, out or held", r.State)
	}
	number, err := s.accountNumber(ctx, r.Account)
	if err != nil {
		return nil, err
	}
	list := []QueueMessage{}
	names := map[uint64]string{}
	filter := queue.Filter{Domain: r.Domain, Account: number, State: state, After: r.After, Limit: queuePage}
	err = s.Queue.List(ctx, filter, func(m queue.Summary) error {
		shown, err := s.describe(ctx, &m, names)
		list = append(list, shown)
		return err
	})
	return list, err
}

// describe puts a message into words. names are those of accounts found so far.
func (s *Service) describe(ctx context.Context, m *queue.Summary, names map[uint64]string) (QueueMessage, error) {
	if _, known := names[m.Account]; !known && m.Account != 0 {
		found, err := s.Directory.ByNumber(ctx, m.Account)
		if err != nil {
			return QueueMessage{}, err
		}
		names[m.Account] = fmt.Sprintf("account %d, which is gone", m.Account)
		for _, a := range found {
			names[m.Account] = a.Name
		}
	}
	return QueueMessage{
		ID: m.ID, Account: names[m.Account], From: m.From.String(), Size: m.Size, Received: m.Received,
		Recipients: m.Recipients, Domains: m.Domains, State: m.State.String(), Why: m.Why, Next: m.Next, Last: lastTry(m.Last),
	}, nil
}

// lastTry is a line on how a try ended.
func lastTry(a queue.Attempt) string {
	if a.At.IsZero() {
		return ""
	}
	text := a.Status.String() + " " + a.Text
	if a.Code != 0 {
		text = fmt.Sprintf("%d %s", a.Code, text)
	}
	if a.Host != "" {
		text = a.Host + ": " + text
	}
	return text
}

func (s *Service) showQueued(ctx context.Context, r QueueRequest) (QueueDetails, error) {
	if r.ID == "" {
		return QueueDetails{}, errors.New("name a message by its ID; citron queue list shows them")
	}
	d, err := s.Queue.Show(ctx, r.ID)
	if err != nil {
		return QueueDetails{}, err
	}
	m, err := s.describe(ctx, &d.Summary, map[uint64]string{})
	if err != nil {
		return QueueDetails{}, err
	}
	out := QueueDetails{
		QueueMessage: m, MessageID: d.Envelope.Content.MessageID, EnvelopeID: d.Envelope.Mail.EnvelopeID,
		Deadline: d.Deadline, GiveUp: d.GiveUp,
	}
	for i := range d.Pending {
		p := &d.Pending[i]
		shown := QueueRecipient{
			Address: d.Envelope.Rcpts[p.Index].To.String(), State: p.State.String(), Why: p.Why, Last: lastTry(p.Last),
			Attempts: p.Attempts, Next: p.Next,
		}
		for _, h := range p.HandedOver {
			shown.HandedOver = append(shown.HandedOver, fmt.Sprintf("%s at %s", h.Host, h.At.Format(time.RFC3339)))
		}
		out.Pending = append(out.Pending, shown)
	}
	return out, nil
}
