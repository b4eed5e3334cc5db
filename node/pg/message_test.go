package pg

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/erlnode/erlnode/etf"
)

var (
	scopePid = etf.Pid{Node: "a@h", ID: 1, Creation: 1}
	pid2     = etf.Pid{Node: "a@h", ID: 2, Creation: 1}
	pid3     = etf.Pid{Node: "a@h", ID: 3, Creation: 1}
)

func named(name etf.Term, add, remove []etf.Pid) change {
	k, err := key(name)
	if err != nil {
		panic(err)
	}
	return change{key: k, name: name, add: add, remove: remove}
}

// What goes out, and what is understood of it: the forms of pg.erl and data_publisher.erl.
func TestMessages(t *testing.T) {
	a, b := etf.Atom("a"), etf.Tuple{etf.Atom("b"), etf.Int(1)}
	one, two := []etf.Pid{pid2}, []etf.Pid{pid2, pid3}
	for _, tt := range []struct {
		m    message
		want []string
	}{
		{message{kind: discover}, []string{`{discover,s}`}},
		{message{kind: discover, version: 1}, []string{`{discover,s,1}`}},
		{message{kind: data}, []string{`{'$gen_cast',{sync,s,[]}}`}},
		{message{kind: data, version: 1}, []string{`{'$gen_cast',{local_data,s,1,#{}}}`}},
		{message{kind: data, changes: []change{named(a, two, nil), named(b, one, nil)}}, []string{`{'$gen_cast',{sync,s,[{a,[p2,p3]},{{b,1},[p2]}]}}`}},
		{message{kind: data, version: 1, changes: []change{named(a, two, nil), named(b, one, nil)}},
			[]string{`{'$gen_cast',{local_data,s,1,#{a => [p2,p3],{b,1} => [p2]}}}`}},
		{message{kind: update, changes: []change{named(a, one, nil)}}, []string{`{join,s,a,p2}`}},
		{message{kind: update, changes: []change{named(a, two, nil)}}, []string{`{join,s,a,[p2,p3]}`}},
		{message{kind: update, changes: []change{named(a, nil, one)}}, []string{`{leave,s,p2,[a]}`}},
		{message{kind: update, changes: []change{named(a, nil, two)}}, []string{`{leave,s,[p2,p3],[a]}`}},
		{message{kind: update, changes: []change{named(a, nil, one), named(b, nil, one), named(a, nil, one)}}, []string{`{leave,s,p2,[a,{b,1},a]}`}},
		{message{kind: update, changes: []change{named(a, one, nil), named(b, nil, one), named(a, nil, two)}},
			[]string{`{join,s,a,p2}`, `{leave,s,p2,[{b,1}]}`, `{leave,s,[p2,p3],[a]}`}},
		{message{kind: update, version: 1, changes: []change{named(a, two, nil), named(b, nil, one)}}, []string{`{update,s,[{a,[p2,p3],[]},{{b,1},[],[p2]}]}`}},
	} {
		tt.m.from = scopePid
		all, err := tt.m.encode()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		var changes []change
		for _, bytes := range all {
			raw := etf.Raw{Bytes: bytes}
			got = append(got, abbreviate(raw))
			back, err := parse(raw)
			if err != nil {
				t.Errorf("%v: %v", raw, err)
			}
			if back.kind != tt.m.kind || back.from != scopePid || back.version != tt.m.version {
				t.Errorf("%v is read as kind %d of version %d from %v", raw, back.kind, back.version, back.from)
			}
			changes = append(changes, back.changes...)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("encode: %s", diff)
		}
		if diff := cmp.Diff(tt.m.changes, changes, cmp.AllowUnexported(change{})); diff != "" {
			t.Errorf("%v read back: %s", got, diff)
		}
	}
}

func abbreviate(raw etf.Raw) string {
	t, err := raw.Term()
	if err != nil {
		return err.Error()
	}
	return short(t).String()
}

