package fixup

// rule is what becomes of a field of one name. The zero rule: it stays, however
// often it comes.
type rule struct {
	// name as it is shown.
	name string
	// drop: it does not leave this server.
	drop bool
	// once: it may come once (RFC 5322 §3.6).
	once bool
	// join: later ones are added to the first (RFC 5322 §4.5.3).
	join bool
	// full: its syntax has no empty value; an empty field is dropped.
	full bool
}

// rules, by name in lower case.
var rules = map[string]*rule{
	"bcc":         {name: "Bcc", drop: true},
	"resent-bcc":  {name: "Resent-Bcc", drop: true},
	"return-path": {name: "Return-Path", drop: true},

	"from":        {name: "From", once: true, full: true},
	"sender":      {name: "Sender", once: true, full: true},
	"reply-to":    {name: "Reply-To", once: true, full: true},
	"to":          {name: "To", join: true, full: true},
	"cc":          {name: "Cc", join: true, full: true},
	"date":        {name: "Date", once: true, full: true},
	"subject":     {name: "Subject", once: true},
	"message-id":  {name: "Message-ID", once: true, full: true},
	"in-reply-to": {name: "In-Reply-To", once: true, full: true},
	"references":  {name: "References", once: true, full: true},

	"mime-version":              {name: "MIME-Version", once: true},
	"content-type":              {name: "Content-Type", once: true},
	"content-transfer-encoding": {name: "Content-Transfer-Encoding", once: true},
	"content-disposition":       {name: "Content-Disposition", once: true},
	"content-id":                {name: "Content-ID", once: true},
	"content-description":       {name: "Content-Description", once: true},
	"tls-required":              {name: "TLS-Required", once: true}, // RFC 8689 §3

	"received":          {name: "Received"},
	"resent-from":       {name: "Resent-From", full: true},
	"resent-sender":     {name: "Resent-Sender", full: true},
	"resent-to":         {name: "Resent-To", full: true},
	"resent-cc":         {name: "Resent-Cc", full: true},
	"resent-date":       {name: "Resent-Date", full: true},
	"resent-message-id": {name: "Resent-Message-ID", full: true},
}

var otherField = &rule{}
