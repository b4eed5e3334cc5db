package node

import (
	"context"
	"sync"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// More calls are under way than there are slots. Each gets its own reply, and a loss of the connection ends them all.
func TestManyRequests(t *testing.T) {
	const calls = requestShards*shardSlots + 1000
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	type question struct {
		_    struct{} `etf:"question,tuple"`
		From struct {
			_   struct{} `etf:",tuple"`
			Pid etf.Pid
			Tag etf.Term
		}
		N int
	}
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
		{"too many words", "\x68\x02\x6c\x00\x00\x00\x01\x52\x00\x5a\xff\xff\x52\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x61\x05", 0},
		{"node in full", "\x68\x02\x6c\x00\x00\x00\x01\x52\x00\x5a\x00\x03\x77\x01a\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x61\x05", 0},
		{"proper list", "\x68\x02\x6c\x00\x00\x00\x01\x52\x00\x6a\x61\x05\x00\x00\x00\x00\x00\x00", 0},
		{"just a reference", "\x68\x02\x5a\x00\x03\x52\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x61\x05", 0},
	} {
		for n := range len(c.b) {
			if got := aliasTag([]byte(c.b[:n])); got != 0 && got != c.want {
				t.Errorf("%s, %d bytes: %d", c.name, n, got)
			}
		}
		if got := aliasTag([]byte(c.b)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
