package node

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// ask is a request {From, Tag, Text}.
func ask(text string) Encode {
	return func(dst []byte, from From) ([]byte, error) {
		return etf.AppendTerm(dst, etf.Tuple{from.Pid, from.Tag(), etf.Atom(text)})
	}
}

// answering serves ask: it replies the text, but for some that have a meaning.
func answering(t testing.TB, n *Node, name etf.Atom) *Process {
	p, err := n.Spawn(func(p *Process) error {
		for {
			m, err := p.Receive(context.Background())
			if err != nil {
				return err
			}
			term, err := m.Term()
			if err != nil {
				return err
			}
			req := term.(etf.Tuple)
			to, tag, text := req[0].(etf.Pid), req[1], req[2].(etf.Atom)
			reply := etf.Tuple{tag, text}
			switch text {
			case "exit":
				return Exit(etf.Tuple{etf.Atom("shutdown"), etf.Int(7)})
			case "silence":
				continue
			case "by pid": // as a server does that knows no aliases
				err = p.Send(to, reply)
			case "twice":
				p.Send(ReplyTo(to, tag), reply)
				err = p.Send(ReplyTo(to, tag), reply)
			case "who":
				err = p.Send(ReplyTo(to, tag), etf.Tuple{tag, to})
			case "second try":
				if p.Reply(to, tag, make(chan int)) == nil {
					t.Error("a channel was sent")
				}
				err = p.Reply(to, tag, text)
			default:
				err = p.Reply(to, tag, text)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}, Register(name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRequest(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		server := answering(t, b, "server")
		p := a.Open()
		for _, caller := range []interface {
			Request(context.Context, any, Encode) (etf.Raw, error)
		}{a, p} {
			for _, to := range []any{server.Self(), Name{"server", b.Name()}} {
				for _, text := range []string{"hello", "by pid", "twice", "second try"} {
					raw, err := caller.Request(t.Context(), to, ask(text))
					if got, _ := raw.Term(); err != nil || got != etf.Term(etf.Atom(text)) {
						t.Errorf("%s of %v: %v, %v", text, to, got, err)
					}
				}
				if _, err := caller.Request(t.Context(), Name{"nobody", b.Name()}, ask("x")); !errors.Is(err, ErrNoProc) {
					t.Errorf("of nobody: %v", err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				if _, err := caller.Request(ctx, to, ask("silence")); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("without a reply: %v", err)
				}
				cancel()
			}
		}
		raw, err := p.Request(t.Context(), server.Self(), ask("who"))
		if who, _ := raw.Term(); err != nil || who != etf.Term(p.Self()) {
			t.Errorf("the caller is %v, %v", who, err)
		}
		settled(t, p, b)
		if p.Messages() != 0 || records(server, a).watchers != 0 || records(p, a).aliases != 0 || records(p, a).requests != 0 {
			t.Errorf("left behind: %d messages, %+v, %+v", p.Messages(), records(server, a), records(p, a))
		}
		_, err = a.Request(t.Context(), server.Self(), ask("exit"))
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Reason.String() != "{shutdown,7}" {
			t.Errorf("of a server that exits: %v", err)
		}
		if _, err := a.Request(t.Context(), server.Self(), ask("x")); !errors.Is(err, ErrNoProc) {
			t.Errorf("of a dead server: %v", err)
		}
		if _, err := a.Request(t.Context(), 7, ask("x")); err == nil {
			t.Error("7 was taken for a destination")
		}
	})
}

// A peer without ALIAS (OTP 23) replies to the caller's pid, with a plain reference for a tag.
func TestRequestWithoutAlias(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test", func(c *Config) { c.Flags = handshake.Default &^ handshake.Alias })
	answering(t, b, "server")
	raw, err := a.Request(t.Context(), Name{"server", "b@test"}, ask("hello"))
	if got, _ := raw.Term(); err != nil || got != etf.Term(etf.Atom("hello")) {
		t.Error(got, err)
	}
	if err := a.Ping(t.Context(), "b@test"); err != nil {
		t.Error(err)
	}
}

// Pending calls end with the connection, not with their timeouts.
func TestRequestConnectionLost(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	server := answering(t, b, "server")
	const calls = 100
	errs := make(chan error, calls)
	var started sync.WaitGroup
	started.Add(calls)
	for range calls {
		begun := sync.OnceFunc(started.Done) // a request may be encoded twice
		go func() {
			_, err := a.Request(t.Context(), server.Self(), func(dst []byte, from From) ([]byte, error) {
				defer begun()
				return ask("silence")(dst, from)
			})
			errs <- err
		}()
	}
	started.Wait()
	a.Disconnect("b@test")
	for range calls {
		if err := <-errs; !errors.Is(err, ErrNoConnection) {
			t.Fatal(err)
		}
	}
}

// The end of the calling process ends its call.
func TestRequestCallerExits(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		server := answering(t, b, "server")
		p := a.Open()
		got := make(chan error, 1)
		go func() {
			_, err := p.Request(t.Context(), server.Self(), ask("silence"))
			got <- err
		}()
		for done := false; !done; { // until the call is under way
			done = p.requests.Load() > 0
		}
		p.Exit(etf.Atom("enough"))
		var exit *ExitError
		if err := <-got; !errors.As(err, &exit) || exit.Reason != etf.Term(etf.Atom("enough")) {
			t.Error(err)
		}
	})
}
