package handshake

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"
)

func challengeOf(step Step) uint32 { return binary.BigEndian.Uint32(step.Send[len(step.Send)-1][9:]) }

// A peer without the cookie connects to us, and has us answer our own challenge where we connect to it.
func TestReflection(t *testing.T) {
	for _, guarded := range []bool{false, true} {
		cfg := goNode()
		cfg.Challenge = nil
		if guarded {
			cfg.Guard = new(Guard)
		}
		ac := NewAcceptor(cfg)
		ac.Receive(nameBody("evil@localhost", Default))
		step, err := ac.Decide(StatusOK)
		if err != nil {
			t.Fatal(err)
		}
		in := NewInitiator(cfg, "evil@localhost")
		in.Start()
		in.Receive([]byte("sok"))
		answer, err := in.Receive(challengeBody("evil@localhost", Default, challengeOf(step)))
		if guarded {
			var me *MessageError
			if !errors.As(err, &me) || !strings.Contains(err.Error(), "evil@localhost") || len(answer.Send) != 0 {
				t.Errorf("the answer is %q, %v", answer.Send, err)
			}
			continue
		}
		// Why there are guards: without one, this is all it takes.
		if err != nil {
			t.Fatal(err)
		}
		if step, err := ac.Receive(answer.Send[0]); err != nil || !step.Done {
			t.Errorf("%+v, %v", step, err)
		}
	}
}

// The same by two connections that we dial: the challenge in our reply comes back as a challenge.
func TestReflectionBetweenInitiators(t *testing.T) {
	cfg := goNode()
	cfg.Challenge = nil
	cfg.Guard = new(Guard)
	a := initiatorAt(t, cfg, []byte("sok"))
	step, err := a.Receive(challengeBody("iex@localhost", Default, 5))
	if err != nil {
		t.Fatal(err)
	}
	b := initiatorAt(t, cfg, []byte("sok"))
	if step, err := b.Receive(challengeBody("iex@localhost", Default, binary.BigEndian.Uint32(step.Send[0][1:]))); err == nil {
		t.Errorf("answers %q", step.Send)
	}
}

// In one handshake the two challenges differ, so that our answer is not the one we wait for.
func TestReflectionInOneHandshake(t *testing.T) {
	in := initiatorAt(t, goNode(), []byte("sok")) // draws 1111
	step, err := in.Receive(challengeBody("iex@localhost", Default, 1111))
	if err != nil {
		t.Fatal(err)
	}
	ourAnswer := step.Send[0][5:]
	if step, err := in.Receive(append([]byte{'a'}, ourAnswer...)); err == nil {
		t.Errorf("our own digest was taken for the peer's: %+v", step)
	}
}

// Guards forget the challenges of handshakes that have ended, however they have.
func TestGuardForgets(t *testing.T) {
	hello := nameBody("iex@localhost", Default)
	tests := []struct {
		name string
		end  func(ac *Acceptor, in *Initiator)
	}{
		{"done", func(ac *Acceptor, in *Initiator) {
			ac.Receive(replyBody(5, proof(1111)))
			in.Receive(ackBody(proof(1111)))
		}},
		{"failed", func(ac *Acceptor, in *Initiator) {
			ac.Receive(replyBody(5, proof(5)))
			in.Receive(ackBody(proof(5)))
		}},
		{"malformed", func(ac *Acceptor, in *Initiator) { ac.Receive(nil); in.Receive(nil) }},
		{"closed", func(ac *Acceptor, in *Initiator) { ac.Close(); ac.Close(); in.Close(); in.Close() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := goNode()
			cfg.Guard = new(Guard)
			ac := acceptorAt(t, cfg, StatusOK, hello)
			in := initiatorAt(t, cfg, []byte("sok"), challengeBody("iex@localhost", Default, 5))
			if cfg.Guard.open[1111] != 2 {
				t.Errorf("open: %v", cfg.Guard.open)
			}
			tt.end(ac, in)
			if len(cfg.Guard.open) != 0 {
				t.Errorf("open: %v", cfg.Guard.open)
			}
		})
	}
}

func TestGuardConcurrently(t *testing.T) {
	cfg := goNode()
	cfg.Guard = new(Guard)
	cfg.Challenge = nil
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				c := conversation{in: NewInitiator(iexNode(), cfg.Name), ac: NewAcceptor(cfg), status: StatusOK}
				c.run(t)
				if !c.inDone || !c.acDone {
					t.Errorf("%v, %v", c.inErr, c.acErr)
				}
			}
		})
	}
	wg.Wait()
	if len(cfg.Guard.open) != 0 {
		t.Errorf("open: %v", cfg.Guard.open)
	}
}
