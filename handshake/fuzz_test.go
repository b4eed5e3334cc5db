package handshake

import "testing"

// script cuts fuzzed bytes into messages: a length byte and so many bytes, again and again.
func script(data []byte) (messages [][]byte) {
	for len(data) > 0 {
		n := min(int(data[0]), len(data)-1)
		messages = append(messages, data[1:1+n])
		data = data[1+n:]
	}
	return messages
}

func joined(messages ...[]byte) (data []byte) {
	for _, m := range messages {
		data = append(append(data, byte(len(m))), m...)
	}
	return data
}

// Whatever comes, an acceptor does not panic, sends only what it may, and is done only when the proof came.
func FuzzAcceptor(f *testing.F) {
	hello := nameBody("iex@localhost", Default)
	f.Add(joined(hello, replyBody(5, proof(1111))), byte(0))
	f.Add(joined(hello, []byte("strue"), replyBody(5, proof(1111))), byte(4))
	f.Add(joined(oldNameBody("iex@localhost", 0x03df7fbd), []byte("c\x00\x00\x00\x0d\x00\x00\x00\x07"), replyBody(5, proof(1111))), byte(0))
	f.Add(joined(oldNameBody("iex@localhost", 0x00df7fbd), replyBody(5, proof(1111))), byte(1))
	f.Add(joined(nameBody("localhost", Default|NameMe)), byte(0))
	f.Add(joined(nameBody("localhost", Default|NameMe), replyBody(5, proof(1111))), byte(8))
	f.Add(joined(nameBody("iex@local@host", Default)), byte(0))
	f.Add([]byte{0}, byte(0))
	f.Add([]byte("\x11N\x00\x00\x00\x0d\x07\xdf\x7f\xbd\x00\x00\x00\x01\x01\x0ax"), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, choice byte) {
		statuses := []Status{StatusOK, StatusOKSimultaneous, StatusNok, StatusNotAllowed, StatusAlive}
		cfg := goNode()
		cfg.Guard = new(Guard)
		if choice >= 8 {
			cfg.Flags |= NameMe
		}
		ac := NewAcceptor(cfg)
		proved, done, failed := false, false, false
		for _, m := range script(data) {
			step, err := ac.Receive(m)
			want := proof(1111)
			proved = proved || len(m) == 21 && string(m[5:]) == string(want[:])
			for err == nil && step.Ask != AskNothing {
				if step.Ask == AskName {
					if CheckName("x@"+ac.Host()) != nil || choice < 8 {
						t.Fatalf("asks for a name on %q", ac.Host())
					}
					step, err = ac.Name("x@"+ac.Host(), 5)
				} else if step.Ask == AskStatus {
					if CheckName(ac.Peer()) != nil {
						t.Fatalf("asks for %q", ac.Peer())
					}
					step, err = ac.Decide(statuses[int(choice)%len(statuses)])
				} else {
					step, err = ac.Replaced()
				}
			}
			if failed && (err == nil || len(step.Send) > 0) || step.Done && err != nil {
				t.Fatalf("%+v, %v", step, err)
			}
			done = done || step.Done
			failed = failed || err != nil
		}
		if done && (!proved || !failed && ac.Result().Peer == "") {
			t.Fatalf("done without a proof: %+v", ac.Result())
		}
		ac.Close()
		if len(cfg.Guard.open) != 0 {
			t.Fatalf("open challenges: %v", cfg.Guard.open)
		}
	})
}

// Whatever comes, an initiator does not panic and is done only when the proof came.
func FuzzInitiator(f *testing.F) {
	hello := challengeBody("iex@localhost", Default, 5)
	f.Add(joined([]byte("sok"), hello, ackBody(proof(1111))), true)
	f.Add(joined([]byte("salive"), hello, ackBody(proof(1111))), true)
	f.Add(joined([]byte("salive")), false)
	f.Add(joined([]byte("sok_simultaneous"), oldChallengeBody("iex@localhost", Mandatory23, 5), ackBody(proof(1111))), true)
	f.Add(joined([]byte("snamed:\x00\x05a@vm1\x00\x00\x00\x01")), true)
	f.Add(joined([]byte("snamed:\x00\x04a@vm\x00\x00\x00\x01"), hello, ackBody(proof(1111))), false)
	f.Add(joined([]byte("sok"), hello, ackBody(proof(5))), true)
	f.Add([]byte{0}, true)
	f.Fuzz(func(t *testing.T, data []byte, wanted bool) {
		cfg := goNode()
		cfg.Guard = new(Guard)
		if !wanted { // one that asks for a name
			cfg.Name, cfg.Host = "", "vm"
		}
		in := NewInitiator(cfg, "iex@localhost")
		in.Start()
		proved, done := false, false
		for _, m := range script(data) {
			step, err := in.Receive(m)
			want := proof(1111)
			proved = proved || len(m) == 17 && string(m[1:]) == string(want[:])
			if err == nil && step.Ask == AskWanted {
				step, err = in.Wanted(wanted)
			}
			if step.Done && err != nil || err != nil && len(step.Send) > 0 && wanted {
				t.Fatalf("%+v, %v", step, err)
			}
			done = done || step.Done
		}
		if done && !proved {
			t.Fatalf("done without a proof: %+v", in.Result())
		}
		if r := in.Result(); r.Peer != "" && (r.Named != "") == wanted || r.Named != "" && CheckName(r.Named) != nil {
			t.Fatalf("named %q", r.Named)
		}
		in.Close()
		if len(cfg.Guard.open) != 0 {
			t.Fatalf("open challenges: %v", cfg.Guard.open)
		}
	})
}
