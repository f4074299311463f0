package smtp

import "strconv"

// AppendMail appends a MAIL command as a client sends it; parameters only for
// what is set, and the server must have announced their extensions.
func AppendMail(dst []byte, m Mail) []byte {
	dst = append(dst, "MAIL FROM:<"...)
	dst = append(m.From.Append(dst), '>')
	for _, e := range withParams {
		dst = appendParams(dst, e.Mail, &m, m.UTF8)
	}
	return append(dst, '\r', '\n')
}

// AppendRcpt appends a RCPT command; utf8 says that the transaction's MAIL has
// SMTPUTF8.
func AppendRcpt(dst []byte, r Rcpt, utf8 bool) []byte {
	dst = append(dst, "RCPT TO:<"...)
	dst = append(r.To.Append(dst), '>')
	for _, e := range withParams {
		dst = appendParams(dst, e.Rcpt, &r, utf8)
	}
	return append(dst, '\r', '\n')
}

func appendParams[T any](dst []byte, table []Param[T], command *T, utf8 bool) []byte {
	for i := range table {
		p := &table[i]
		before := len(dst)
		dst = append(append(dst, ' '), p.Keyword...)
		if p.Value == NeedsValue {
			dst = append(dst, '=')
		}
		said := false
		if dst, said = p.Append(dst, command, utf8); !said {
			dst = dst[:before]
		}
	}
	return dst
}

// AppendChunk appends a BDAT command, to be followed by c.Size octets.
func AppendChunk(dst []byte, c Chunk) []byte {
	dst = strconv.AppendInt(append(dst, "BDAT "...), c.Size, 10)
	if c.Last {
		dst = append(dst, " LAST"...)
	}
	return append(dst, '\r', '\n')
}
