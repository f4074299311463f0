package session

// Extension is what documentation says of an extension that sessions speak.
type Extension struct {
	Keyword string
	RFC     string // "RFC 4468", or a document of our own
	What    string
	Mail    []string // parameters of MAIL
	Rcpt    []string // parameters of RCPT
}

// Reference lists the extensions, in the order in which they are announced.
func Reference() []Extension {
	list := make([]Extension, len(extensions))
	for i, e := range extensions {
		list[i] = Extension{Keyword: e.syntax.Keyword, RFC: e.syntax.RFC, What: e.what}
		for _, p := range e.syntax.Mail {
			list[i].Mail = append(list[i].Mail, p.Keyword)
		}
		for _, p := range e.syntax.Rcpt {
			list[i].Rcpt = append(list[i].Rcpt, p.Keyword)
		}
	}
	return list
}
