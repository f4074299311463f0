package imap

// Command is one parsed command; its concrete type holds the arguments. The
// server dispatches on the type or on Name.
type Command interface {
	// Name is the verb in upper case. Commands with a UID form have a
	// UID field and the same Name in both forms.
	Name() string
	// appendArgs writes what follows the verb, with a leading space.
	appendArgs(e *encoder)
}

// Commands without arguments.
type (
	Capability struct{} // RFC 9051 §6.1.1
	Noop       struct{} // RFC 9051 §6.1.2
	Logout     struct{} // RFC 9051 §6.1.3
	StartTLS   struct{} // RFC 9051 §6.2.1
	Namespace  struct{} // RFC 9051 §6.3.10, RFC 2342
	Idle       struct{} // RFC 9051 §6.3.13, RFC 2177
	Check      struct{} // RFC 3501 §6.4.1
	Close      struct{} // RFC 9051 §6.4.1
	Unselect   struct{} // RFC 9051 §6.4.2, RFC 3691
	// Unauthenticate is UNAUTHENTICATE (RFC 8437 §3).
	Unauthenticate struct{}
)

func (*Capability) Name() string { return "CAPABILITY" }
func (*Noop) Name() string       { return "NOOP" }
func (*Logout) Name() string     { return "LOGOUT" }
func (*StartTLS) Name() string   { return "STARTTLS" }
func (*Namespace) Name() string  { return "NAMESPACE" }
func (*Idle) Name() string       { return "IDLE" }
func (*Check) Name() string      { return "CHECK" }
func (*Close) Name() string      { return "CLOSE" }
func (*Unselect) Name() string   { return "UNSELECT" }

func (*Unauthenticate) Name() string { return "UNAUTHENTICATE" }

func (*Capability) appendArgs(*encoder) {}
func (*Noop) appendArgs(*encoder)       {}
func (*Logout) appendArgs(*encoder)     {}
func (*StartTLS) appendArgs(*encoder)   {}
func (*Namespace) appendArgs(*encoder)  {}
func (*Idle) appendArgs(*encoder)       {}
func (*Check) appendArgs(*encoder)      {}
func (*Close) appendArgs(*encoder)      {}
func (*Unselect) appendArgs(*encoder)   {}

func (*Unauthenticate) appendArgs(*encoder) {}

func parseCapability(c *cursor) (Command, error) { return &Capability{}, nil }
func parseNoop(c *cursor) (Command, error)       { return &Noop{}, nil }
func parseLogout(c *cursor) (Command, error)     { return &Logout{}, nil }
func parseStartTLS(c *cursor) (Command, error)   { return &StartTLS{}, nil }
func parseNamespace(c *cursor) (Command, error)  { return &Namespace{}, nil }
func parseIdle(c *cursor) (Command, error)       { return &Idle{}, nil }
func parseCheck(c *cursor) (Command, error)      { return &Check{}, nil }
func parseClose(c *cursor) (Command, error)      { return &Close{}, nil }
func parseUnselect(c *cursor) (Command, error)   { return &Unselect{}, nil }

func parseUnauthenticate(c *cursor) (Command, error) { return &Unauthenticate{}, nil }
