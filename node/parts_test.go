package node

import (
	"bytes"
	"context"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// asked is what From.Message makes of a binary.
type asked struct {
	_    struct{} `etf:"asked,tuple"`
	From struct {
		_   struct{} `etf:",tuple"`
		Pid etf.Pid
		Tag etf.Term
	}
	B []byte
}

// Long binaries go to another node whole, in messages, requests and replies, and not at all with an error; to a process of the same node it is a
// copy that goes.
func TestLongBinaries(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	server := b.Open(Register("server"))
	long, other := bytes.Repeat([]byte("0123456789"), 30_000), bytes.Repeat([]byte{7}, 70_000)
	go func() {
		for m := range server.Inbox(context.Background()) {
			var q asked
			if err := m.Decode(&q); err != nil {
				t.Error(err)
			}
			if err := server.Reply(q.From.Pid, q.From.Tag, etf.Tuple{etf.Binary(q.B), etf.Binary(other)}); err != nil {
				t.Error(err)
			}
		}
	}()
	for _, caller := range []*Node{a, b} {
		raw, err := caller.Request(t.Context(), At("server", b.Name()), func(dst []byte, from From) ([]byte, error) { return from.Message(dst, "asked", long) })
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			_    struct{} `etf:",tuple"`
			A, B []byte
		}
		if err := raw.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.A, long) || !bytes.Equal(got.B, other) {
			t.Errorf("from %s: %d and %d bytes came back, or others", caller.Name(), len(got.A), len(got.B))
		}
	}
	// A message, with more in it than one binary, and memory that is used again at once.
	sink := b.Open(Register("sink"))
	p := a.Open()
	own := bytes.Clone(long)
	for i := range 20 {
		copy(own, []byte{byte(i)})
		if err := p.Send(At("sink", b.Name()), []any{own, "and", string(own), etf.Raw{Bytes: etf.AppendBinary(nil, own)}}); err != nil {
			t.Fatal(err)
		}
		if err := p.Send(At("sink", b.Name()), []any{own, make(chan int)}); err == nil {
			t.Error("a channel was sent")
		}
	}
	for i := range 20 {
		m, err := sink.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got [][]byte
		if err := m.Decode(&got); err != nil {
			t.Fatal(err)
		}
		want := append([]byte{byte(i)}, long[1:]...)
		if len(got) != 4 || !bytes.Equal(got[0], want) || !bytes.Equal(got[2], want) || !bytes.Equal(got[3], want) {
			t.Errorf("message %d is another", i)
		}
	}
	// A message that is nothing but a part, in all ways to send it.
	connection := a.ConnectionID(b.Name())
	for name, send := range map[string]func(to, v any) error{
		"Send":          p.Send,
		"SendNoConnect": p.SendNoConnect,
		"SendOver":      func(to, v any) error { return p.SendOver(connection, to, v) },
		"SendNoSuspend": func(to, v any) error { return p.SendNoSuspend(0, to, v) },
		"post":          p.post,
	} {
		copy(own, long)
		if err := send(At("sink", b.Name()), etf.Raw{Bytes: etf.AppendBinary(nil, own)}); err != nil {
			t.Fatal(name, err)
		}
		if err := send(At("sink", b.Name()), own); err != nil {
			t.Fatal(name, err)
		}
		clear(own)
		for range 2 {
			m, err := sink.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			if err := m.Decode(&got); err != nil || !bytes.Equal(got, long) {
				t.Errorf("%s: what was sent is not what arrived: %v", name, err)
			}
		}
	}
}
