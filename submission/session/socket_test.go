package session

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"citron/ops/conn"
)

// The same over a real socket and the system's driver: a job wakes its session,
// and what was pipelined behind it is answered.
func TestOverSocket(t *testing.T) {
	site := newSite(t, "")
	site.urls.content[1] = content{text: goodHead + "hi\r\n"}
	server := conn.NewServer(conn.Options{})
	defer server.Shutdown(context.Background())
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(socket, &conn.Listener{Name: "submission", NewSession: site.service.NewSession})
	client, err := net.Dial("tcp", socket.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	io.WriteString(client, string(hello)+strings.Repeat(envelope+"BURL "+urlOf(1)+" LAST\r\n", 20)+"QUIT\r\n")
	queued := 0
	lines := bufio.NewScanner(client)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "250 2.5.0 queued as ") {
			queued++
		}
	}
	if messages := strings.Count(site.spool.dump(), "MAIL FROM:"); queued != 20 || messages != 20 {
		t.Errorf("%d answers, %d messages", queued, messages)
	}
}
