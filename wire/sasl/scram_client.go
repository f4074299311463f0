package sasl

import "github.com/xdg-go/scram"

// ScramOptions says how a client logs in.
type ScramOptions struct {
	Authzid, Authcid, Password string
	// Binding and BindingData choose SCRAM-SHA-256-PLUS with that binding;
	// empty: SCRAM-SHA-256.
	Binding     string
	BindingData []byte
	// CouldBind: the client would have bound but the server announced no
	// -PLUS; the server checks that it was not made to look so.
	CouldBind bool
}

// NewScramClient makes the client's side; the password is prepared by SASLprep
// as RFC 5802 §2.2 says.
func NewScramClient(o ScramOptions) (Client, error) {
	c, err := scram.SHA256.NewClient(o.Authcid, o.Password, o.Authzid)
	if err != nil {
		return nil, ErrSyntax
	}
	return newScramClient(c, o), nil
}

func newScramClient(c *scram.Client, o ScramOptions) *scramClient {
	s := &scramClient{mechanism: ScramSHA256}
	switch {
	case o.Binding != "":
		s.mechanism = ScramSHA256Plus
		s.conv = c.NewConversationWithChannelBinding(scram.ChannelBinding{
			Type: scram.ChannelBindingType(o.Binding), Data: o.BindingData,
		})
	case o.CouldBind:
		s.conv = c.NewConversationAdvertisingChannelBinding()
	default:
		s.conv = c.NewConversation()
	}
	return s
}

type scramClient struct {
	mechanism string
	conv      *scram.ClientConversation
}

func (c *scramClient) Start() (string, []byte, error) {
	first, err := c.conv.Step("")
	if err != nil {
		return "", nil, ErrSyntax
	}
	return c.mechanism, []byte(first), nil
}

func (c *scramClient) Next(challenge []byte) ([]byte, error) {
	if len(challenge) > MaxMessage {
		return nil, ErrTooLong
	}
	answer, err := c.conv.Step(string(challenge))
	if err != nil || c.conv.Done() && !c.conv.Valid() {
		return nil, ErrServer
	}
	return []byte(answer), nil
}

// Done waits for the server's signature (RFC 5802 §3).
func (c *scramClient) Done() bool { return c.conv.Done() && c.conv.Valid() }