// short puts letters for the pids.
func short(t etf.Term) etf.Term {
	switch t := t.(type) {
	case etf.Pid:
		return map[etf.Pid]etf.Term{scopePid: etf.Atom("s"), pid2: etf.Atom("p2"), pid3: etf.Atom("p3")}[t]
	case etf.Tuple:
		return etf.Tuple(shortAll(t))
	case etf.List:
		return etf.List(shortAll(t))
	case etf.Map:
		m := etf.Map{}
		for _, p := range t {
			m = append(m, etf.Pair{Key: short(p.Key), Value: short(p.Value)})
		}
		return m
	}
	return t
}

func shortAll(list []etf.Term) (out []etf.Term) {
	out = []etf.Term{}
	for _, e := range list {
		out = append(out, short(e))
	}
	return out
}

// Terms that a scope must not take, and must not be hurt by; and such that only look strange.
func TestForeign(t *testing.T) {
	term := func(text string) etf.Raw {
		parsed, err := etf.Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		b, err := etf.AppendTerm(nil, replacePids(parsed))
		if err != nil {
			t.Fatal(err)
		}
		return etf.Raw{Bytes: b}
	}
	for _, text := range []string{
		`hello`, `{}`, `{discover}`, `{discover,a}`, `{discover,s,1,2}`, `{'$gen_cast',{sync,s}}`, `{'$gen_cast',{sync,s,a}}`, `{sync,s,[a]}`,
		`{sync,s,[{a,p2}]}`, `{sync,s,[{a,[p2|p3]}]}`, `{sync,s,[{a,[p2]}|b]}`, `{sync,s,[{a,[p2],[]}]}`, `{local_data,s,1,[]}`, `{local_data,s,1,#{a => p2}}`,
		`{local_data,s,#{}}`, `{join,s,a}`, `{join,s,a,b}`, `{join,s,a,[b]}`, `{join,a,a,p2}`, `{leave,s,p2,a}`, `{leave,s,a,[a]}`, `{leave,s,p2,[a|b]}`,
		`{update,s,a}`, `{update,s,[{a,[p2]}]}`, `{update,s,[{a,p2,[]}]}`, `{update,s,[{a,[],[b]}]}`, `{'$gen_call',{s,a},{join_local,a,p2}}`, `[discover,s]`,
	} {
		if m, err := parse(term(text)); err == nil {
			t.Errorf("%s is read as %+v", text, m)
		}
	}
	for _, tt := range []struct {
		text string
		want message
	}{
		{`{discover,s,0}`, message{kind: discover}},
		{`{discover,s,7}`, message{kind: discover, version: 1}},
		{`{discover,s,{2,0}}`, message{kind: discover, version: 1}},
		{`{sync,s,[{a,[]}]}`, message{kind: data}},
		{`{leave,s,p2,[1,2]}`, message{kind: update, changes: []change{named(etf.Int(1), nil, []etf.Pid{pid2}), named(etf.Int(2), nil, []etf.Pid{pid2})}}},
		{`{leave,s,[],[a]}`, message{kind: update}},
		{`{local_data,s,2,#{a => [p2]}}`, message{kind: data, version: 1, changes: []change{named(etf.Atom("a"), []etf.Pid{pid2}, nil)}}},
		{`{'$gen_cast',{join,s,a,p2}}`, message{kind: update, changes: []change{named(etf.Atom("a"), []etf.Pid{pid2}, nil)}}},
	} {
		tt.want.from = scopePid
		got, err := parse(term(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(message{}, change{})); diff != "" {
			t.Errorf("%s: %s", tt.text, diff)
		}
	}
}

func replacePids(t etf.Term) etf.Term {
	switch t := t.(type) {
	case etf.Atom:
		if p, ok := map[etf.Atom]etf.Pid{"s": scopePid, "p2": pid2, "p3": pid3}[t]; ok {
			return p
		}
	case etf.Tuple:
		out := etf.Tuple{}
		for _, e := range t {
			out = append(out, replacePids(e))
		}
		return out
	case etf.List:
		out := etf.List{}
		for _, e := range t {
			out = append(out, replacePids(e))
		}
		return out
	case etf.Improper:
		out := etf.Improper{Tail: replacePids(t.Tail)}
		for _, e := range t.Elems {
			out.Elems = append(out.Elems, replacePids(e))
		}
		return out
	case etf.Map:
		out := etf.Map{}
		for _, p := range t {
			out = append(out, etf.Pair{Key: replacePids(p.Key), Value: replacePids(p.Value)})
		}
		return out
	}
	return t
}

// Keys are equal exactly where =:= says so.
func TestKey(t *testing.T) {
	big, _ := etf.Parse("1180591620717411303424")
	terms := []etf.Term{etf.Int(1), etf.Float(1), etf.Atom("1"), etf.Binary("1"), etf.List{etf.Int(1)}, etf.Tuple{etf.Int(1)}, big, pid2, pid3,
		etf.Map{{Key: etf.Int(1), Value: etf.Int(2)}, {Key: etf.Int(2), Value: etf.Int(3)}}, etf.List{etf.Map{}}, etf.List{}, etf.Int(-1)}
	for i, a := range terms {
		for j, b := range terms {
			ka, err1 := key(a)
			kb, err2 := key(b)
			if err1 != nil || err2 != nil || (ka == kb) != (i == j) {
				t.Errorf("keys of %v and %v: equal is %v, %v, %v", a, b, ka == kb, err1, err2)
			}
		}
	}
	x := etf.Map{{Key: etf.Atom("a"), Value: etf.Int(2)}, {Key: etf.Atom("b"), Value: etf.Int(3)}}
	y := etf.Map{x[1], x[0]}
	kx, _ := key(etf.Tuple{x})
	ky, _ := key(etf.Tuple{y})
	if kx != ky {
		t.Error("the order of a map's keys makes a difference")
	}
}

func TestLeave(t *testing.T) {
	p := func(ids ...uint32) (pids []etf.Pid) {
		for _, id := range ids {
			pids = append(pids, etf.Pid{Node: "a@h", ID: id})
		}
		return pids
	}
	for _, tt := range []struct{ list, pids, rest, left []etf.Pid }{
		{p(1, 2, 1, 3), p(1), p(1, 2, 3), p(1)},
		{p(1, 2, 1, 3), p(1, 1, 1, 4), p(2, 3), p(1, 1)},
		{p(), p(1), p(), p()},
		{p(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1), p(10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11), p(1), p(10, 9, 8, 7, 6, 5, 4, 3, 2, 1)},
		{p(1, 2), p(2, 2, 2, 2, 2, 2, 2, 2, 2, 1), p(), p(2, 1)},
	} {
		rest, left := leave(append([]etf.Pid(nil), tt.list...), tt.pids)
		if len(rest) == 0 {
			rest = nil
		}
		if !cmp.Equal(rest, tt.rest) || !cmp.Equal(left, tt.left) {
			t.Errorf("leave(%v, %v) = %v, %v, want %v, %v", tt.list, tt.pids, rest, left, tt.rest, tt.left)
		}
	}
}

// FuzzReceive gives a machine whatever may come; what it keeps has to stay consistent.
func FuzzReceive(f *testing.F) {
	a, pids := etf.Atom("a"), []etf.Pid{pid2, pid3}
	for version := range int64(2) {
		for _, m := range []message{{kind: discover}, {kind: data, changes: []change{named(a, pids, nil)}},
			{kind: update, changes: []change{named(a, pids, nil)}}, {kind: update, changes: []change{named(a, nil, pids)}}} {
			m.from, m.version = scopePid, version
			all, err := m.encode()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(all[0])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, err := parse(etf.Raw{Bytes: b})
		if err != nil {
			return
		}
		m := newMachine(etf.Pid{Node: "b@h", ID: 1, Creation: 1})
		m.nodeUp("a@h", 1, true)
		m.receive(message{kind: discover, from: msg.from})
		for range 2 {
			m.receive(msg)
			if err := m.check(); err != nil {
				t.Fatalf("after %v: %v", etf.Raw{Bytes: b}, err)
			}
		}
		m.down(msg.from)
		if len(m.groups) > 0 {
			t.Errorf("groups are left: %v", m.groups)
		}
	})
}
