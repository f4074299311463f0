package dsn

import (
	"strings"
	"unicode/utf8"

	"citron/mail/message"
	"citron/wire/smtp"
)

// actions, by Action: the name in the report, the class of a status that fits,
// and what people are told.
var actions = [...]struct {
	name          string
	class         uint16
	subject       string
	heading, tail string
}{
	Failed: {"failed", 5, "Your message could not be delivered",
		"Your message could not be delivered to:", "It will not be tried again."},
	Delayed: {"delayed", 4, "Your message is delayed",
		"Your message could not be delivered yet to:", "It will be tried again; you need not do anything, and you will be told if it fails for good."},
	Delivered: {"delivered", 2, "Your message was delivered",
		"Your message was delivered to:", "This does not say that it was read."},
	Relayed: {"relayed", 2, "Your message was passed on",
		"Your message was passed on to a mail system that does not confirm delivery, for:", "Unless it fails there, nothing more will be heard."},
}

// subject is the Subject of the report.
func (r *Report) subject() string {
	first := r.Recipients[0].Action
	for i := range r.Recipients {
		if r.Recipients[i].Action != first {
			return "What became of your message"
		}
	}
	return actions[first].subject
}

// text gives the part for people.
func (r *Report) text(head []byte) []byte {
	var p prose
	p.line("This is the mail system of " + r.Hostname + ".")
	if value, ok := message.FirstField(head, "subject"); ok {
		p.line("")
		p.wrap("Your message: ", "  ", line(strings.TrimSpace(message.DecodeHeader(value)), 200))
	}
	for a := range actions {
		if r.has(Action(a)) {
			r.group(&p, Action(a))
		}
	}
	p.line("")
	help := "For help write to " + r.postmaster()
	if r.QueueID != "" {
		help += " and name " + line(r.QueueID, 100)
	}
	p.wrap("", "", help+".")
	return p.text
}

// group tells of the recipients with one action.
func (r *Report) group(p *prose, a Action) {
	p.line("")
	p.wrap("", "", actions[a].heading)
	for i := range r.Recipients {
		c := &r.Recipients[i]
		if c.Action != a {
			continue
		}
		p.line("")
		p.line("  " + line(r.rcpt(c).To.String(), maxText))
		r.reason(p, c)
	}
	p.line("")
	p.wrap("", "", actions[a].tail)
}

// reason says who said what of a recipient, and what can be done.
func (r *Report) reason(p *prose, c *Recipient) {
	if c.Ended != "" {
		p.wrap("    ", "    ", "Reason: "+c.Ended)
	}
	if text := c.text(); text != "" && c.Action <= Delayed {
		p.wrap("    ", "    ", c.teller()+text)
	}
	if c.Action == Delayed && !c.RetryUntil.IsZero() {
		p.wrap("    ", "    ", "It will be tried until "+r.date(c.RetryUntil)+".")
	}
	if c.Action == Failed {
		p.wrap("    ", "    ", advice(c.status()))
	}
}

// teller says whose words follow: the next hop's, or our own about it.
func (c *Recipient) teller() string {
	switch host := c.host(); {
	case host != "" && c.Code > 0:
		return host + " said: "
	case host != "":
		return host + ": "
	case c.Ended != "":
		return "Last try: "
	}
	return "Reason: "
}

// advice is what a sender can do about a status (RFC 3463).
func advice(s smtp.Status) string {
	if a, ok := advices[[2]uint16{s.Subject, s.Detail}]; ok {
		return a
	}
	return subjectAdvices[min(int(s.Subject), len(subjectAdvices)-1)]
}

var advices = map[[2]uint16]string{
	{1, 2}:  "There is no such domain, or it takes no mail: check what stands after the @.",
	{1, 10}: "This domain takes no mail at all: check what stands after the @.",
	{2, 2}:  "The mailbox is full: try again in a few days, or tell the recipient some other way.",
	{2, 3}:  "The message is too large for this recipient: send it in parts, or send a link.",
	{3, 4}:  "The message is too large for the recipient's server: send it in parts, or send a link.",
	{6, 7}:  "The recipient's server cannot take addresses or headers with such characters: ask the recipient for another address.",
	{6, 9}:  "The recipient's server cannot take addresses or headers with such characters: ask the recipient for another address.",
	{4, 7}:  "The recipient's server could not be reached in time, or did not accept the message: try again later, or tell the recipient some other way.",
}

// subjectAdvices, by the second number of the status; the last one is for all
// that is unknown.
var subjectAdvices = [...]string{
	0: "Try again later; if it fails again, tell the recipient some other way.",
	1: "Check the address for mistakes, or ask the recipient for it.",
	2: "The mailbox takes no mail at present: try again later, or tell the recipient some other way.",
	3: "The recipient's server has a problem: try again later.",
	4: "The recipient's server could not be reached: try again later.",
	5: "The servers did not understand each other: tell your postmaster.",
	6: "The recipient's server cannot take this kind of message: send it as plain text without attachments, or in another format.",
	7: "The recipient's server does not accept this message from you: what it said above may tell why.",
	8: "Try again later; if it fails again, tell the recipient some other way.",
}

// prose is text in lines of at most 76 characters where there are spaces.
type prose struct{ text []byte }

func (p *prose) line(s string) { p.text = append(append(p.text, s...), "\r\n"...) }

// wrap adds s in lines, the first after first and the others after indent.
func (p *prose) wrap(first, indent, s string) {
	out := first
	n := utf8.RuneCountInString(first)
	fresh := true
	for _, w := range words(s) {
		size := utf8.RuneCountInString(w)
		if !fresh && n+1+size > maxFolded {
			p.line(out)
			out, n, fresh = indent, utf8.RuneCountInString(indent), true
		}
		if !fresh {
			out, n = out+" ", n+1
		}
		out, n, fresh = out+w, n+size, false
	}
	p.line(out)
}

// words cuts at spaces, and words that no line could hold anywhere.
func words(s string) []string {
	const longest = 900
	var list []string
	for _, w := range strings.Fields(s) {
		for len(w) > longest {
			n := longest
			for !utf8.RuneStart(w[n]) {
				n--
			}
			list, w = append(list, w[:n]), w[n:]
		}
		list = append(list, w)
	}
	return list
}
