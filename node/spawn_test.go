package node

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// offering offers what the tests of spawning run: m:exit/1, m:wait/0, m:tell/2, m:leader/1.
// The channels say that wait has begun, and why it has ended.
func offering(n *Node) (started chan etf.Pid, stopped chan error) {
	started, stopped = make(chan etf.Pid, 100), make(chan error, 100)
	n.Offer("m", "exit", 1, func(_ context.Context, _ *Process, args []etf.Raw) (any, error) {
		t, err := args[0].Term()
		if err != nil {
			return nil, err
		}
		return nil, Exit(t)
	})
	n.Offer("m", "wait", 0, func(ctx context.Context, p *Process, _ []etf.Raw) (any, error) {
		started <- p.Self()
		<-ctx.Done()
		stopped <- context.Cause(ctx)
		return nil, nil
	})
	n.Offer("m", "tell", 2, func(_ context.Context, p *Process, args []etf.Raw) (any, error) {
		var to etf.Pid
		if err := args[0].Decode(&to); err != nil {
			return nil, err
		}
		return nil, p.Send(to, args[1])
	})
	n.Offer("m", "leader", 1, func(_ context.Context, p *Process, args []etf.Raw) (any, error) {
		var to etf.Pid
		if err := args[0].Decode(&to); err != nil {
			return nil, err
		}
		return nil, p.Send(to, etf.Tuple{etf.Atom("leader"), p.GroupLeader()})
	})
	return started, stopped
}

