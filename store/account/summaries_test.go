package account_test

import (
	"io"
	"strings"
	"testing"

	"citron/store/account"
)

// A batch of messages comes with its bodies, wherever they are kept.
func TestOpenStored(t *testing.T) {
	r := newRig(t, account.Options{})
	texts := []string{
		"Subject: small\r\n\r\nHello.\r\n",
		"Subject: large\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", 1000),
		"no header at all",
		"",
	}
	var objects []account.ObjectID
	for _, text := range texts {
		if _, err := r.a.Append(r.ctx, r.by, account.Inbox, []account.AppendItem{{Incoming: r.incoming(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range r.entries(r.view(account.Inbox)) {
		objects = append(objects, e.Object)
	}
	stored, err := r.a.Summaries(r.ctx, objects, account.WantBody)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		before := r.engine.Stats().Reads
		m, err := r.a.OpenStored(r.ctx, &stored[i])
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
		if err != nil || string(got) != text {
			t.Errorf("%.20q: got %.40q, %v", text, got, err)
		}
		m.Close()
		if n := r.engine.Stats().Reads - before; n > 0 {
			t.Errorf("%.20q: %d more round trips", text, n)
		}
	}
}

// RFC822.SIZE is the size of what FETCH BODY[] gives: of a message with NULs
// that is the form in base64 (RFC 3516 §6).
func TestSizeOfBinaryMessage(t *testing.T) {
	r := newRig(t, account.Options{})
	text := "Subject: x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + strings.Repeat("\x00\x01\x02", 19)
	if _, err := r.a.Append(r.ctx, r.by, account.Inbox, []account.AppendItem{{Incoming: r.incoming(text)}}); err != nil {
		t.Fatal(err)
	}
	v := r.view(account.Inbox)
	e := r.entries(v)[0]
	want := int64(len(text) + len("base64") - len("binary") - 57 + 76)
	if e.Size != want || v.Set.Size() != uint64(want) || v.Info.Size != uint64(want) {
		t.Errorf("sizes %d, %d, %d, want %d", e.Size, v.Set.Size(), v.Info.Size, want)
	}
	equal(t, "stored", text, r.text(e.Object))
	if err := account.Verify(r.ctx, r.engine, r.bodies, func(f account.Finding) { t.Error(f.Text) }); err != nil {
		t.Error(err)
	}
}
