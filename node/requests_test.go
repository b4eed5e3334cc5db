package node

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// question is what From.Message makes of a number.
type question struct {
	_    struct{} `etf:"question,tuple"`
	From struct {
		_   struct{} `etf:",tuple"`
		Pid etf.Pid
		Tag etf.Term
	}
	N int
}

// More calls are under way than there are slots. Each gets its own reply, and a loss of the connection ends them all.
func TestManyRequests(t *testing.T) {
	const calls = requestShards*shardSlots + 1000
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	server := b.Open(Register("server"))
	for _, answered := range []bool{true, false} {
		var calling sync.WaitGroup
		errs := make(chan error, calls)
		for i := range calls {
			calling.Go(func() {
				raw, err := a.Request(t.Context(), At("server", b.Name()), func(dst []byte, from From) ([]byte, error) { return from.Message(dst, "question", i) })
				if err != nil {
					errs <- err
					return
				}
				if n, err := etf.As[int](raw); err != nil || n != -i {
					t.Errorf("call %d: %d, %v", i, n, err)
				}
			})
		}
		all := make([]question, calls)
		for i := range all {
			m, err := server.Receive(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Decode(&all[i]); err != nil {
				t.Fatal(err)
			}
		}
		if n := a.aliases.len(); n != calls {
			t.Errorf("%d calls under way, %d references that are answers to them", calls, n)
		}
		if answered {
			for i, q := range all {
				if i%2 == 0 { // an answer that is not the call's own
					server.Reply(q.From.Pid, etf.Improper{Elems: []etf.Term{etf.Atom("alias")}, Tail: a.NewRef()}, 1)
				}
				if err := server.Reply(q.From.Pid, q.From.Tag, -q.N); err != nil {
					t.Error(err)
				}
			}
		} else {
			a.Disconnect(b.Name())
		}
		calling.Wait()
		if lost := len(errs); answered && lost > 0 || !answered && lost < calls {
			t.Errorf("answered %v: %d of %d calls have failed: %v", answered, lost, calls, <-errs)
		}
		if n := a.aliases.len(); n != 0 {
			t.Errorf("%d references are left", n)
		}
	}
}

// What comes to a reference whose call is over, or to one that no call has had, finds nobody.
func TestLateAnswers(t *testing.T) {
	a := newCluster(t).start("a@test")
	r := a.requests.take(nil)
	old := r.ref
	if got, ok := a.aliases.get(old); !ok || got.request != r {
		t.Fatal("a request is not found")
	}
	a.requests.release(r)
	if _, ok := a.aliases.get(old); ok {
		t.Error("a request that is over is found")
	}
	for range 100 {
		r := a.requests.take(nil)
		if r.ref == old {
			t.Fatal("a reference comes twice")
		}
		r.reply(old, etf.Raw{Bytes: []byte{104, 2, 97, 1, 97, 2}})
		if r.Answered() {
			t.Fatal("a late answer is taken for another call's")
		}
		defer a.requests.release(r)
	}
	for slot := range uint32(requestShards * shardSlots) {
		ref := old
		ref.Words[0], ref.Words[2] = firstWord, slot
		if got, ok := a.aliases.get(ref); ok {
			t.Fatalf("%v finds %v", ref, got)
		}
	}
}

// The tag of a reply is skipped over by its form, or read; in both ways the reply is what follows.
func TestAliasTag(t *testing.T) {
	for _, c := range []struct {
		name string
		b    string
		want int
	}{
		{"cached", "\x68\x02\x6c\x00\x00\x00\x01\x52\x00\x5a\x00\x03\x52\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x61\x05", 30},
		{"in full", "\x68\x02\x6c\x00\x00\x00\x01\x77\x05alias\x5a\x00\x03\x52\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x61\x05", 35},
		{"no reply", "\x68\x02\x6c\x00\x00\x00\x01\x52\x00\x5a\x00\x03\x52\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01", 0},
		{"no words", "\x68\x02\x6c\x00\x00\x00\x01\x52\x00\x5a\x00\x00\x52\x01\x00\x00\x00\x01\x61\x05", 0},
		{"too many words", "\x68\x02\x6c\x00\x00\x00\x01\x52\x00\x5a\xff\xff\x52\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x61\x05", 0},
		{"node in full", "\x68\x02\x6c\x00\x00\x00\x01\x52\x00\x5a\x00\x03\x77\x01a\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x61\x05", 0},
		{"proper list", "\x68\x02\x6c\x00\x00\x00\x01\x52\x00\x6a\x61\x05\x00\x00\x00\x00\x00\x00", 0},
		{"just a reference", "\x68\x02\x5a\x00\x03\x52\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x61\x05", 0},
	} {
		message := etf.Raw{Bytes: []byte(c.b), Atoms: []etf.Atom{"alias", "a@test"}}
		for n := range len(c.b) {
			if got := aliasTag(etf.Raw{Bytes: message.Bytes[:n], Atoms: message.Atoms}); got != 0 && got != c.want {
				t.Errorf("%s, %d bytes: %d", c.name, n, got)
			}
		}
		if got := aliasTag(message); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		if c.want == 0 {
			continue
		}
		rd := etf.NewReader(message)
		if _, err := rd.Tuple(); err != nil || rd.Skip() != nil || rd.Offset() != c.want {
			t.Errorf("%s: the Reader is at %d after the tag, not at %d", c.name, rd.Offset(), c.want)
		}
		message.Atoms = message.Atoms[:1]
		if got := aliasTag(message); got != 0 {
			t.Errorf("%s, with an atom outside of the table: %d", c.name, got)
		}
	}
}

// What an Encode returns or does besides what it should costs its own call at most: requests are encoded into the memory of a lane once some have gone.
func TestStrangeEncodes(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	answering(t, b, "server")
	other := answering(t, b, "other")
	to := At("server", b.Name())
	usual := func(to any) {
		t.Helper()
		for range 40 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			raw, err := a.Request(ctx, to, ask("hello"))
			cancel()
			if got, _ := raw.Term(); err != nil || got != etf.Term(etf.Atom("hello")) {
				t.Fatalf("%v, %v", got, err)
			}
		}
	}
	message := func(from From, text string) []byte {
		b, err := ask(text)(nil, from)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, encode := range map[string]Encode{
		"memory of its own":   func(_ []byte, from From) ([]byte, error) { return message(from, "hello"), nil },
		"over what there was": func(dst []byte, from From) ([]byte, error) { return append(dst[:0], message(from, "hello")...), nil },
		"from the middle": func(dst []byte, from From) ([]byte, error) {
			return append(append(dst, 1, 2, 3), message(from, "hello")...)[len(dst)+3:], nil
		},
		"in less than it found": func(dst []byte, from From) ([]byte, error) { return append(dst[:0:0], message(from, "hello")...), nil },
	} {
		usual(to)
		for range 5 {
			raw, err := a.Request(t.Context(), to, encode)
			if got, _ := raw.Term(); err != nil || got != etf.Term(etf.Atom("hello")) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
	}
	// A message that is sent again and again stays what it is.
	var kept []byte
	var was string
	usual(to)
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		a.Request(ctx, to, func(_ []byte, from From) ([]byte, error) {
			if kept == nil {
				kept = message(from, "silence")
				was = string(kept)
			}
			return kept, nil
		})
		cancel()
	}
	if string(kept) != was {
		t.Error("an Encode's own memory was written to")
	}
	// What cannot be encoded, and panics, are the caller's; the next call, perhaps of the same request and to somebody else, is not concerned.
	mirror := func(name etf.Atom) {
		p := b.Open(Register(name))
		go func() {
			for m := range p.Inbox(context.Background()) {
				if term, err := m.Term(); err != nil {
					t.Errorf("%v got %v", name, err)
				} else {
					q := term.(etf.Tuple)
					p.Reply(q[1].(etf.Tuple)[0].(etf.Pid), q[1].(etf.Tuple)[1], q[2])
				}
			}
		}()
	}
	mirrored := func(name etf.Atom, calls int) {
		t.Helper()
		for i := range calls {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			raw, err := a.Request(ctx, At(name, b.Name()), func(dst []byte, from From) ([]byte, error) { return from.Message(dst, "question", i) })
			cancel()
			if got, _ := raw.Term(); err != nil || got != etf.Term(etf.Int(i)) {
				t.Fatalf("%v: %v, %v", name, got, err)
			}
		}
	}
	mirror("mirror")
	for i := range 10 {
		mirrored("mirror", 60)
		for range 40 {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				a.Request(t.Context(), At("mirror", b.Name()), func([]byte, From) ([]byte, error) { panic("not mine") })
			}()
		}
		another := etf.Atom(fmt.Sprint("mirror", i)) // no lane leads there
		mirror(another)
		mirrored(another, 1)
		mirrored("mirror", 60)
		if _, err := a.Request(t.Context(), At("mirror", b.Name()), func(dst []byte, from From) ([]byte, error) {
			out, err := from.Message(dst, "question", make(chan int))
			if len(out) != len(dst) {
				t.Errorf("a request without an encoding: %d bytes, %d before", len(out), len(dst))
			}
			return out, err
		}); err == nil {
			t.Error("a channel was sent")
		}
	}
	usual(other.Self())
	if n := a.aliases.len(); n != 0 {
		t.Errorf("%d references are left", n)
	}
}