func TestSpawnRequest(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		_, abandoned := offering(b)
		request := func(t *testing.T, p *Process, function etf.Atom, args []any, o SpawnOptions) etf.Ref {
			t.Helper()
			ref, err := p.SpawnRequest(t.Context(), b.Name(), "m", function, args, o)
			if err != nil {
				t.Fatal(err)
			}
			return ref
		}
		// spawned takes the reply.
		spawned := func(t *testing.T, p *Process, ref etf.Ref) etf.Pid {
			t.Helper()
			m, err := p.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r, ok := m.SpawnReply()
			if !ok || r.Ref != ref || r.Err != nil || r.Pid.Node != b.Name() {
				t.Fatalf("%v is not the reply to %v", m, ref)
			}
			if want := fmt.Sprintf("{spawn_reply,%v,ok,%v}", ref, r.Pid); m.String() != want {
				t.Errorf("%v, want %s", m, want)
			}
			return r.Pid
		}
		t.Run("it runs", func(t *testing.T) {
			p := a.Open()
			ref := request(t, p, "tell", []any{p.Self(), etf.Atom("hi")}, SpawnOptions{})
			spawned(t, p, ref)
			expect(t, p, "hi")
		})
		t.Run("monitored", func(t *testing.T) {
			p := a.Open()
			ref := request(t, p, "exit", []any{etf.Atom("bye")}, SpawnOptions{Monitor: true})
			pid := spawned(t, p, ref)
			expect(t, p, fmt.Sprintf("{'DOWN',%v,process,%v,bye}", ref, pid))
		})
		t.Run("monitored with a tag", func(t *testing.T) {
			p := a.Open()
			ref := request(t, p, "exit", []any{etf.Atom("bye")}, SpawnOptions{MonitorOptions: []MonitorOption{MonitorTag(etf.Atom("gone"))}})
			pid := spawned(t, p, ref)
			expect(t, p, fmt.Sprintf("{gone,%v,process,%v,bye}", ref, pid))
		})
		t.Run("linked", func(t *testing.T) {
			p := trapping(t, a)
			ref := request(t, p, "exit", []any{etf.Atom("bye")}, SpawnOptions{Link: true})
			pid := spawned(t, p, ref)
			expect(t, p, fmt.Sprintf("{'EXIT',%v,bye}", pid))
		})
		t.Run("the link goes both ways", func(t *testing.T) {
			p, w := a.Open(), a.Open()
			pid := spawned(t, p, request(t, p, "wait", nil, SpawnOptions{Link: true}))
			ref, _ := w.Monitor(pid)
			settled(t, w, b)
			p.Exit(etf.Atom("gone"))
			expect(t, w, fmt.Sprintf("{'DOWN',%v,process,%v,gone}", ref, pid))
			<-abandoned
		})
		t.Run("not offered", func(t *testing.T) {
			p := a.Open()
			ref := request(t, p, "nofun", []any{1, "x"}, SpawnOptions{Monitor: true})
			pid := spawned(t, p, ref)
			expect(t, p, fmt.Sprintf(`{'DOWN',%v,process,%v,{undef,[{m,nofun,[1,<<"x">>],[]}]}}`, ref, pid))
		})
		t.Run("group leader", func(t *testing.T) {
			p, leader := a.Open(), a.Open()
			spawned(t, p, request(t, p, "leader", []any{p.Self()}, SpawnOptions{Leader: leader.Self()}))
			expect(t, p, fmt.Sprintf("{leader,%v}", leader.Self()))
			spawned(t, p, request(t, p, "leader", []any{p.Self()}, SpawnOptions{}))
			expect(t, p, fmt.Sprintf("{leader,%v}", p.GroupLeader()))
		})
		t.Run("reply modes and tags", func(t *testing.T) {
			bad := []etf.Term{etf.Atom("nonsense")}
			for _, tt := range []struct {
				o    SpawnOptions
				want string // with the reference as %v
			}{
				{SpawnOptions{More: bad}, "{spawn_reply,%v,error,badopt}"},
				{SpawnOptions{More: bad, Monitor: true, Link: true}, "{spawn_reply,%v,error,badopt}"},
				{SpawnOptions{More: bad, ReplyTag: etf.Tuple{etf.Atom("t"), etf.Int(1)}}, "{{t,1},%v,error,badopt}"},
				{SpawnOptions{More: bad, Reply: ReplyErrorOnly}, "{spawn_reply,%v,error,badopt}"},
				{SpawnOptions{More: bad, Reply: ReplyNo}, ""},
				{SpawnOptions{More: bad, Reply: ReplySuccessOnly}, ""},
				{SpawnOptions{Reply: ReplyNo}, ""},
				{SpawnOptions{Reply: ReplyErrorOnly}, ""},
			} {
				p := a.Open()
				ref := request(t, p, "tell", []any{p.Self(), etf.Atom("hi")}, tt.o)
				if tt.want != "" {
					expect(t, p, fmt.Sprintf(tt.want, ref))
				} else if tt.o.More == nil {
					expect(t, p, "hi")
				}
				settled(t, p, b)
				if n := p.Messages(); n != 0 {
					t.Errorf("%+v: %d more messages", tt.o, n)
				}
				p.mu.Lock()
				if len(p.spawns)+len(p.monitors)+p.links.len() != 0 {
					t.Errorf("%+v leaves records", tt.o)
				}
				p.mu.Unlock()
			}
		})
		t.Run("alias", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			ref := request(t, p, "wait", nil, SpawnOptions{MonitorOptions: []MonitorOption{AliasDemonitor}})
			spawned(t, p, ref)
			q.Send(ref, etf.Atom("through"))
			expect(t, p, "through")
			if !p.Demonitor(ref) {
				t.Error("no monitor")
			}
			if err := <-abandoned; !errors.Is(err, ErrAbandoned) {
				t.Error(err)
			}
			q.Send(ref, etf.Atom("late"))
			settled(t, q, a)
			if n := p.Messages(); n != 0 {
				t.Errorf("%d messages through an alias that has ended", n)
			}
		})
		t.Run("the function hears that nobody waits", func(t *testing.T) {
			p := a.Open()
			spawned(t, p, request(t, p, "wait", nil, SpawnOptions{Monitor: true}))
			p.Exit(nil)
			if err := <-abandoned; !errors.Is(err, ErrAbandoned) {
				t.Error(err)
			}
		})
	})
}

