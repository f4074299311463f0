package bench

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
)

// message is one of a pool: a whole message with CRLF line ends whose
// Message-ID, and a word of its own, are written anew each time it is sent. No
// line begins with a dot, so that SMTP needs no stuffing.
type message struct {
	bytes []byte
	id    int // offset of the sixteen digits that change
	word  int // offset of the eight letters that change
}

const idDigits = 16

// rareWord is the word that only the n-th message has.
func rareWord(n uint64) string {
	const consonants, vowels, syllables = "bcdfghjklmnpqrstvwxz", "aeiou", 100
	n = n * 61803401 % (syllables * syllables * syllables * syllables) // far from its neighbours
	var b [8]byte
	for i := 0; i < len(b); i += 2 {
		b[i], b[i+1] = consonants[n%20], vowels[n/20%5]
		n /= syllables
	}
	return string(b[:])
}

// tenthWord is in one message of ten.
const tenthWord = "quartzite"

// stamp gives a copy of the message with its n-th Message-ID, in buf.
func (m *message) stamp(buf []byte, n uint64) []byte {
	buf = append(buf[:0], m.bytes...)
	copy(buf[m.id:], fmt.Sprintf("%0*x", idDigits, n))
	copy(buf[m.word:], rareWord(n))
	return buf
}

// poolSize makes the shares of a mix exact.
const poolSize = 200

// pool gives messages in a fixed order, over and over, each time with another
// Message-ID. It may be used by many goroutines.
type pool struct {
	messages []message
	given    atomic.Uint64
}

// next gives a message, which stands in buf, grown if need be.
func (p *pool) next(buf []byte) []byte {
	n := p.given.Add(1)
	return p.messages[n%poolSize].stamp(buf, n)
}

// newPool makes the messages of a run; they depend on the seed alone.
func newPool(kind string, seed uint64) (*pool, error) {
	rng := rand.New(rand.NewPCG(seed, 0xc17205))
	lengths := make([]int, poolSize)
	for i := range lengths {
		n, err := length(kind, i, rng)
		if err != nil {
			return nil, err
		}
		lengths[i] = n
	}
	rng.Shuffle(len(lengths), func(i, j int) { lengths[i], lengths[j] = lengths[j], lengths[i] })
	p := &pool{messages: make([]message, poolSize)}
	for i, n := range lengths {
		p.messages[i] = newMessage(rng, n, i%10 == 0)
	}
	return p, nil
}

// length gives the length in bytes of message i of poolSize.
func length(kind string, i int, rng *rand.Rand) (int, error) {
	between := func(low, high int) int { return low + rng.IntN(high-low) }
	switch kind {
	case "small":
		return between(1<<10, 2<<10), nil
	case "mix":
		switch {
		case i < poolSize*70/100:
			return between(2<<10, 10<<10), nil
		case i < poolSize*95/100:
			return between(30<<10, 100<<10), nil
		}
		return between(1<<20, 3<<20), nil
	}
	n, err := strconv.Atoi(kind)
	if err != nil || n < 600 || n > 100<<20 {
		return 0, fmt.Errorf("--size %s: give small, mix or a length from 600 to %d", kind, 100<<20)
	}
	return n, nil
}