// kept is a term that somebody else keeps.
type kept []byte

func (k kept) MarshalETF([]byte) ([]byte, error) { return k, nil }

// Memory that a message or a request was in and that is not ours is read, and neither written to nor lent to other messages.
func TestKeptMemory(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	value := kept(etf.AppendInt(etf.AppendAtom(etf.AppendTupleHeader(nil, 2), "mine"), 1))
	was := string(value)
	var done sync.WaitGroup
	for _, to := range []*Node{a, b} {
		for range 4 {
			sink := to.Open()
			done.Go(func() {
				for i := range 200 {
					m, err := sink.Receive(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					var want any = "another message"
					if i%2 == 0 {
						want = kept(was)
					}
					b, _ := etf.Append(nil, want)
					wanted, _ := etf.Raw{Bytes: b}.Term()
					if got, err := m.Term(); err != nil || !reflect.DeepEqual(got, wanted) {
						t.Errorf("message %d: %v, %v", i, got, err)
						return
					}
				}
			})
			done.Go(func() {
				for i := range 200 {
					var v any = "another message"
					if i%2 == 0 {
						v = value
					}
					if err := a.SendContext(t.Context(), sink.Self(), v); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	done.Wait()
	if string(value) != was {
		t.Errorf("it has become %q", value)
	}
	// What has been sent stays what it is.
	p := a.Open()
	ctx, cancel := context.WithCancel(t.Context())
	done.Go(func() {
		a.Request(ctx, p.Self(), func([]byte, From) ([]byte, error) { return value, nil })
	})
	m, err := p.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	done.Wait()
	clear(value)
	if raw, err := m.Raw(); err != nil || string(raw.Bytes) != was {
		t.Errorf("%q, %v", raw.Bytes, err)
	}
}

// Answers that have come before the connection ends reach their callers, also if those who got the first of them keep the processor.
func TestAnswersBeforeTheEnd(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := newCluster(t)
	for k := range 10 {
		a, b := c.start(fmt.Sprintf("a%d@test", k)), c.start(fmt.Sprintf("b%d@test", k))
		server := b.Open()
		var calling sync.WaitGroup
		for i := range 4 * fewAnswers {
			calling.Go(func() {
				raw, err := a.Request(ctx, server.Self(), func(dst []byte, from From) ([]byte, error) { return from.Message(dst, "question", i) })
				if got, _ := raw.Term(); err != nil || got != etf.Term(etf.Int(i)) {
					t.Errorf("%v, %v", got, err)
				}
				for start := time.Now(); time.Since(start) < 2*time.Millisecond; { // it computes
				}
			})
		}
		var all [4 * fewAnswers]question
		for i := range all {
			m, err := server.Receive(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Decode(&all[i]); err != nil {
				t.Fatal(err)
			}
		}
		for _, q := range all {
			if err := server.Reply(q.From.Pid, q.From.Tag, q.N); err != nil {
				t.Error(err)
			}
		}
		b.Disconnect(a.Name())
		calling.Wait()
	}
}