// The answer to a request that has been abandoned, or whose process has exited, takes back what the peer has set up. The peer
// answers when the test says so.
func TestSpawnAbandon(t *testing.T) {
	a := newCluster(t).start("a@test")
	got := make(chan dist.Signal, 10)
	peer := strangerWith(t, a, "peer@test", true, handshake.Default, func(s *dist.Signal) { got <- *s })
	child := strangers("peer@test")
	for _, tt := range []struct {
		end  func(p *Process, ref etf.Ref)
		want string
	}{
		{func(p *Process, ref etf.Ref) {
			if !p.SpawnAbandon(ref) || p.SpawnAbandon(ref) {
				t.Error("abandoned otherwise than once")
			}
		}, "abandoned"},
		{func(p *Process, _ etf.Ref) { p.Exit(etf.Atom("tired")) }, "tired"},
	} {
		p := a.Open()
		ref, err := p.SpawnRequest(t.Context(), "peer@test", "m", "f", []any{1}, SpawnOptions{Monitor: true, Link: true})
		if err != nil {
			t.Fatal(err)
		}
		if s := <-got; s.Kind != dist.SpawnRequest || s.Ref != ref || s.Options.String() != "[link,monitor]" || s.Payload.String() != "[1]" {
			t.Fatalf("%+v", s)
		}
		tt.end(p, ref)
		if err := peer.Post(&dist.Signal{Kind: dist.SpawnReply, To: p.Self(), Ref: ref, Linked: true, Monitored: true, From: child}); err != nil {
			t.Fatal(err)
		}
		if s := <-got; s.Kind != dist.Demonitor || s.Ref != ref || s.To != child {
			t.Errorf("%+v, want a demonitor", s)
		}
		if s := <-got; s.Kind != dist.Exit || s.To != child || s.Payload.String() != tt.want {
			t.Errorf("%+v, want an exit with %s", s, tt.want)
		}
		if n := p.Messages(); n != 0 {
			t.Errorf("%d messages", n)
		}
		// An answer to nothing, or again, is nothing.
		peer.Post(&dist.Signal{Kind: dist.SpawnReply, To: p.Self(), Ref: ref, Linked: true, From: child})
	}
	// A call is given up before its answer, too.
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() {
		_, err := a.SpawnWait(ctx, "peer@test", "m", "f", nil)
		done <- err
	}()
	s := <-got
	cancel(errors.New("enough"))
	if err := <-done; err == nil || err.Error() != "enough" {
		t.Error(err)
	}
	peer.Post(&dist.Signal{Kind: dist.SpawnReply, To: s.From, Ref: s.Ref, Monitored: true, From: child})
	if d := <-got; d.Kind != dist.Demonitor || d.Ref != s.Ref || d.To != child {
		t.Errorf("%+v, want a demonitor", d)
	}
	if p := a.Open(); p.SpawnAbandon(a.NewRef()) {
		t.Error("a request that was never made has been abandoned")
	}
}

// A process that raises is reported to the node of its group leader, which is where the user sits.
func TestCrashIsLogged(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	b.Offer("m", "fail", 0, func(context.Context, *Process, []etf.Raw) (any, error) { return nil, errors.New("no disk") })
	proxy := a.Open(Register("logger_proxy"))
	p := a.Open()
	pid, _, err := p.SpawnOn(t.Context(), "b@test", "m", "fail", nil, SpawnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		_      struct{} `etf:"log,tuple"`
		Level  etf.Atom
		Format etf.Charlist
		Args   etf.List
		Meta   struct {
			Pid  etf.Pid `etf:"pid"`
			GL   etf.Pid `etf:"gl"`
			Time int     `etf:"time"`
		}
	}
	m, err := proxy.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Decode(&log); err != nil {
		t.Fatal(m, err)
	}
	want := fmt.Sprintf(`[%v,b@test,{{error,<<"no disk">>},[{m,fail,0,[]}]}]`, pid)
	if log.Level != "error" || log.Args.String() != want || log.Meta.Pid != pid || log.Meta.GL != p.GroupLeader() || log.Meta.Time == 0 {
		t.Errorf("%+v, want %s", log, want)
	}
}