// newMessage writes a message of about n bytes: text alone when small, text
// and HTML from 20 KB, an attachment as well from 200 KB. tenth: with tenthWord.
func newMessage(rng *rand.Rand, n int, tenth bool) message {
	var b bytes.Buffer
	who := rng.IntN(len(people))
	fmt.Fprintf(&b, "From: %s <%s@example.net>\r\n", people[who].name, people[who].local)
	fmt.Fprintf(&b, "To: Team %d <team%d@example.org>\r\n", rng.IntN(90), rng.IntN(90))
	fmt.Fprintf(&b, "Subject: %s\r\n", phrase(rng, 3+rng.IntN(5)))
	fmt.Fprintf(&b, "Date: %s, %d Nov 2026 %02d:%02d:%02d +0100\r\n",
		[]string{"Mon", "Tue", "Wed"}[rng.IntN(3)], 10+rng.IntN(15), rng.IntN(24), rng.IntN(60), rng.IntN(60))
	b.WriteString("Message-ID: <")
	m := message{id: b.Len()}
	fmt.Fprintf(&b, "%0*x@bench.example.net>\r\n", idDigits, 0)
	if rng.IntN(3) == 0 { // a reply, to a message that is not there
		fmt.Fprintf(&b, "In-Reply-To: <%016x@example.net>\r\n", rng.Uint64())
	}
	b.WriteString("MIME-Version: 1.0\r\n")
	first := "Our reference: " + rareWord(0)
	if tenth {
		first += ", about " + tenthWord
	}
	first += "\r\n"
	switch {
	case n < 20<<10:
		b.WriteString("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + first)
		text(&b, rng, n)
	case n < 200<<10:
		alternative(&b, rng, n, first)
	default:
		attachment(&b, rng, n, first)
	}
	m.bytes = b.Bytes()
	m.word = bytes.Index(m.bytes, []byte(first)) + len("Our reference: ")
	return m
}

func alternative(b *bytes.Buffer, rng *rand.Rand, n int, first string) {
	b.WriteString("Content-Type: multipart/alternative; boundary=\"alt-7c1\"\r\n\r\n")
	b.WriteString("--alt-7c1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + first)
	text(b, rng, n/4)
	b.WriteString("--alt-7c1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>\r\n")
	for b.Len() < n-60 {
		fmt.Fprintf(b, "<p style=\"margin:0 0 12px\">%s</p>\r\n", phrase(rng, 8))
	}
	b.WriteString("</body></html>\r\n--alt-7c1--\r\n")
}

func attachment(b *bytes.Buffer, rng *rand.Rand, n int, first string) {
	b.WriteString("Content-Type: multipart/mixed; boundary=\"mix-9f2\"\r\n\r\n")
	b.WriteString("--mix-9f2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + first)
	text(b, rng, b.Len()+3000)
	b.WriteString("--mix-9f2\r\nContent-Type: image/jpeg; name=\"photo.jpg\"\r\n" +
		"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"photo.jpg\"\r\n\r\n")
	var raw [57]byte
	line := make([]byte, 76, 78)
	for b.Len() < n-100 {
		for i := range raw {
			raw[i] = byte(rng.Uint32())
		}
		base64.StdEncoding.Encode(line, raw[:])
		b.Write(append(line, '\r', '\n'))
	}
	b.WriteString("--mix-9f2--\r\n")
}

// text writes lines of words until b is n bytes long.
func text(b *bytes.Buffer, rng *rand.Rand, n int) {
	for b.Len() < n {
		b.WriteString(phrase(rng, 9))
		b.WriteString("\r\n")
	}
}

// phrase gives some words.
func phrase(rng *rand.Rand, n int) string {
	var b bytes.Buffer
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(words[rng.IntN(len(words))])
	}
	return b.String()
}

var people = []struct{ name, local string }{
	{"Ada Berger", "ada"}, {"Bruno Castelli", "bruno"}, {"Chiara Dupont", "chiara"}, {"David Eriksen", "david"},
	{"Elif Fischer", "elif"}, {"Farid Gruber", "farid"}, {"Greta Huber", "greta"}, {"Hugo Ivanov", "hugo"},
}

// words: SEARCH looks for some of them; "zitrone" is rare by being one of many.
var words = []string{
	"meeting", "harbour", "invoice", "garden", "train", "summer", "report", "kitchen", "window", "letter",
	"river", "market", "ticket", "lemon", "bridge", "paper", "station", "morning", "evening", "holiday",
	"bicycle", "mountain", "concert", "library", "museum", "airport", "coffee", "dinner", "project", "budget",
	"schedule", "deadline", "contract", "delivery", "address", "number", "question", "answer", "photo", "picture",
	"weather", "forecast", "island", "ferry", "castle", "village", "school", "teacher", "doctor", "hospital",
	"signature", "document", "version", "release", "feature", "problem", "solution", "customer", "supplier", "zitrone",
}
