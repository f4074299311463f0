package sasl

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/xdg-go/scram"
)

// RFC 7677 §3's exchange, octet by octet.
const (
	rfcClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
	rfcServerFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	rfcClientFinal = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	rfcServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
	rfcServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	rfcClientNonce = "rOprNGfwEbeRWgbNEkqO"
)

func rfcKeys(t testing.TB) Keys {
	salt, _ := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	k, err := DeriveKeys("pencil", salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rfcServer(t testing.TB, plus bool, b Bindings) *scramServer {
	k := rfcKeys(t)
	s := NewScramServer(plus, b, func(_, name string) (Keys, error) {
		if name != "user" {
			return Keys{}, errors.New("not the RFC's user")
		}
		return k, nil
	}).(*scramServer)
	s.nonce = func() string { return rfcServerNonce }
	return s
}

func TestScramRFC7677Server(t *testing.T) {
	s := rfcServer(t, false, Bindings{})
	expect(t, s, "", true, "")
	expect(t, s, rfcClientFirst, false, rfcServerFirst)
	expect(t, s, rfcClientFinal, false, rfcServerFinal)
	if _, done, err := s.Next([]byte{}); !done || err != nil {
		t.Fatalf("end: done %v, err %v", done, err)
	}
	if _, _, err := s.Next([]byte{}); err != ErrOver {
		t.Fatalf("after the end: %v", err)
	}
}

func expect(t *testing.T, s Server, message string, none bool, want string) {
	t.Helper()
	response := []byte(message)
	if none {
		response = nil
	}
	got, done, err := s.Next(response)
	if err != nil || done || string(got) != want {
		t.Fatalf("Next(%q) = %q, %v, %v; want %q", message, got, done, err, want)
	}
}

func TestScramRFC7677Client(t *testing.T) {
	lib, err := scram.SHA256.NewClient("user", "pencil", "")
	if err != nil {
		t.Fatal(err)
	}
	lib.WithNonceGenerator(func() string { return rfcClientNonce })
	c := newScramClient(lib, ScramOptions{})
	mechanism, first, err := c.Start()
	if err != nil || mechanism != ScramSHA256 || string(first) != rfcClientFirst {
		t.Fatalf("Start = %s %q, %v", mechanism, first, err)
	}
	final, err := c.Next([]byte(rfcServerFirst))
	if err != nil || string(final) != rfcClientFinal {
		t.Fatalf("final %q, %v", final, err)
	}
	if c.Done() {
		t.Fatal("done before the server's signature")
	}
	if _, err := c.Next([]byte(rfcServerFinal)); err != nil || !c.Done() {
		t.Fatal(err, c.Done())
	}
}

func TestScramClientRefusesFalseServer(t *testing.T) {
	lib, _ := scram.SHA256.NewClient("user", "pencil", "")
	lib.WithNonceGenerator(func() string { return rfcClientNonce })
	c := newScramClient(lib, ScramOptions{})
	c.Start()
	c.Next([]byte(rfcServerFirst))
	if _, err := c.Next([]byte("v=" + base64.StdEncoding.EncodeToString(make([]byte, 32)))); err != ErrServer || c.Done() {
		t.Fatalf("false signature: %v, %v", err, c.Done())
	}
}

func bindings(announced bool) Bindings {
	return Bindings{Announced: announced, Data: func(kind string) ([]byte, error) {
		if kind == TLSExporter {
			return []byte("exported keying material of TLS!"), nil
		}
		return []byte("hash of the certificate"), nil
	}}
}

func run(s Server, c Client) error {
	_, message, err := c.Start()
	for err == nil {
		challenge, done, serverErr := s.Next(message)
		if done || serverErr != nil {
			return serverErr
		}
		message, err = c.Next(challenge)
	}
	return err
}

func TestScramChannelBinding(t *testing.T) {
	tests := []struct {
		name    string
		plus    bool
		b       Bindings
		o       ScramOptions
		wantErr error
	}{
		{"exporter", true, bindings(true), ScramOptions{Binding: TLSExporter, BindingData: []byte("exported keying material of TLS!")}, nil},
		{"end point", true, bindings(true), ScramOptions{Binding: TLSServerEndPoint, BindingData: []byte("hash of the certificate")}, nil},
		{"another connection", true, bindings(true), ScramOptions{Binding: TLSExporter, BindingData: []byte("of the attacker's connection")}, ErrBinding},
		{"kinds mixed up", true, bindings(true), ScramOptions{Binding: TLSExporter, BindingData: []byte("hash of the certificate")}, ErrBinding},
		{"tls-unique is not offered", true, bindings(true), ScramOptions{Binding: "tls-unique", BindingData: []byte("x")}, ErrBinding},
		{"no TLS", true, Bindings{}, ScramOptions{Binding: TLSExporter, BindingData: []byte("x")}, ErrBinding},
		{"client could bind, not announced", false, Bindings{}, ScramOptions{CouldBind: true}, nil},
		{"downgrade", false, bindings(true), ScramOptions{CouldBind: true}, ErrDowngrade},
		{"client cannot bind", false, bindings(true), ScramOptions{}, nil},
		{"binding without -PLUS", false, bindings(true), ScramOptions{Binding: TLSExporter, BindingData: []byte("x")}, ErrSyntax},
		{"-PLUS without binding", true, bindings(true), ScramOptions{}, ErrSyntax},
		{"-PLUS with y", true, bindings(true), ScramOptions{CouldBind: true}, ErrSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Authcid, tt.o.Password = "user", "pencil"
			c, err := NewScramClient(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if err := run(rfcServer(t, tt.plus, tt.b), c); err != tt.wantErr {
				t.Fatalf("got %v, want %v", err, tt.wantErr)
			}
		})
	}
}

func TestScramWrongPassword(t *testing.T) {
	c, _ := NewScramClient(ScramOptions{Authcid: "user", Password: "pen"})
	if err := run(rfcServer(t, false, Bindings{}), c); err != ErrProof {
		t.Fatalf("wrong password: %v", err)
	}
}

func TestScramMalformed(t *testing.T) {
	firsts := []string{"", "n", "n,", "n,,", "n,,n=user", "x,,n=user,r=a", "n,b=c,n=user,r=a", "n,,m=ext,n=user,r=a",
		"n,,n=us=er,r=a", "p=,,n=user,r=a", strings.Repeat("n", 100)}
	for _, first := range firsts {
		s := rfcServer(t, false, Bindings{})
		if _, _, err := s.Next([]byte(first)); err != ErrSyntax {
			t.Errorf("%q: %v", first, err)
		}
		if _, _, err := s.Next([]byte(rfcClientFinal)); err != ErrOver {
			t.Errorf("%q, then final: %v", first, err)
		}
	}
	finals := []string{"", "c=biws", "c=biws,r=x,p=AAAA", strings.Replace(rfcClientFinal, "k0,", "k1,", 1),
		strings.Replace(rfcClientFinal, "c=biws", "c=*", 1), "c=biws,r=rOprNGfwEbeRWgbNEkqO" + rfcServerNonce}
	for _, final := range finals {
		s := rfcServer(t, false, Bindings{})
		s.Next([]byte(rfcClientFirst))
		if _, done, err := s.Next([]byte(final)); err == nil || done {
			t.Errorf("final %q: done %v, %v", final, done, err)
		}
	}
}

func TestScramTooLong(t *testing.T) {
	s := rfcServer(t, false, Bindings{})
	if _, _, err := s.Next(make([]byte, MaxMessage+1)); err != ErrTooLong {
		t.Fatal(err)
	}
}

// FuzzScramServer: no pair of messages lets in, but the RFC's.
func FuzzScramServer(f *testing.F) {
	f.Add(rfcClientFirst, rfcClientFinal, false)
	f.Add("p=tls-exporter,,n=user,r=x", "c=biws,r=x,p=AAAA", true)
	f.Add("y,a=other,n=us=2Cer,r=,x=y", "c=eSws,r=,x=y,p=", false)
	keys := rfcKeys(f)
	f.Fuzz(func(t *testing.T, first, final string, plus bool) {
		s := NewScramServer(plus, bindings(plus), func(_, _ string) (Keys, error) { return keys, nil }).(*scramServer)
		s.nonce = func() string { return rfcServerNonce }
		if _, _, err := s.Next([]byte(first)); err != nil {
			return
		}
		if _, _, err := s.Next([]byte(final)); err == nil && final != rfcClientFinal {
			t.Fatalf("let in with %q, %q", first, final)
		}
	})
}