func TestSpawnOn(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		offering(b)
		p := a.Open()
		pid, ref, err := p.SpawnOn(t.Context(), b.Name(), "m", "exit", []any{etf.Atom("why")}, SpawnOptions{Monitor: true, Reply: ReplyNo})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, p, fmt.Sprintf("{'DOWN',%v,process,%v,why}", ref, pid))
		pid, ref, err = p.SpawnOn(t.Context(), b.Name(), "m", "wait", nil, SpawnOptions{})
		if err != nil || !b.Alive(pid) || ref != (etf.Ref{}) {
			t.Error(pid, ref, err)
		}
		p.SendExit(pid, etf.Atom("kill"))
		_, _, err = p.SpawnOn(t.Context(), b.Name(), "m", "wait", nil, SpawnOptions{More: []etf.Term{etf.Int(1)}})
		if e, ok := errors.AsType[*SpawnError](err); !ok || e.Reason != "badopt" || e.Node != b.Name() {
			t.Error(err)
		}
		if _, _, err = p.SpawnOn(t.Context(), "none@test", "m", "wait", nil, SpawnOptions{}); !errors.Is(err, ErrNoConnection) {
			t.Error(err)
		}
		if _, _, err = p.SpawnOn(t.Context(), b.Name(), "m", "wait", []any{make(chan int)}, SpawnOptions{}); err == nil {
			t.Error("a channel as an argument")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err = p.SpawnOn(ctx, "none@test", "m", "wait", nil, SpawnOptions{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		p.Exit(nil)
		if _, _, err = p.SpawnOn(t.Context(), b.Name(), "m", "wait", nil, SpawnOptions{}); err == nil {
			t.Error("an exited process spawns")
		}
	})
}

// Nobody waits for the reply of a peer that is gone, or cannot spawn.
func TestSpawnNoConnection(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	old := c.start("old@test", func(cfg *Config) { cfg.Flags = handshake.Default &^ handshake.Spawn })
	started, _ := offering(b)
	p := trapping(t, a)
	pid, ref, err := p.SpawnOn(t.Context(), "b@test", "m", "wait", nil, SpawnOptions{Monitor: true, Link: true})
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan string)
	go func() {
		reason, err := a.SpawnWait(t.Context(), "b@test", "m", "wait", nil)
		waiting <- fmt.Sprint(reason, err)
	}()
	<-started
	<-started
	b.Close()
	got := map[string]bool{receive(t, p): true, receive(t, p): true}
	if !got[fmt.Sprintf("{'DOWN',%v,process,%v,noconnection}", ref, pid)] || !got[fmt.Sprintf("{'EXIT',%v,noconnection}", pid)] {
		t.Error(got)
	}
	if got := <-waiting; got != "noconnection <nil>" {
		t.Error(got)
	}
	for _, tt := range []struct {
		on  etf.Atom
		err error
	}{{"b@test", ErrNoConnection}, {"none@test", ErrNoConnection}, {old.Name(), ErrNotSup}} {
		ref, err := p.SpawnRequest(t.Context(), tt.on, "m", "wait", nil, SpawnOptions{Monitor: true})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, p, fmt.Sprintf("{spawn_reply,%v,error,%v}", ref, tt.err))
		if _, _, err := p.SpawnOn(t.Context(), tt.on, "m", "wait", nil, SpawnOptions{}); !errors.Is(err, tt.err) {
			t.Error(tt.on, err)
		}
		if _, err := p.SpawnWait(t.Context(), tt.on, "m", "wait", nil); !errors.Is(err, tt.err) {
			t.Error(tt.on, err)
		}
	}
}

func TestSpawnWait(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		started, abandoned := offering(b)
		p := a.Open()
		reason, err := p.SpawnWait(t.Context(), b.Name(), "m", "exit", []any{etf.Tuple{etf.Atom("a"), etf.Int(1)}})
		if err != nil || reason.String() != "{a,1}" {
			t.Error(reason, err)
		}
		reason, err = a.SpawnWait(t.Context(), b.Name(), "m", "nofun", nil)
		if err != nil || reason.String() != "{undef,[{m,nofun,[],[]}]}" {
			t.Error(reason, err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-started
			cancel(errors.New("enough"))
		}()
		if _, err = a.SpawnWait(ctx, b.Name(), "m", "wait", nil); err == nil || err.Error() != "enough" {
			t.Error(err)
		}
		if err := <-abandoned; !errors.Is(err, ErrAbandoned) {
			t.Error(err)
		}
		if _, err = a.SpawnWait(ctx, b.Name(), "m", "wait", []any{make(chan int)}); err == nil {
			t.Error("a channel as an argument")
		}
	})
}
