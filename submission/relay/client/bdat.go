package client

import (
	"bytes"
	"context"
	"errors"

	"citron/wire/smtp"
)

// chunkSize is how much goes with one BDAT, in octets, roughly: a host can
// refuse a chunk only when it has read it (RFC 3030 §2).
const chunkSize = 256 << 10

// chunks sends the message by BDAT (RFC 3030). With PIPELINING a chunk is sent
// while the answer to the one before is on its way; before the last all others
// were accepted.
func (t *transaction) chunks(ctx context.Context) error {
	s := &chunkSender{transaction: t, binary: t.Mail.Body == smtp.BodyBinary, ahead: t.offer.Has(&smtp.Pipelining)}
	s.chunk = make([]byte, 0, min(t.Size, chunkSize+blockSize))
	err := t.pieces(s.add)
	if err == nil {
		err = s.last(ctx)
	}
	switch {
	case errors.Is(err, errOurs):
		return s.giveUp(err)
	case errors.Is(err, errStopped):
		return nil
	}
	return err
}

type chunkSender struct {
	*transaction
	binary bool
	ahead  bool
	lines  crlf
	chunk  []byte
	head   []byte // the command and the first octets of the chunk
	ears   *ears  // waits for the oldest answer that is out; nil if none is
	out    int    // chunks without an answer
	// settled: a chunk was refused, and with it the message.
	settled bool
}

// add puts the next octets into the chunk, and sends it when it is full.
func (s *chunkSender) add(p []byte) error {
	if len(s.chunk) >= chunkSize && !s.settled {
		if err := s.send(false); err != nil {
			return err
		}
	}
	if s.settled {
		return errStopped
	}
	if s.binary {
		s.chunk = append(s.chunk, p...)
	} else {
		s.chunk = s.lines.append(s.chunk, p)
	}
	return nil
}

// last sends the last chunk and waits for the verdict. Text ends with a line end
// (RFC 3030 §2).
func (s *chunkSender) last(ctx context.Context) error {
	if !s.binary {
		s.chunk = s.lines.end(s.chunk)
		if len(s.chunk) > 0 && !bytes.HasSuffix(s.chunk, []byte("\n")) {
			s.chunk = append(s.chunk, '\r', '\n')
		}
	}
	if err := s.await(0); err != nil || s.settled {
		return err
	}
	if err := s.handOver(ctx, nil); err != nil {
		return err
	}
	if err := s.send(true); err != nil {
		return err
	}
	return s.verdict("BDAT", s.ears)
}

// send sends the chunk.
func (s *chunkSender) send(last bool) error {
	if s.ears == nil {
		s.ears = s.listen(last)
	}
	s.out++
	err := s.writeChunk(last)
	s.chunk = s.chunk[:0]
	switch {
	case err != nil:
		return s.abandon("BDAT", s.ears, err)
	case last:
		return nil
	case s.ahead:
		return s.await(1)
	}
	return s.await(0)
}

// writeChunk writes the command with the first octets, and then the others.
func (s *chunkSender) writeChunk(last bool) error {
	head := smtp.AppendChunk(s.head[:0], smtp.Chunk{Size: int64(len(s.chunk)), Last: last})
	n := min(len(s.chunk), blockSize-len(head))
	s.head = append(head, s.chunk[:n]...)
	pieces := [][]byte{s.head}
	for rest := s.chunk[n:]; len(rest) > 0; rest = rest[min(len(rest), blockSize):] {
		pieces = append(pieces, rest[:min(len(rest), blockSize)])
	}
	for i, p := range pieces {
		if last && i == len(pieces)-1 {
			s.ending(s.ears)
		}
		if err := s.write(p, s.opt.Timeouts.Block, s.ears.no); err != nil {
			return err
		}
	}
	return nil
}

// await waits until no more than out chunks are without an answer. If one is
// refused no more are sent (RFC 3030 §2), and that is the verdict.
func (s *chunkSender) await(out int) error {
	for s.out > out {
		s.readWithin(s.opt.Timeouts.Chunk)
		<-s.ears.heard
		e := s.ears
		s.ears = nil
		s.out--
		switch {
		case e.err != nil:
			return s.fail("BDAT", e.err)
		case e.r.Code == 421:
			return s.interrupted("BDAT", e.r)
		case e.r.Code < 400 && !e.r.OK():
			return s.fail("BDAT", ErrProtocol)
		case !e.r.OK() && !s.settled:
			s.settle(replyOf(e.r))
			s.settled, out = true, 0
		}
		if s.out > 0 {
			s.ears = s.listen(false)
		}
	}
	return nil
}

// giveUp ends a transaction whose last chunk has not gone out, because of what
// went wrong on our side: RSET clears it.
func (s *chunkSender) giveUp(why error) error {
	if err := s.await(0); err != nil {
		return err
	}
	if !s.settled {
		s.settle(replyOurFault)
	}
	return &Error{Op: "BDAT", Reply: replyOurFault, Err: why}
}
