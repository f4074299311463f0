package smtp

import "strconv"

// AppendMail appends a MAIL command as a client sends it; parameters only for
// what is set, and the server must have announced their extensions.
func AppendMail(dst []byte, m Mail) []byte {
	dst = append(dst, "MAIL FROM:<"...)
	dst = append(m.From.Append(dst), '>')
	if m.Size > 0 {
		dst = strconv.AppendInt(append(dst, " SIZE="...), m.Size, 10)
	}
	if m.Body != Body7Bit {
		dst = append(append(dst, " BODY="...), bodies[m.Body]...)
	}
	if m.UTF8 {
		dst = append(dst, " SMTPUTF8"...)
	}
	return append(dst, '\r', '\n')
}

// AppendRcpt appends a RCPT command.
func AppendRcpt(dst []byte, r Rcpt) []byte {
	dst = append(dst, "RCPT TO:<"...)
	return append(r.To.Append(dst), '>', '\r', '\n')
}

// AppendChunk appends a BDAT command, to be followed by c.Size octets.
func AppendChunk(dst []byte, c Chunk) []byte {
	dst = strconv.AppendInt(append(dst, "BDAT "...), c.Size, 10)
	if c.Last {
		dst = append(dst, " LAST"...)
	}
	return append(dst, '\r', '\n')
}
