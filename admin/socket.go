package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// SocketName is the socket's name in the data directory.
const SocketName = "citron.sock"

// maxArguments bounds the JSON of one request, in bytes.
const maxArguments = 1 << 20

// Listen opens the socket. A caller must hold the lock of the data directory:
// a socket that lies there already is of a process that is gone.
func Listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("command socket: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EINVAL) {
		return nil, fmt.Errorf("command socket: the path %s is too long for a socket; choose a shorter one for the data directory", path)
	}
	if err != nil {
		return nil, fmt.Errorf("command socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, fmt.Errorf("command socket: %w", err)
	}
	return ln, nil
}

// Serve answers on the socket until ctx ends, and closes it. When it returns no
// operation runs any more.
func (s *Service) Serve(ctx context.Context, ln net.Listener) error {
	var running sync.WaitGroup
	srv := &http.Server{ReadHeaderTimeout: 10 * time.Second}
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		s.ServeHTTP(w, r)
	})
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	err := srv.Serve(ln)
	running.Wait() // Close cut their connections; they must not outlive the data
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("command socket: %w", err)
	}
	return nil
}

// ServeHTTP runs one operation.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in json.RawMessage
	d := json.NewDecoder(io.LimitReader(r.Body, maxArguments))
	if err := d.Decode(&in); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": "no JSON object: " + err.Error()})
		return
	}
	message := io.MultiReader(d.Buffered(), r.Body)
	skipLineFeed(&message)
	out, err := s.run(r.Context(), filepath.Base(r.URL.Path), in, message)
	if err != nil {
		reply(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
		return
	}
	if octets, ok := out.(io.ReadCloser); ok {
		defer octets.Close()
		w.Header().Set("Content-Type", "application/octet-stream")
		if _, err := io.Copy(w, octets); err != nil {
			panic(http.ErrAbortHandler) // the only way to tell the client that it is not whole
		}
		return
	}
	reply(w, http.StatusOK, out)
}

// skipLineFeed drops what ends the JSON.
func skipLineFeed(r *io.Reader) {
	var b [1]byte
	if n, _ := io.ReadFull(*r, b[:]); n == 1 && b[0] != '\n' {
		*r = io.MultiReader(bytes.NewReader(b[:]), *r)
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// Client is a Caller over the socket of a running server.
type Client struct{ http http.Client }

// Dial finds out whether a server answers on the socket.
func Dial(path string) (*Client, error) {
	c, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	c.Close()
	return &Client{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}}}, nil
}

// Call implements Caller.
func (c *Client) Call(ctx context.Context, op string, in any, message io.Reader, out any) error {
	body, err := c.post(ctx, op, in, message)
	if err != nil {
		return err
	}
	defer body.Close()
	if out == nil {
		out = &nothing{}
	}
	return json.NewDecoder(body).Decode(out)
}

// Read implements Caller.
func (c *Client) Read(ctx context.Context, op string, in any) (io.ReadCloser, error) {
	return c.post(ctx, op, in, nil)
}

func (c *Client) post(ctx context.Context, op string, in any, message io.Reader) (io.ReadCloser, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	var body io.Reader = bytes.NewReader(append(raw, '\n'))
	if message != nil {
		body = io.MultiReader(body, message)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://citron/"+op, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the running server: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	var refused struct{ Error string }
	if err := json.NewDecoder(resp.Body).Decode(&refused); err != nil || refused.Error == "" {
		return nil, fmt.Errorf("the running server answers %s", resp.Status)
	}
	return nil, errors.New(refused.Error)
}
