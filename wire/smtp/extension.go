package smtp

// Extension is what one SMTP service extension (RFC 5321 §2.2) adds to the
// syntax: pure data, one value per extension, in a file of its own.
type Extension struct {
	// Keyword is announced in the answer to EHLO or LHLO; a session may add
	// a parameter to it there (SIZE).
	Keyword string
	// RFC says where it is defined.
	RFC string
	// Mail and Rcpt are the parameters it adds.
	Mail []Param[Mail]
	Rcpt []Param[Rcpt]
	// Check, if not nil, sees a MAIL command as a whole: what one parameter
	// says of another. The error is a Reply.
	Check func(*Mail) error
}

// Param is a parameter of a command whose arguments become a T.
type Param[T any] struct {
	Keyword string // in capitals
	Value   ValueRule
	// Set checks the value, empty if there was none, and puts it into the
	// command. The error is a Reply.
	Set func(command *T, value []byte) error
	// Append appends the value, if there is one, as a client sends it; said
	// is false if the command does not say it, and then what was appended
	// does not count. utf8 says that the transaction has SMTPUTF8.
	Append func(dst []byte, command *T, utf8 bool) (out []byte, said bool)
}

// ValueRule says whether a parameter has "=" and a value.
type ValueRule uint8

const (
	NoValue ValueRule = iota
	NeedsValue
)

// withParams lists the extensions that have parameters, in the order in which a
// client sends them.
var withParams = []*Extension{
	&Size, &EightBitMIME, &UTF8, &Authentication, &DSN, &FutureRelease,
	&Deadline, &MTPriority, &RequireTLS, &AtomicSend,
}

// Syntax is SMTP with a choice of extensions. It may be shared.
type Syntax struct {
	extensions []*Extension
	mail       []Param[Mail]
	rcpt       []Param[Rcpt]
}

// NewSyntax makes a syntax with these extensions, at most 64 parameters a
// command.
func NewSyntax(extensions ...*Extension) *Syntax {
	s := &Syntax{extensions: extensions}
	for _, e := range extensions {
		s.mail = append(s.mail, e.Mail...)
		s.rcpt = append(s.rcpt, e.Rcpt...)
	}
	return s
}

// Extensions lists what NewSyntax was given, in that order.
func (s *Syntax) Extensions() []*Extension { return s.extensions }
